"""What guessing scores on the tasks of GPT-1, and how far luck may take it on the items that are asked.

A score below this floor says that nothing was learned, whatever its seeds agree on. It follows the record:
the more items were asked, the lower it is.
"""

from __future__ import annotations

import math

from gptrepro.experiments.base import Guess, Scored
from gptrepro.tasks.prompted import PROMPTED

TEST_ITEMS = {
    "sst2": 1821,
    "cola": 1043,
    "rte": 277,
    "mrpc": 1725,
    "stsb": 1379,
    "sick": 4927,
    "snli-sample": 9824,
    "commonsenseqa": 1221,
    "dream": 2040,
    "winograd": 273,
    "novel-word-order": 1488,
    "novel-continuation": 490,
}
"""Items of the test parts. Of other tasks, as many are taken for asked as the settings allow."""

ACCEPTABLE = 0.689
"""Share of CoLA's test sentences that are acceptable; of other ranked tasks about half are."""


def of_constant_answer(scored: Scored) -> Guess:
    """For labelled tasks: the score of the most common label in the record, on its test rows; in percent."""
    items = scored.items or min(scored.config["test_rows"], TEST_ITEMS.get(scored.task, math.inf))
    (value,) = (
        float(row["value"])
        for row in scored.rows
        if (row.get("task"), row.get("arm"), row["score"]) == (scored.task, "majority", scored.score)
    )
    return Guess(value, 100 * error(scored.score, value / 100, int(items)))


def of_heuristic(scored: Scored) -> Guess:
    """For zero-shot heuristics: their chance, on the items that the settings of the record ask for."""
    heuristic = PROMPTED[f"gpt1-{scored.task.replace('_', '-')}"]
    metric = heuristic.metric if scored.score == "relative" else scored.score.removesuffix("_corrected")
    items = scored.items or min(scored.config["items"], TEST_ITEMS.get(heuristic.data, math.inf))
    chance = heuristic.chance
    share = ACCEPTABLE if heuristic.data == "cola" else 0.5
    luck = error(metric, chance, int(items), share)
    return Guess(0.0, luck / (1 - chance)) if scored.score == "relative" else Guess(chance, luck)


def error(metric: str, value: float, items: int, share: float = 0.5) -> float:
    """The standard error of a metric on so many items for one who scores ``value`` without knowing anything.

    Args:
        metric: accuracy, F1 (of one answer to all), the area under the ROC curve (of any ranking: the
            variance of the rank sum), or a correlation.
        value: its expectation, from 0 to 1.
        items: how many are scored.
        share: of the items with label 1, where they are ranked.
    """
    if metric == "accuracy":
        return math.sqrt(value * (1 - value) / items)
    if metric == "f1":
        positive = value / (2 - value)
        return 2 / (1 + positive) ** 2 * math.sqrt(positive * (1 - positive) / items)
    if metric == "auc":
        return math.sqrt((items + 1) / (12 * items**2 * share * (1 - share)))
    return 1 / math.sqrt(items)
