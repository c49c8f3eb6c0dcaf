"""The three arms are of one size, get one treatment, and are scored as the claims assume."""

from __future__ import annotations

import functools

import pytest

from gptrepro.errors import GptreproError
from gptrepro.experiments.background import seq2seq
from gptrepro.experiments.background.seq2seq import LETTERS, SEQ2SEQ, count_parameters
from gptrepro.experiments.background.seq2seq_arms import ARMS
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


def test_every_word_length_is_scored_once_and_has_a_label():
    for length in range(1, 40):
        assert sum(length in lengths for lengths in LETTERS.values()) == 1
    assert set(SEQ2SEQ.labels["letters"]) == set(LETTERS)


def test_a_record_keeps_curves_and_drawings():
    record = obtain("background-seq2seq", scale=Scale.SMOKE, run="missing")
    assert record is not None
    (run,) = record.runs
    assert len(run.history) == 16
    for arm in ARMS:
        assert [run.history[-1][f"{arm}_dev_nll"]] == record.values(score="dev_nll", arm=arm)
        assert run.history[-1][f"{arm}_dev_nll"] < run.history[0][f"{arm}_dev_nll"]
    assert [name.split()[0] for name in run.matrices] == list(record.config["drawn_words"])
    for name, rows in run.matrices.items():
        word, *sounds = name.split()
        assert len(rows) == len(sounds) + 1  # and one for the end
        for row in rows:
            assert len(row) == len(word) and sum(row) == pytest.approx(1.0, abs=0.01)


def test_the_errors_of_all_words_are_those_of_every_length_together():
    record = obtain("background-seq2seq", scale=Scale.SMOKE, run="missing")
    assert record is not None
    words = [record.mean(score="words", letters=mean) for mean in LETTERS]
    assert sum(words) == record.mean(score="words", letters=None) == 200
    for arm in ARMS:
        wrong = [record.mean(score="word_error", arm=arm, letters=mean) for mean in LETTERS]
        assert record.mean(score="word_error", arm=arm, letters=None) == pytest.approx(
            sum(n * share for n, share in zip(words, wrong, strict=True)) / 200
        )


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
