"""Which verdicts an experiment can end in."""

from __future__ import annotations

from gptrepro.claims import Verdict


def test_only_an_experiment_replicates():
    assert {verdict for verdict in Verdict if not verdict.empirical} == {
        Verdict.AGREES,
        Verdict.DEVIATES,
        Verdict.CONFIRMED,
        Verdict.PARTLY,
        Verdict.REFUTED,
        Verdict.NOT_RUN,
        Verdict.CITED,
    }
