"""Training on running text: what follows from the value, and that a training goes on where it stopped."""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from gptrepro.errors import GptreproError
from gptrepro.evaluate.perplexity import evaluate_perplexity
from gptrepro.experiments import training as module
from gptrepro.experiments.arms import TextArms, joined
from gptrepro.experiments.base import CorpusRef, Unit, UnitOver
from gptrepro.experiments.networks import DecoderNetwork, LSTMNetwork, NGram, init_std_at
from gptrepro.experiments.training import TextTraining
from gptrepro.sources.corpora import load_corpus
from gptrepro.text.mixture import Mixture
from gptrepro.text.samples import Sample
from gptrepro.tokenizer.trained import trained_tokenizer
from tests.model.small import small_decoder

DECODER = DecoderNetwork(kind="decoder", n_layers=1, d_model=16, n_heads=2, init_std=0.1)

TRAINING = TextTraining(
    network=DECODER,
    corpus="plays",
    tokenizer="gpt2",
    n_vocab=300,
    n_ctx=8,
    tokens=1001,
    batch_size=5,
    peak_learning_rate=0.5,
    corpus_tokens=2000,
    tokenizer_documents=1,
)


def with_network(network: LSTMNetwork | NGram) -> TextTraining:
    return TRAINING.model_copy(update={"network": network})


@pytest.mark.parametrize(
    "network",
    [DECODER, LSTMNetwork(kind="lstm", beside=DECODER), NGram(kind="n_gram", order=2)],
    ids=lambda network: network.kind,
)
def test_a_training_is_the_same_after_json(network):
    training = with_network(network).model_copy(update={"milestones": (Fraction(1, 64), Fraction(1))})
    assert TextTraining.model_validate_json(training.model_dump_json()) == training


def test_initial_weights_batch_and_warm_up_follow_from_the_size():
    assert [init_std_at(width) for width in (32, 96, 128, 160, 768, 1600)] == [
        0.098, 0.057, 0.049, 0.044, 0.02, 0.02,
    ]  # fmt: skip
    stated = {"batch_size", "warmup_updates"}
    derived = TextTraining(**TRAINING.model_dump(exclude=stated) | {"n_ctx": 100, "tokens": 4_000_000})
    assert (derived.batch_size, derived.updates, derived.warmup_updates) == (20, 2000, 100)
    cut = derived.model_copy(update={"tokens": 40_000})
    assert (cut.batch_size, cut.updates, cut.warmup_updates) == (20, 20, 100)


def test_tokens_are_rounded_up_to_whole_updates():
    assert TRAINING.updates == 26  # of 40 tokens
    assert [TRAINING.milestone(Fraction(n)) for n in (1, 0)] == [26, 0]
    assert [TRAINING.milestone(Fraction(1, n)) for n in (2, 100)] == [13, 1]
    assert TRAINING.budget().tokens == 1040


def test_the_settings_are_those_of_the_value():
    halves = TRAINING.model_copy(update={"milestones": (Fraction(1, 2), Fraction(1))})
    settings = halves.settings(7)
    assert (settings.steps, settings.context, settings.batch_size) == (26, 8, 5)
    assert (settings.peak_lr, settings.seed) == (0.5, 7)
    assert (settings.evaluate_at, settings.checkpoint_at) == ((13, 26), (0, 13, 26))


def test_all_splits_are_encoded_by_a_tokenizer_of_the_training_text(tmp_path):
    text = TRAINING.tokenized(tmp_path)
    own = trained_tokenizer("gpt2", [load_corpus("plays")], 300, tmp_path, documents=1)
    train = text.train["plays"]
    assert text.tokenizer_digest == own.digest == train.index.tokenizer_digest
    assert text.heldout.index.tokenizer_digest == own.digest
    assert (train.index.split, text.heldout.index.split) == ("train", "heldout")
    assert max(text.n_train_tokens, text.heldout.n_tokens) <= 2000


def test_part_of_the_heldout_text_is_scored(tmp_path):
    text = TRAINING.model_copy(update={"heldout_tokens": 500}).tokenized(tmp_path)
    assert isinstance(text.heldout, Sample) and text.heldout.n_tokens == 500


