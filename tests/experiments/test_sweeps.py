"""The best setting of a sweep is found as its record holds it: over seeds, on every axis, gaps and all."""

from __future__ import annotations

import pandas as pd
import pytest

from gptrepro.errors import GptreproError
from gptrepro.experiments.sweeps import best_setting

RATES = (0.1, 0.2, 0.4)


def table(values: dict[tuple[int, float], float]) -> pd.DataFrame:
    return pd.DataFrame([(*at, value) for at, value in values.items()], columns=["seed", "rate", "value"])


def test_the_best_is_that_of_the_mean_over_seeds_and_the_first_of_equals() -> None:
    rows = table({(0, 0.1): 3, (0, 0.2): 2, (0, 0.4): 4, (1, 0.1): 3, (1, 0.2): 4, (1, 0.4): 1})
    best = best_setting(rows, {"rate": RATES})
    assert (best.setting, best.value, best.at_edge) == ({"rate": 0.1}, 3, ("rate",))
    assert best_setting(rows, {"rate": RATES}, lower_is_better=True).setting == {"rate": 0.4}


def test_a_setting_that_failed_a_seed_is_never_best_and_still_counts_as_tried() -> None:
    rows = table({(0, 0.1): 3, (0, 0.2): 2, (0, 0.4): 1, (1, 0.1): 3, (1, 0.2): 2})
    best = best_setting(rows, {"rate": RATES}, lower_is_better=True)
    assert (best.setting, best.at_edge) == ({"rate": 0.2}, ())
    with pytest.raises(GptreproError, match="No setting of the sweep over rate has a score of every seed"):
        best_setting(table({(0, 0.1): 3, (1, 0.2): 2}), {"rate": RATES})


def test_each_axis_has_an_edge_of_its_own() -> None:
    tried = {"rate": RATES, "updates": (150, 300, 600)}
    rows = pd.DataFrame(
        [(0, 0.1, 150, 5), (0, 0.2, 150, 7), (0, 0.4, 150, 6), (0, 0.2, 300, 8), (0, 0.2, 600, 9)],
        columns=["seed", *tried, "value"],
    )
    assert best_setting(rows, tried).setting == {"rate": 0.2, "updates": 600}
    assert best_setting(rows, tried).at_edge == ("updates",)
