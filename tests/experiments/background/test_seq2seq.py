"""The three arms are of one size, get one treatment, and are scored as the claims assume."""

from __future__ import annotations

import functools

import pytest

from gptrepro.earlier.error_rates import ErrorRates
from gptrepro.errors import GptreproError
from gptrepro.experiments.background import seq2seq
from gptrepro.experiments.background.seq2seq import ARMS, BUCKETS, SEQ2SEQ, bucket_name, count_parameters
from gptrepro.experiments.base import Unit, UnitOver
from gptrepro.results import obtain
from gptrepro.scales import Scale


@pytest.mark.parametrize("scale", SEQ2SEQ.configs)
def test_the_arms_are_equal_in_size_within_five_percent(scale):
    sizes = [count_parameters(SEQ2SEQ.config(scale).build(arm)) for arm in ARMS]
    assert max(sizes) / min(sizes) < 1.05


@pytest.mark.parametrize("scale", SEQ2SEQ.configs)
def test_the_arms_are_trained_alike_but_for_the_learning_rate(scale):
    config = SEQ2SEQ.config(scale)
    alike = [{**vars(config.settings(arm, 100)), "peak_lr": None} for arm in ARMS]
    assert alike[0] == alike[1] == alike[2]


def test_every_word_length_is_in_one_bucket():
    for length in range(1, 40):
        assert sum(shortest <= length <= (longest or length) for shortest, longest in BUCKETS) == 1
    assert [bucket_name(*bucket) for bucket in BUCKETS] == ["1_5", "6_7", "8_9", "10_11", "12_up"]


def test_the_bottleneck_is_what_the_single_vector_costs():
    rates = {
        arm: {"": ErrorRates(per, 50.0, 9), "6_7": ErrorRates(per + 1, 60.0, 4)}
        for arm, per in (("fixed", 20.0), ("attention", 12.0), ("transformer", 13.0))
    }
    metrics = seq2seq._error_metrics(rates)
    assert metrics["bottleneck_per"] == 8.0 and metrics["bottleneck_per_6_7"] == 8.0
    assert metrics["transformer_per_6_7"] == 14.0 and metrics["words_6_7"] == 4.0


def test_a_record_keeps_curves_and_drawings():
    record = obtain("background-seq2seq", scale=Scale.SMOKE, run="missing")
    assert record is not None
    (run,) = record.runs
    assert len(run.history) == 16
    for arm in ARMS:
        assert run.history[-1][f"{arm}_dev_nll"] == run.metrics[f"{arm}_dev_nll"]
        assert run.history[-1][f"{arm}_dev_nll"] < run.history[0][f"{arm}_dev_nll"]
    assert [name.split()[0] for name in run.matrices] == list(record.config["drawn_words"])
    for name, rows in run.matrices.items():
        word, *sounds = name.split()
        assert len(rows) == len(sounds) + 1  # and one for the end
        for row in rows:
            assert len(row) == len(word) and sum(row) == pytest.approx(1.0, abs=0.01)


def test_the_words_of_a_bucket_add_up():
    record = obtain("background-seq2seq", scale=Scale.SMOKE, run="missing")
    assert record is not None
    metrics = record.runs[0].metrics
    assert sum(metrics[f"words_{bucket_name(*bucket)}"] for bucket in BUCKETS) == metrics["words"] == 200


def test_an_interrupted_seed_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(seq2seq, "read_words", functools.cache(seq2seq.read_words))
    shorter = {"updates": 3, "warmup_updates": 1, "train_pairs": 200, "dev_words": 20}
    config = SEQ2SEQ.config(Scale.SMOKE).model_copy(update=shorter)
    whole = SEQ2SEQ.measure(config, Unit(0, tmp_path / "whole", tmp_path))
    units = 0
    while True:
        units += 1
        try:
            pieces = SEQ2SEQ.measure(config, Unit(0, tmp_path / "pieces", tmp_path, deadline=0.0))
            break
        except UnitOver:
            assert units < 3 * len(ARMS)
    assert units > len(ARMS)
    assert pieces == whole


def test_at_paper_scale_it_does_not_run():
    with pytest.raises(GptreproError, match="does not run at scale 'paper'"):
        SEQ2SEQ.config(Scale.PAPER)