def test_a_mixture_is_drawn_by_weight_and_names_what_is_scored(tmp_path, monkeypatch):
    both = {"plays": 3.0, "other plays": 1.0}
    with pytest.raises(ValidationError, match="heldout"):
        TextTraining(**TRAINING.model_dump() | {"corpus": both})
    mixed = TextTraining(**TRAINING.model_dump() | {"corpus": both, "heldout": "plays"})
    assert mixed.corpora == [
        CorpusRef("plays", "train"), CorpusRef("other plays", "train"), CorpusRef("plays", "heldout"),
    ]  # fmt: skip
    # the held-out plays stand in for a second corpus
    monkeypatch.setattr(
        module,
        "load_corpus",
        lambda name, split: load_corpus("plays", split="heldout" if name == "other plays" else split),
    )
    text = mixed.tokenized(tmp_path)
    batches = mixed.batches(text, seed=0)
    assert isinstance(batches, Mixture)
    other = {tuple(window) for window in np.lib.stride_tricks.sliding_window_view(
        text.train["other plays"].tokens, 9
    ).tolist()}  # fmt: skip
    share = np.mean([tuple(window) in other for window in batches.take(200).tolist()])
    assert share == pytest.approx(0.25, abs=0.1)


def test_a_network_stops_at_the_deadline_goes_on_and_is_then_only_read(tmp_path):
    training = TRAINING.model_copy(update={"tokens": 3 * 40, "warmup_updates": 0})

    def trained(seconds: float):
        unit = Unit(100, tmp_path / "seed", tmp_path, deadline=time.monotonic() + seconds)
        return training.train(unit, evaluate=lambda *_: {"score": 1.0})

    for _ in range(2):  # no time left: an update each, and state saved
        with pytest.raises(UnitOver):
            trained(0)
    finished = trained(60)
    assert (finished.step, training.row_at(finished)["score"]) == (3, 1.0)
    assert trained(0).history == finished.history


def test_weights_are_given_back_as_they_were_at_a_fraction(tmp_path):
    training = TRAINING.model_copy(update={"tokens": 4 * 40, "milestones": (Fraction(1, 2), Fraction(1))})
    result = training.train(Unit(100, tmp_path / "seed", tmp_path))
    text = training.tokenized(tmp_path).heldout
    for fraction in training.milestones:
        model = training.pretrained(tmp_path / "seed", fraction)
        assert not model.training
        logged = training.row_at(result, fraction)["heldout_nll"]
        assert training.score(model, text).nll_per_token == pytest.approx(logged, rel=1e-6)
    fresh, untrained = training.fresh(100), training.pretrained(tmp_path / "seed", 0)
    assert all(torch.equal(a, b) for a, b in zip(fresh.parameters(), untrained.parameters(), strict=True))
    with pytest.raises(GptreproError, match="no weights"):
        training.pretrained(tmp_path / "seed", Fraction(1, 4))


COOLED = TRAINING.model_copy(
    update={
        "tokens": 20 * 40,
        "warmup_updates": 2,
        "schedule": "linear",
        "cooldown": Fraction(1, 5),
        "milestones": (Fraction(1, 4), Fraction(1, 2), Fraction(1)),
    }
)


def test_with_a_cooldown_every_milestone_is_a_finished_training_of_its_own(tmp_path):
    result = COOLED.train(Unit(100, tmp_path / "seed", tmp_path))
    for fraction in COOLED.milestones:
        tokens = int(COOLED.tokens * fraction)
        place = tmp_path / str(tokens)
        alone = COOLED.model_copy(update={"tokens": tokens, "milestones": (Fraction(1),)})
        expected = alone.train(Unit(100, place, tmp_path))
        at = COOLED.row_at(result, fraction)
        assert at["lr"] == 0.0 and at["tokens"] == tokens
        assert at["heldout_nll"] == alone.row_at(expected)["heldout_nll"]
        finished = COOLED.pretrained(tmp_path / "seed", fraction), alone.pretrained(place)
        assert all(torch.equal(a, b) for a, b in zip(*(each.parameters() for each in finished), strict=True))
    steps = [row["step"] for row in result.history]
    assert steps == sorted(set(steps))


def test_branches_cost_their_cooldowns_alone(tmp_path):
    result = COOLED.train(Unit(100, tmp_path / "seed", tmp_path))
    assert result.tokens == COOLED.budget().tokens == (20 + 1 + 2) * 40


def test_a_training_with_branches_that_is_stopped_goes_on_to_the_same_end(tmp_path):
    whole, interrupted = COOLED.train(Unit(100, tmp_path / "whole", tmp_path)), 0
    while True:
        try:
            pieces = COOLED.train(Unit(100, tmp_path / "pieces", tmp_path, deadline=0.0))
            break
        except UnitOver:
            interrupted += 1
    assert interrupted == 20 + 1 + 2 - 3  # an update each, and the three ends
    assert pieces.history == whole.history


