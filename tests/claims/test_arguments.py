"""Every argument of every rule of the ledger, damaged field by field: none may pass for what was meant."""

from __future__ import annotations

import functools
import inspect
import json
import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gptrepro import storage
from gptrepro.claims import judge, load_claims, rules
from gptrepro.claims.arithmetic import CHECKS
from gptrepro.claims.claim import check_sources, claims_folder, read_claim, read_table
from gptrepro.claims.rules import RULES
from gptrepro.errors import GptreproError
from gptrepro.probes import PROBES

Rule = dict[str, Any]

NAMES = ("name", "probe", "check", "model", "experiment", "rival", "statistic", "support")
"""Arguments whose values are names that the package knows."""

WRONG: tuple[Any, ...] = (math.inf, -math.inf, math.nan, [[]], {"no": {"such": "thing"}})
"""What no argument and no part of one may be."""


@functools.cache
def ruled() -> list[tuple[Path, dict[str, Any]]]:
    """Every row of the ledger that has a rule, as its file states it, with the file."""
    files = sorted(claims_folder().glob("*.yml"))
    return [(path, row) for path in files for row in storage.read_yaml(path) if "rule" in row]


def required(rule: Rule) -> set[str]:
    """The fields that a rule cannot do without, by the signatures."""
    functions = [RULES[rule["name"]], *([CHECKS[rule["check"]]] if "check" in rule else [])]
    parameters = [each for function in functions for each in inspect.signature(function).parameters.values()]
    needed = {each.name for each in parameters if each.default is each.empty} & set(rule)
    of_probe = {"model"} if "probe" in rule and inspect.signature(PROBES[rule["probe"]]).parameters else set()
    return needed | of_probe | {"name"} | ({"of"} & set(rule))


def damaged(rule: Rule) -> Iterator[tuple[str, str, Rule]]:
    """Each field, what is done to it, and the rule so damaged."""
    for field, value in rule.items():
        yield field, "misspelt", {f"{key}_" if key == field else key: held for key, held in rule.items()}
        if field in required(rule):
            yield field, "missing", {key: held for key, held in rule.items() if key != field}
        wrong = [
            *WRONG,
            "3" if isinstance(value, bool | int | float) or field in ("tolerance", "floor") else 5.5,
        ]
        wrong += [1, "true"] if isinstance(value, bool) else [True] if isinstance(value, int | float) else []
        if isinstance(value, list):
            wrong += [[], [*value, []], *([[*value, "nobody"]] if field in ("model", "keys") else [])]
        if field in NAMES and isinstance(value, str) and not (field == "model" and "check" in rule):
            wrong += [f"{value}_"]
        if field == "tolerance":
            wrong += [-0.1, {}, {"nobody": 0.1}]
        if field == "margin" or (field == "minimum" and rule["name"] == "increases_with"):
            wrong += [-0.1]
        for each in wrong:
            yield field, f"is {each!r}", {**rule, field: each}
        if isinstance(value, dict) and field != "of":
            for key in value:
                for each in WRONG:
                    yield field, f"has {key}: {each!r}", {**rule, field: {**value, key: each}}


def test_no_damaged_argument_of_any_claim_is_read(record_property):
    """The sentence names the file, the claim and the field; counted are the trials."""
    trials, survived = 0, []
    for path, row in ruled():
        for field, how, rule in damaged(row["rule"]):
            trials += 1
            try:
                read_claim({**row, "rule": rule}, path)
            except GptreproError as error:
                named = all(part in str(error) for part in (str(path), f"claim {row['id']}:", field))
                if not named or "\n" in str(error):
                    survived.append(f"{row['id']}: {field} {how}: {error}")
            else:
                survived.append(f"{row['id']}: {field} {how}")
    record_property("trials", trials)
    assert not survived, f"{len(survived)} of {trials} pass or are not named:\n" + "\n".join(survived[:40])
    assert trials > 20 * len(ruled())


@pytest.mark.parametrize("allowed", [2.9, 100, 1e300])
def test_a_tolerance_with_which_nought_would_agree_is_refused(allowed):
    path, row = next((path, row) for path, row in ruled() if row["id"] == "dis-gpt3-mix-webtext2")
    with pytest.raises(GptreproError, match=r"dis-gpt3-mix-webtext2: `tolerance` .* the published 2\.9"):
        read_claim({**row, "rule": {**row["rule"], "tolerance": allowed}}, path)


