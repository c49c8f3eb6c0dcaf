"""Tables of claims: counts, and values as short text."""

from __future__ import annotations

import pytest

from gptrepro.claims import JudgedClaim, Judgement, Verdict
from gptrepro.claims.tables import count_by_basis, counts_by_paper, headline, measured, printed

from .rows import ROWS, judged


def test_the_headline_counts_what_papers_state_and_experiments_tried():
    ours = judged("gpt3", Verdict.TREND, experiment="gpt1-pretraining")
    ours = JudgedClaim(ours.claim.model_copy(update={"stated_by": "ours"}), ours.judgement)
    mirror = judged("gpt3", Verdict.TREND, experiment="gpt1-pretraining")
    mirror = JudgedClaim(mirror.claim.model_copy(update={"mirror_of": "a"}), mirror.judgement)
    assert headline([*ROWS, ours, mirror]).startswith(
        "Of what the papers themselves state, experiments tried 2 claims and 1 held (GPT-1 1 and 1; "
        "GPT-2 1 and 0). 1 more were tried in a form of ours"
    )
    counts = counts_by_paper([*ROWS, ours, mirror]).set_index("paper")
    assert list(counts.loc["GPT-3"]) == [0] * 7 and list(counts.loc["GPT-2"])[:4] == [1, 1, 0, 1]


def test_verdicts_are_counted_by_what_they_rest_on():
    counts = count_by_basis(ROWS)
    assert counts.loc["not replicated", "experiment"] == 1
    assert counts.to_numpy().sum() == len(ROWS)


def test_a_comparison_shows_both_sides_its_unit_and_the_effect_with_its_interval():
    assert measured(ROWS[1]) == "ours: 2.10, theirs: 1.50 nats; margin 0.60 (0.50 to 0.75)"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(12, "blocks", "12 blocks"), (59.1, "% accuracy", "59.1% accuracy"), (True, "blocks", "yes")],
)
def test_a_number_comes_with_the_unit_of_its_claim(value, unit, text):
    claim = ROWS[0].claim.model_copy(update={"published": value, "unit": unit})
    item = JudgedClaim(claim, Judgement(Verdict.AGREES, "z", measured=value))
    assert (printed(claim), measured(item)) == (text, text)


def test_a_wide_table_is_announced_by_its_size():
    claim = ROWS[0].claim.model_copy(update={"table": "t", "rows": ({"a": 1}, {"a": 2})})
    assert printed(claim) == "table of 2 rows"