def test_device_and_compilation_of_the_unit_reach_the_training(tmp_path, monkeypatch):
    seen = {}

    def watched(model, batches, settings, folder, **options):
        seen.update(device=options["device"], compile=settings.compile)
        return train(model, batches, settings, folder, **options | {"device": "cpu"})

    train = module.train
    monkeypatch.setattr(module, "train", watched)
    TRAINING.train(Unit(100, tmp_path / "a", tmp_path, device="cuda:0"))
    assert seen == {"device": "cuda:0", "compile": None}
    monkeypatch.setattr("torch.compile", lambda forward, **_: forward)
    TRAINING.train(Unit(100, tmp_path / "b", tmp_path, compile=True))
    assert seen == {"device": "auto", "compile": True}


def test_counts_are_of_the_windows_that_a_network_reads(tmp_path, monkeypatch):
    read: list[np.ndarray] = []

    class Watched(module.KneserNey):
        def __init__(self, windows: np.ndarray, n_vocab: int, order: int) -> None:
            read.append(windows)
            super().__init__(windows, n_vocab, order)

    monkeypatch.setattr(module, "KneserNey", Watched)
    counting = with_network(NGram(kind="n_gram", order=2)).model_copy(
        update={"milestones": (Fraction(1, 2), Fraction(1))}
    )
    result = counting.train(Unit(100, tmp_path / "seed", tmp_path))
    batches = TRAINING.batches(TRAINING.tokenized(tmp_path), seed=100)
    seen = [batches.next() for _ in range(TRAINING.updates)]
    networks = np.concatenate([np.c_[ids.numpy(), targets.numpy()[:, -1]] for ids, targets in seen])
    assert np.array_equal(read[1], networks) and np.array_equal(read[0], networks[:65])
    assert counting.row_at(result, 0.5)["heldout_nll"] > counting.row_at(result)["heldout_nll"]
    with pytest.raises(GptreproError, match="no network"):
        counting.pretrained(tmp_path / "seed")


class KnowsNothing(torch.nn.Module):
    """Every token is as likely as any other."""

    def __init__(self) -> None:
        super().__init__()
        self.scores = torch.nn.Parameter(torch.zeros(16))

    def hidden(self, ids: torch.Tensor) -> torch.Tensor:
        return self.scores.expand(*ids.shape, -1)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        return hidden


def test_counting_and_networks_are_measured_alike():
    text = Sample(np.arange(100, dtype=np.uint16) % 16, n_bytes=200, n_words=50)  # 4 bits per token, 2 bytes
    assert TRAINING.score(KnowsNothing(), text).bits_per_byte == pytest.approx(2.0)
    counted = TRAINING.score(module.KneserNey(np.array([[0, 1]]), 16, 1), text)
    unseen = module.KneserNey(np.array([[0, 1]]), 16, 1).nll(np.array([0, 5]))[0]
    assert counted.perplexity_per_token > 16 and counted.nll_per_token < unseen
    assert counted.bits_per_byte == pytest.approx(counted.nll_per_token / np.log(2) / 2)


@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
def test_a_score_does_not_depend_on_how_much_is_read_at_once(device, tmp_path, monkeypatch):
    text = TRAINING.tokenized(tmp_path).heldout
    model = small_decoder(n_vocab=300)
    alone = evaluate_perplexity(model, text, 8, batch_size=1)
    monkeypatch.setattr(module, "device_of", lambda model: torch.device(device))
    assert TRAINING.score(model, text).bits_per_byte == pytest.approx(alone.bits_per_byte, rel=1e-5)


def test_arms_cost_what_their_trainings_cost_together():
    arms = TextArms(arms={"gpt": TRAINING, "lstm": with_network(LSTMNetwork(kind="lstm", beside=DECODER))})
    costs = [arm.budget() for arm in arms.arms.values()]
    assert arms.budget().parameters == max(cost.parameters for cost in costs)
    assert arms.budget().flops == sum(cost.flops for cost in costs)
    assert arms.corpora == TRAINING.corpora


def test_histories_are_joined_by_step():
    one = [{"step": 1.0, "tokens": 8.0, "loss": 3.0}, {"step": 2.0, "tokens": 16.0, "loss": 2.0, "bits": 1.0}]
    other = [{"step": 2.0, "tokens": 16.0, "loss": 2.5}]
    assert joined({"a": one, "b": other}, ("loss", "bits")) == [
        {"step": 1.0, "tokens": 8.0, "loss_a": 3.0},
        {"step": 2.0, "tokens": 16.0, "loss_a": 2.0, "bits_a": 1.0, "loss_b": 2.5},
    ]
