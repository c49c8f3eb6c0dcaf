"""What rules may be told: the types of their arguments, and the check of a claim's arguments against them.

A rule's signature is its schema. Nothing is converted on the way: `true` is no number; numbers are finite.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model

from gptrepro.claims.arithmetic.registry import find_check
from gptrepro.errors import GptreproError
from gptrepro.experiments import find_experiment
from gptrepro.experiments.base import Coordinate
from gptrepro.probes.registry import find_probe
from gptrepro.published import published_model


def _found(find: Callable[[str], Any]) -> AfterValidator:
    """The name of something that ``find`` finds; its refusal becomes the argument's."""

    def check(name: str) -> str:
        try:
            find(name)
        except GptreproError as error:
            raise ValueError(str(error)) from error
        return name

    return AfterValidator(check)


ExperimentName = Annotated[str, _found(lambda name: find_experiment(name))]
ProbeName = Annotated[str, _found(find_probe)]
CheckName = Annotated[str, _found(find_check)]
ModelName = Annotated[str, _found(published_model)]

Deviation = Annotated[float, Field(ge=0)]
Tolerance = Deviation | Mapping[str, Deviation]
"""Largest deviation of a number, or one for each key of the published value."""
Rounding = Literal["rounding"]
"""In place of a tolerance: what the printed digits of a number and of its inputs leave open."""

Where = Mapping[str, Coordinate | list[Coordinate] | Mapping[Literal["above"], float] | None]
"""Coordinates that are asked for, as `gptrepro.results.selection` says."""


def check_arguments(
    function: Callable[..., Any], refusal: str, arguments: Mapping[str, Any], given: int
) -> None:
    """Refuse arguments that ``function`` does not take beside its first ``given`` ones, unchecked.

    ``refusal`` begins the sentence that says so.

    Raises:
        GptreproError: an argument is missing, unknown, or not of the type that the signature states.
    """
    try:
        _schema(function, given).model_validate(dict(arguments))
    except ValidationError as error:
        raise GptreproError(f"{refusal}: {_reason(error)}.") from error
    for field, value in arguments.items():
        if says_nothing(value):
            raise GptreproError(f"{refusal}: `{field}` is {value!r}, which says nothing: leave it out.")


def says_nothing(value: Any) -> bool:
    """Whether a value or a part of it is empty, infinite or NaN: nothing can be compared with that."""
    if isinstance(value, Mapping | list):
        return not value or any(map(says_nothing, value.values() if isinstance(value, Mapping) else value))
    return isinstance(value, float) and not math.isfinite(value)


@functools.cache
def _schema(function: Callable[..., Any], given: int) -> type[BaseModel]:
    parameters = list(inspect.signature(function).parameters.values())
    hints = get_type_hints(function, include_extras=True)
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    fields: dict[str, Any] = {
        each.name: (hints[each.name], ... if each.default is each.empty else each.default)
        for each in parameters[given:]
        if each.kind not in several
    }
    open_ended = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)
    config = ConfigDict(strict=True, allow_inf_nan=False, extra="allow" if open_ended else "forbid")
    return create_model(function.__name__, __config__=config, **fields)


def _reason(error: ValidationError) -> str:
    """What is wrong with the first argument that is; an unknown one may be another one, misspelt."""
    errors = sorted(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    field = errors[0]["loc"][0]
    of_field = [each for each in errors if each["loc"][0] == field]
    if of_field[0]["type"] == "extra_forbidden":
        return f"it takes no `{field}`"
    if of_field[0]["type"] == "missing":
        return f"it lacks `{field}`"
    if (mistaken := next((each for each in of_field if each["type"] == "value_error"), None)) is not None:
        return f"`{field}`: {mistaken['ctx']['error']}".rstrip(".")
    wanted = dict.fromkeys(each["msg"].removeprefix("Input should be ") for each in of_field)
    return f"`{field}` should be {' or '.join(wanted)}, not {of_field[0]['input']!r}"