@pytest.mark.parametrize("published", [None, {}, {"a": {}}, math.nan, {"a": [math.inf]}])
def test_nothing_is_compared_with_nothing(published):
    for path, row in ruled():
        if row["rule"]["name"] in ("constructed", "recomputed"):
            with pytest.raises(GptreproError, match=f"{row['id']}: .*published"):
                read_claim({**row, "published": published}, path)


def test_every_source_of_a_recomputation_is_another_claim_that_publishes_a_value():
    claims = load_claims()
    trials = 0
    for i, claim in enumerate(claims):
        of = claim.rule.arguments.get("of") if claim.rule else None
        if not of:
            continue
        listed = [of] if isinstance(of, str) else list(of.values() if isinstance(of, dict) else of)
        for wrong in (f"{listed[0]}_", claim.id, "popular-nothing"):
            rule = claim.rule.model_copy(update={"of": wrong})
            others = [*claims[:i], claim.model_copy(update={"rule": rule}), *claims[i + 1 :]]
            trials += 1
            with pytest.raises(GptreproError, match=f"claim {claim.id}: `of` names {wrong}"):
                check_sources(others, claims_folder())
    assert trials > 100


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("- id: a-1\n  where: x\n  where: y\n", "where"),
        ("- id: a-1\n  rule:\n    name: constructed\n    tolerance: 0\n    tolerance: 9\n", "tolerance"),
        ("- id: b\n  where: x\n- {id: a-1, published: {k: 1, 'k': 2}}\n- id: c\n", "k"),
    ],
)
def test_a_key_that_is_stated_twice_is_refused(tmp_path, text, field):
    (tmp_path / "gpt9.yml").write_text(text)
    with pytest.raises(GptreproError, match=rf"In claim a-1: .*gpt9\.yml .*`{field}` is stated twice"):
        load_claims(tmp_path)


@pytest.mark.parametrize("text", ["", "a: 1", "3", "- 3", "- [a]"])
def test_a_file_that_is_no_list_of_claims_is_refused(tmp_path, text):
    (tmp_path / "gpt9.yml").write_text(text)
    with pytest.raises(GptreproError, match=r"gpt9\.yml"):
        load_claims(tmp_path)


def test_a_cell_of_a_table_that_is_no_number_is_named(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,inf\n")
    with pytest.raises(GptreproError, match=r"t\.csv, line 3: b is inf"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("error", [GptreproError("It is not there."), KeyError("lern"), ZeroDivisionError()])
def test_whatever_fails_while_a_claim_is_judged_names_it(monkeypatch, error):
    def fail(*_: Any, **__: Any) -> None:
        raise error

    claim = next(each for each in load_claims() if each.rule and each.rule.name == "recomputed")
    monkeypatch.setattr(rules, "check_rule", lambda *_: None)
    monkeypatch.setitem(CHECKS, claim.rule.arguments["check"], fail)
    with pytest.raises(GptreproError, match=f"Claim {claim.id}: "):
        judge([claim])


def test_rules_select_by_coordinates_that_their_experiments_measure() -> None:
    """A slip here would else be found when a record is judged, hours after the run began."""
    measured = json.loads((storage.project_root() / "tests/experiments/smoke_metrics.json").read_text())
    for path, row in ruled():
        rule = row["rule"]
        if "experiment" not in rule:
            continue
        known: dict[str, set[Any]] = defaultdict(set)
        for name in (rule["experiment"], rule.get("rival")):
            for place in measured[name]["rows"] if name else ():
                for coordinate, value in place.items():
                    known[coordinate].add(value)
        selected = [rule[role] for role in ("where", "arm", "over", "measured", "floor_at") if role in rule]
        used = {coordinate for places in selected for coordinate in places}
        used |= {rule[role] for role in ("along", "mean_over") if role in rule}
        assert used <= set(known), f"{path.name}: {row['id']} names {used - set(known)}"
        for places in selected:
            for coordinate in {"score", "arm"} & set(places):
                asked = places[coordinate]
                wanted = set(asked) if isinstance(asked, list) else {asked}
                assert wanted - {None, "largest"} <= known[coordinate], f"{path.name}: {row['id']}: {wanted}"
