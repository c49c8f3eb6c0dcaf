"""Rules: what they conclude from records of known content, and how they refuse wrong arguments."""

from __future__ import annotations

import numpy as np
import pytest

from gptrepro.claims import Evidence, Verdict
from gptrepro.claims.rules import apply_rule
from gptrepro.errors import GptreproError
from gptrepro.experiments.gpt1 import PRETRAINING
from gptrepro.results import DataUsed, Hardware, Record, Run
from gptrepro.results.record import digest_of
from gptrepro.scales import Scale
from gptrepro.text.sources import corpus_digest

ARGUMENTS = {
    "experiment": "gpt1-pretraining",
    "before": "before",
    "after": "after",
    "minimum": 0.25,
    "report": "after",
}


def record_of(pairs: list[tuple[float, float]], **changes: object) -> Record:
    """A record of ``gpt1-pretraining`` with the given (before, after) losses, one pair a seed."""
    config = PRETRAINING.config(Scale.LAPTOP)
    settings = config.model_dump(mode="json") | changes
    data = [
        DataUsed(name=c.name, split=c.split, digest=corpus_digest(c.name, c.split), tier="mirror")
        for c in PRETRAINING.corpora(config)
    ]
    hardware = Hardware(processor="abacus", cores=1, threads=1, accelerator=None)
    return Record(
        experiment="gpt1-pretraining",
        version=PRETRAINING.version,
        scale=Scale.LAPTOP,
        config=settings,
        data=data,
        tokenizer="a" * 64,
        digest=digest_of("gpt1-pretraining", PRETRAINING.version, settings, data, "a" * 64),
        runs=[
            Run(
                seed=100 + i,
                metrics={"before": before, "after": after},
                history=[],
                tokens=1,
                flops=1.0,
                wall_seconds=1.0,
                hardware=hardware,
                versions={},
                commit="0" * 40,
                finished="2026-01-01",
            )
            for i, (before, after) in enumerate(pairs)
        ],
    )


def verdict_of(pairs: list[tuple[float, float]]) -> Verdict:
    evidence = Evidence(records={"gpt1-pretraining": record_of(pairs)})
    return apply_rule("loss_falls", None, evidence, ARGUMENTS).verdict


def test_a_clear_fall_is_a_trend():
    assert verdict_of([(5.0, 4.0), (5.1, 4.11), (4.9, 3.88)]) is Verdict.TREND


def test_a_fall_short_of_the_minimum_is_not_replicated():
    assert verdict_of([(5.0, 4.9), (5.1, 5.01), (4.9, 4.79)]) is Verdict.NOT_REPLICATED


def test_seeds_that_disagree_are_inconclusive():
    assert verdict_of([(5.0, 4.0), (5.1, 5.3), (4.9, 4.6)]) is Verdict.INCONCLUSIVE


def test_two_seeds_decide_nothing():
    assert verdict_of([(5.0, 4.0), (5.1, 4.1)]) is Verdict.INCONCLUSIVE


def test_without_a_record_the_judgement_says_what_to_run():
    found = apply_rule("loss_falls", None, Evidence(records={}), ARGUMENTS)
    assert found.verdict is Verdict.NOT_RUN
    assert "gptrepro run gpt1-pretraining" in found.reason


def test_a_stale_record_keeps_its_verdict_and_names_its_renewal():
    stale = record_of([(5.0, 4.0), (5.1, 4.11), (4.9, 3.88)], dropout=0.3)
    found = apply_rule("loss_falls", None, Evidence(records={"gpt1-pretraining": stale}), ARGUMENTS)
    assert found.verdict is Verdict.TREND
    assert found.stale is not None and "gptrepro publish gpt1-pretraining" in found.stale


def test_a_missing_metric_says_how_to_get_it():
    evidence = Evidence(records={"gpt1-pretraining": record_of([(5.0, 4.0)] * 3)})
    with pytest.raises(GptreproError, match="no metric 'elsewhere'"):
        apply_rule("loss_falls", None, evidence, ARGUMENTS | {"before": "elsewhere"})


@pytest.mark.parametrize("seeds", [3, 5, 8])
def test_the_rule_is_wrong_as_rarely_as_it_says(seeds):
    """With a true fall of exactly the minimum, 2.5% of the intervals lie above it by chance."""
    generator = np.random.default_rng(seeds)
    trials = 400
    false = sum(
        verdict_of([(5.0 + d, 5.0) for d in generator.normal(0.25, 0.1, seeds)]) is Verdict.TREND
        for _ in range(trials)
    )
    assert false / trials < 0.025 + 4 * np.sqrt(0.025 * 0.975 / trials)


def test_wrong_rules_and_arguments_are_one_sentence():
    with pytest.raises(GptreproError, match="no rule 'guess'"):
        apply_rule("guess", None, Evidence(records={}), {})
    with pytest.raises(GptreproError, match="cannot be applied"):
        apply_rule("loss_falls", None, Evidence(records={}), {"experiment": "x"})
