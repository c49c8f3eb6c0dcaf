"""Choosing rows by their coordinates: the one way in which rules and pages find a number.

What is wanted of a coordinate is one of

    "sick"            that value
    ["sick", "sst2"]  one of these
    None              the row has no such coordinate
    {"above": 0}      a number greater than that
    "largest"         the largest number among the rows that agree in all other coordinates
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gptrepro.errors import GptreproError

if TYPE_CHECKING:
    import pandas as pd

LARGEST = "largest"


def matching(table: pd.DataFrame, where: Mapping[str, Any]) -> pd.DataFrame:
    """The lines of a record's table that ``where`` asks for, perhaps none.

    Raises:
        GptreproError: ``where`` names a coordinate that no row has, or asks in no known way.
    """
    unknown = [name for name, wanted in where.items() if name not in table and wanted is not None]
    if unknown:
        known = ", ".join(str(name) for name in table if name not in ("seed", "value"))
        raise GptreproError(f"No row has a coordinate '{unknown[0]}': choose among {known}.")
    for name, wanted in where.items():
        if name in table and wanted != LARGEST:
            table = table[_fits(table[name], name, wanted)]
    for name, wanted in where.items():
        if wanted == LARGEST:
            table = _largest(table, name)
    return table


def _fits(column: pd.Series[Any], name: str, wanted: Any) -> pd.Series[bool]:
    if wanted is None:
        return column.isna()
    if isinstance(wanted, Mapping):
        if set(wanted) != {"above"}:
            raise GptreproError(f"{name} can be {{above: x}}, not {dict(wanted)}.")
        import pandas as pd  # of the extra judge

        above: pd.Series[bool] = pd.to_numeric(column, errors="coerce") > wanted["above"]
        return above
    return column.isin(wanted if isinstance(wanted, list | tuple) else [wanted])


def _largest(table: pd.DataFrame, name: str) -> pd.DataFrame:
    others = [each for each in table if each not in (name, "value")]
    table = table[table[name].notna()]
    largest = table.groupby(others, dropna=False)[name].transform("max")
    return table[table[name] == largest]


def in_words(where: Mapping[str, Any]) -> str:
    """A selection for a sentence, such as ``score=accuracy, rows=largest``."""
    return ", ".join(f"{name}={wanted}" for name, wanted in where.items()) or "any coordinates"
