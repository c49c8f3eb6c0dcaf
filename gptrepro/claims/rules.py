"""Rules: named functions that turn evidence into a judgement.

A claim names one rule and its arguments; there is no expression language. A rule of a trained claim is
committed before the run that it judges. Every rule takes the published value, the evidence and keyword
arguments, and returns a `Judgement`. Two rules need no run: `constructed` measures what was built, and
`recomputed` repeats the arithmetic of a paper's own tables. The others judge records (`trained`).
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gptrepro.claims import rounding
from gptrepro.claims.arguments import (
    CheckName,
    ModelName,
    ProbeName,
    Rounding,
    Tolerance,
    check_arguments,
)
from gptrepro.claims.arithmetic import CHECKS
from gptrepro.claims.evidence import Evidence
from gptrepro.claims.trained import arm_beats, equivalent_within, increases_with, refuse_apart
from gptrepro.claims.verdict import Judgement, Verdict
from gptrepro.claims.wording import compact, label
from gptrepro.errors import GptreproError
from gptrepro.probes import probe as run_probe
from gptrepro.probes.registry import find_probe

Rule = Callable[..., Judgement]


def constructed(
    published: Any,
    evidence: Evidence,
    *,
    probe: ProbeName,
    model: ModelName | list[ModelName] | None = None,
    tolerance: Tolerance = 0.0,
    keys: list[str] | None = None,
) -> Judgement:
    """Compare the published value with one measured on the built thing (`gptrepro.probes`).

    It `agrees` or `deviates`: words of their own, since this says that the code is the paper's and nothing of
    how well it works.

    Args:
        published: the paper's value; for several models one for all, or one by the name of each.
        evidence: not used.
        probe: what to measure.
        model: the published model, or models, to measure it on; None where the probe needs none.
        tolerance: largest deviation of a number, or one for each key of the published value.
        keys: the part of the published value that is compared; all of it when None.
    """
    try:
        if isinstance(model, list):
            by_model = {name: run_probe(probe, name) for name in model}
            first = by_model[model[0]]
            one_for_all = all(value == first for value in by_model.values())
            keyed = isinstance(published, Mapping) and set(published) <= set(by_model)
            measured = by_model if keyed or not one_for_all else first
            if not keyed and not one_for_all:
                published = dict.fromkeys(by_model, published)
        else:
            measured = run_probe(probe, model)
    except GptreproError as error:
        return Judgement(Verdict.NOT_RUN, str(error))
    differing = _compared(published, measured, tolerance, keys)
    if not differing:
        return Judgement(Verdict.AGREES, "Measured on what was built, it agrees.", measured=measured)
    return Judgement(Verdict.DEVIATES, f"Built here: {'; '.join(differing)}.", measured=measured)


def recomputed(
    published: Any,
    evidence: Evidence,
    *,
    check: CheckName,
    of: str | list[str] | dict[str, str] | None = None,
    tolerance: Tolerance | Rounding = 0.0,
    keys: list[str] | None = None,
    **arguments: Any,
) -> Judgement:
    """Compare the published value with one computed from what other claims publish.

    It is `confirmed` where the arithmetic holds, `refuted` where the paper's own numbers disagree, and
    `partly right` where some of several parts do.

    Args:
        published: the paper's value.
        evidence: gives the figures of the other claims.
        check: a function of `gptrepro.claims.arithmetic`.
        of: the claims whose figures it takes, in order; or by a label each, given as one mapping;
            none for a check of formulas.
        tolerance: largest deviation of a number, or one for each key of the published value; ``rounding``
            for what the printed digits of all numbers leave open (`gptrepro.claims.rounding`).
        keys: the part of the published value that is compared; all of it when None.
        arguments: further arguments of the check.

    Raises:
        GptreproError: there is no such claim.
    """
    if isinstance(of, dict):
        inputs: list[Any] = [{label: evidence.figures(name) for label, name in of.items()}]
        names = list(of.values())
    else:
        names = [of] if isinstance(of, str) else of or []
        inputs = [evidence.figures(name) for name in names]
    compute = functools.partial(CHECKS[check], **arguments)
    measured = compute(*inputs)
    if isinstance(tolerance, str):
        tolerance = rounding.tolerance(published, measured, compute, inputs)
    source = f"{', '.join(names[:3])}{' and others' if len(names) > 3 else ''}" or "the formulas"
    differing = _compared(published, measured, tolerance, keys)
    if not differing:
        return Judgement(Verdict.CONFIRMED, f"Recomputed from {source}, it agrees.", measured=measured)
    partly = some_agree(published, measured, tolerance, keys)
    verdict = Verdict.PARTLY if partly else Verdict.REFUTED
    return Judgement(verdict, f"Recomputed from {source}: {'; '.join(differing)}.", measured=measured)


TRAINED: dict[str, Rule] = {rule.__name__: rule for rule in (arm_beats, equivalent_within, increases_with)}
"""The rules that judge the records of trained models, by name."""

RULES: dict[str, Rule] = {rule.__name__: rule for rule in (constructed, recomputed)} | TRAINED
"""The rules by name."""


def apply_rule(name: str, published: Any, evidence: Evidence, arguments: Mapping[str, Any]) -> Judgement:
    """Judge a published value by the rule called ``name``.

    Raises:
        GptreproError: there is no such rule, or it does not take these arguments.
    """
    check_rule(name, published, arguments)
    return RULES[name](published, evidence, **arguments)


def check_rule(name: str, published: Any, arguments: Mapping[str, Any]) -> None:
    """Refuse a rule that cannot judge this published value, or that no measured one could contradict.

    Raises:
        GptreproError: there is no such rule, or it does not take these arguments.
    """
    if name not in RULES:
        raise GptreproError(f"`name`: There is no rule '{name}': choose {', '.join(RULES)}.")
    check_arguments(RULES[name], f"The rule '{name}' cannot be applied", arguments, given=2)
    match name:
        case "constructed":
            _check_model(arguments["probe"], arguments.get("model"))
            _check_comparison(published, arguments)
        case "recomputed":
            _check_check(arguments)
            _check_comparison(published, arguments)
        case "arm_beats":
            refuse_apart(arguments)


def _check_model(probe: str, model: Any) -> None:
    takes_model = bool(inspect.signature(find_probe(probe)).parameters)
    if takes_model != (model is not None):
        wanted = "needs a `model`" if takes_model else "takes no `model`"
        raise GptreproError(f"The probe '{probe}' {wanted}.")


def _check_check(arguments: Mapping[str, Any]) -> None:
    """Refuse what the check does not take: too many claims in `of`, or wrong arguments of its own."""
    check, of = arguments["check"], arguments.get("of") or []
    given = len(of) if isinstance(of, list) else 1
    kinds = [each.kind for each in inspect.signature(CHECKS[check]).parameters.values()]
    room = math.inf if inspect.Parameter.VAR_POSITIONAL in kinds else len(kinds)
    if given > room:
        raise GptreproError(f"The check '{check}' takes {room} claims in `of`, not {given}.")
    ours = inspect.getfullargspec(recomputed).kwonlyargs
    own = {key: value for key, value in arguments.items() if key not in ours}
    what = f"The check '{check}' cannot be applied to {given} claims in `of`"
    check_arguments(CHECKS[check], what, own, given)


def _check_comparison(published: Any, arguments: Mapping[str, Any]) -> None:
    """Refuse to compare with nothing, by keys that are not there, or so loosely that nought would agree."""
    keys, tolerance, model = (arguments.get(name) for name in ("keys", "tolerance", "model"))
    if published is None:
        raise GptreproError("`published` is missing: the rule compares with it.")
    named = set(published) if isinstance(published, Mapping) else set()
    if unknown := [key for key in keys or () if key not in named]:
        raise GptreproError(f"`keys` names {unknown[0]}, which is not in `published`.")
    if isinstance(tolerance, Mapping):
        named |= set(model) if isinstance(model, list) else set()
        if unknown := [key for key in tolerance if key not in named]:
            raise GptreproError(f"`tolerance` names {unknown[0]}, which is not in `published`.")
    if tolerance == "rounding":
        return
    compared = {key: published[key] for key in keys} if keys else published
    for value, allowed in _numbers(compared, tolerance or 0.0):
        if value and allowed >= abs(value):
            raise GptreproError(
                f"`tolerance` {allowed:g} is no less than the published {compact(value)}: nought would agree."
            )


def _numbers(published: Any, tolerance: Any) -> Iterator[tuple[float, float]]:
    """Each published number with the deviation that is allowed to it, as `differences` pairs them."""
    if isinstance(published, Mapping):
        for key, value in published.items():
            allowed = tolerance.get(key, 0.0) if isinstance(tolerance, Mapping) else tolerance
            yield from _numbers(value, allowed)
    elif isinstance(published, list | tuple):
        for value in published:
            yield from _numbers(value, tolerance)
    elif _number(published):
        yield published, max(tolerance.values()) if isinstance(tolerance, Mapping) else tolerance


def _compared(
    published: Any, measured: Any, tolerance: float | Mapping[str, float], keys: list[str] | None
) -> list[str]:
    """Where ``measured`` is not what was published, of the parts that are compared."""
    if keys is not None:
        published = {key: published[key] for key in keys}
    return differences(published, measured, tolerance)


def some_agree(
    published: Any,
    measured: Any,
    tolerance: float | Mapping[str, float] = 0.0,
    keys: list[str] | None = None,
) -> bool:
    """Whether some of the named parts that are compared are as published."""
    parts = keys or (published if isinstance(published, Mapping) else [])
    return any(not _compared(published, measured, tolerance, [key]) for key in parts)


def differences(
    published: Any, measured: Any, tolerance: float | Mapping[str, float] = 0.0, name: str = ""
) -> list[str]:
    """Where ``measured`` is not what was ``published``, and by how much; the published keys count."""
    if isinstance(published, Mapping):
        if not isinstance(measured, Mapping):
            return [f"{compact(measured)}, not {compact(published)}"]
        return [
            difference
            for key, value in published.items()
            for difference in differences(
                value,
                measured.get(key),
                tolerance.get(key, 0.0) if isinstance(tolerance, Mapping) else tolerance,
                f"{name} {label(key)}".strip(),
            )
        ]
    if (
        isinstance(published, list | tuple)
        and isinstance(measured, list | tuple)
        and len(published) == len(measured)
    ):
        return [
            difference
            for place, (value, found) in enumerate(zip(published, measured, strict=True), start=1)
            for difference in differences(value, found, tolerance, f"{name} {place}".strip())
        ]
    prefix = f"{name} is " if name else ""
    if _number(published) and _number(measured):
        allowed = tolerance if isinstance(tolerance, int | float) else 0.0
        if math.isclose(published, measured, rel_tol=1e-12, abs_tol=allowed):
            return []
        gap = measured - published
        if not isinstance(gap, int):
            gap = float(f"{gap:.3g}")
        return [f"{prefix}{compact(measured)}, not {compact(published)} (off by {compact(gap)})"]
    if type(published) is type(measured) and published == measured:
        return []
    return [f"{prefix}{compact(measured) or 'missing'}, not {compact(published)}"]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
