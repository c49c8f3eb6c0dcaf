"""One context vector, attention, and a Transformer: three encoder-decoders at equal size on one task.

The learning rates of the laptop scale are the best of five for each arm, by the dev loss after 240 updates on
pilot seed 0: 1, 2, 4, 8 and 16 thousandths for the LSTMs, half of these for the Transformer. The best lay
inside the range for every arm: the next higher rate was worse.
"""

from __future__ import annotations

import copy
import math
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from gptrepro import storage
from gptrepro.earlier.error_rates import ErrorRates, error_rates
from gptrepro.earlier.pairs import Alphabet, PairBatches, padded
from gptrepro.earlier.pronunciation import WordPair, read_pronunciations, reversed_words, take_part
from gptrepro.earlier.seq2seq import (
    END,
    N_SPECIAL,
    PAD,
    RecurrentConfig,
    RecurrentSeq2Seq,
    Seq2Seq,
    TransformerConfig,
    TransformerSeq2Seq,
)
from gptrepro.experiments.base import (
    Budget,
    Config,
    CorpusRef,
    Experiment,
    Measurement,
    Unit,
    UnitOver,
    register,
)
from gptrepro.scales import Scale
from gptrepro.sources.corpora import load_corpus
from gptrepro.train import TrainResult, TrainSettings, train
from gptrepro.train.optimizer import build_optimizer

ARMS = ("fixed", "attention", "transformer")
"""LSTM with one context vector, the same with attention, Transformer."""

BUCKETS: tuple[tuple[int, int | None], ...] = ((1, 5), (6, 7), (8, 9), (10, 11), (12, None))
"""Word lengths that are scored together, in letters, both ends included."""

LETTERS = 26
LONGEST_OUTPUT = 32
"""Symbols after which an output is cut off; the longest pronunciation has 28."""
EVALUATION_BATCH = 256
"""Words that are scored together; it changes speed and nothing else."""
CURVE_POINTS = 16
"""Points of the learning curves."""
CURVES = ("loss", "dev_nll")
"""What the history keeps of each arm."""
AVERAGE_LENGTH = 7.4
"""Letters of a word of the dictionary, and near enough its sounds with END: for planning."""


class RecurrentArm(Config):
    """An LSTM encoder-decoder and its learning rate."""

    d_embedding: int
    d_encoder: int
    d_decoder: int
    peak_learning_rate: float


class TransformerArm(Config):
    """A Transformer encoder-decoder and its learning rate."""

    n_layers: int
    d_model: int
    n_heads: int
    d_ff: int
    peak_learning_rate: float


class Seq2SeqConfig(Config):
    """Three encoder-decoders, trained alike on word pairs."""

    task: Literal["pronunciation", "reversal"]
    """Spelling to sound, by the CMU pronouncing dictionary; or words of the embedded plays spelt backwards, a
    constructed task that stands in for it where no dictionary may be fetched."""
    train_pairs: int | None
    """Words to train on; all of the training part when None."""
    dev_words: int | None
    test_words: int | None
    fixed: RecurrentArm
    attention: RecurrentArm
    transformer: TransformerArm
    updates: int
    batch_size: int
    warmup_updates: int
    timed_updates: int
    """Updates of each arm that are timed after training. None at smoke scale: a test holds its metrics to
    committed ones, and no clock repeats itself."""
    drawn_words: tuple[str, ...]
    """Words whose attention weights are kept, to be drawn; the first answer of each is written."""

    @property
    def n_target(self) -> int:
        """Symbols of the target, with the special ones."""
        return N_SPECIAL + (39 if self.task == "pronunciation" else LETTERS)

    def build(self, arm: str) -> Seq2Seq:
        """An untrained model of one arm."""
        sizes = {"n_source": N_SPECIAL + LETTERS, "n_target": self.n_target}
        if arm == "transformer":
            shape = self.transformer.model_dump(exclude={"peak_learning_rate"})
            return TransformerSeq2Seq(TransformerConfig(**sizes, **shape))
        chosen = self.attention if arm == "attention" else self.fixed
        shape = chosen.model_dump(exclude={"peak_learning_rate"})
        return RecurrentSeq2Seq(RecurrentConfig(**sizes, **shape, attention=arm == "attention"))

    def settings(self, arm: str, seed: int) -> TrainSettings:
        """How an arm is trained: all alike but for the peak of the learning rate."""
        return TrainSettings(
            steps=self.updates,
            batch_size=self.batch_size,
            context=LONGEST_OUTPUT,
            peak_lr=getattr(self, arm).peak_learning_rate,
            warmup_steps=self.warmup_updates,
            seed=seed,
            precision="fp32",  # words are short: in bf16 most of the time would go into casting
            log_every=max(1, self.updates // CURVE_POINTS),
            evaluate_every=max(1, self.updates // CURVE_POINTS),
        )


@dataclass(frozen=True)
class WordData:
    """The parts of a task, and the alphabets of both sides."""

    train: list[WordPair]
    dev: list[WordPair]
    test: list[WordPair]
    drawn: list[WordPair]
    letters: Alphabet
    sounds: Alphabet

    def sources(self, pairs: Sequence[WordPair]) -> list[list[int]]:
        """The words as ids."""
        return [self.letters.encode(pair.word) for pair in pairs]

    def targets(self, pairs: Sequence[WordPair]) -> list[list[int]]:
        """The first answers as ids, without END."""
        return [self.sounds.encode(pair.answers[0]) for pair in pairs]

    def batch(self, pairs: Sequence[WordPair]) -> tuple[Tensor, Tensor]:
        """Sources (B, S) and targets (B, T), END included."""
        return padded(self.sources(pairs)), padded([[*ids, END] for ids in self.targets(pairs)])

    @property
    def digest(self) -> str:
        """Of the two alphabets, which are this task's tokenizers."""
        return storage.sha256_text(storage.canonical_json([self.letters.symbols, self.sounds.symbols]))


def _corpora(config: Seq2SeqConfig) -> list[CorpusRef]:
    return [
        CorpusRef("pronunciations", "all") if config.task == "pronunciation" else CorpusRef("plays", "train")
    ]


def read_words(config: Seq2SeqConfig) -> WordData:
    """The words of a configuration, split and cut to size."""
    (corpus,) = _corpora(config)
    documents = load_corpus(corpus.name, split=corpus.split).documents()
    pairs = read_pronunciations(documents) if config.task == "pronunciation" else reversed_words(documents)
    by_word = {pair.word: pair for pair in pairs}
    return WordData(
        train=take_part(pairs, "train")[: config.train_pairs],
        dev=take_part(pairs, "dev")[: config.dev_words],
        test=take_part(pairs, "test")[: config.test_words],
        drawn=[by_word[word] for word in config.drawn_words],
        letters=Alphabet("abcdefghijklmnopqrstuvwxyz"),
        sounds=Alphabet(sorted({sound for pair in pairs for answer in pair.answers for sound in answer})),
    )


_FIXED = RecurrentArm(d_embedding=64, d_encoder=120, d_decoder=180, peak_learning_rate=8e-3)
_ATTENTION = RecurrentArm(d_embedding=64, d_encoder=120, d_decoder=168, peak_learning_rate=8e-3)
_TRANSFORMER = TransformerArm(n_layers=2, d_model=96, n_heads=4, d_ff=384, peak_learning_rate=4e-3)


def bucket_name(shortest: int, longest: int | None) -> str:
    """A bucket in the name of a metric, such as ``6_7`` or ``12_up``."""
    return f"{shortest}_{longest or 'up'}"


def _budget(config: Seq2SeqConfig) -> Budget:
    """For all arms together: every letter meets the encoder's parameters, every sound the decoder's, and a
    word has about as many of one as of the other."""
    letters = AVERAGE_LENGTH * config.updates * config.batch_size
    size = sum(count_parameters(config.build(arm)) for arm in ARMS)
    return Budget(parameters=size, tokens=len(ARMS) * letters, flops=6 * size * letters)


def count_parameters(model: Seq2Seq) -> int:
    """Trained parameters of a model."""
    return sum(parameter.numel() for parameter in model.parameters())


def _measure(config: Seq2SeqConfig, unit: Unit) -> Measurement:
    data = read_words(config)
    models: dict[str, Seq2Seq] = {}
    results: dict[str, TrainResult] = {}
    for arm in ARMS:
        models[arm], results[arm] = _trained(config, arm, data, unit)
    reader = models["attention"]
    assert isinstance(reader, RecurrentSeq2Seq)
    return Measurement(
        metrics={
            **_error_metrics({arm: _scored(model, data) for arm, model in models.items()}),
            **{f"{arm}_dev_nll": results[arm].history[-1]["dev_nll"] for arm in ARMS},
            **{f"{arm}_parameters": float(count_parameters(models[arm])) for arm in ARMS},
            **_order_of_attention(reader, data),
            **_speeds(config, data, models, unit.seed),
        },
        history=_curves(results),
        tokens=sum(result.tokens for result in results.values()),
        flops=_budget(config).flops,
        tokenizer=data.digest,
        matrices=_drawings(reader, data),
    )


def _trained(config: Seq2SeqConfig, arm: str, data: WordData, unit: Unit) -> tuple[Seq2Seq, TrainResult]:
    """One arm, trained, or brought back from where an earlier unit left it."""
    torch.manual_seed(unit.seed)
    model = config.build(arm)
    batches = PairBatches(
        data.sources(data.train), data.targets(data.train), config.batch_size, seed=unit.seed
    )
    result = train(
        model,
        batches,
        config.settings(arm, unit.seed),
        unit.folder / arm,
        evaluate=lambda trained: {"dev_nll": _nll(trained, data)},
        stop_after_seconds=unit.seconds_left(),
        name=f"background-seq2seq {arm} seed {unit.seed}",
    )
    if not result.finished:
        raise UnitOver
    return model, result


def _nll(model: Seq2Seq, data: WordData) -> float:
    """Mean negative log-likelihood of the dev words' first answers, in nats a symbol, END included."""
    total, symbols = 0.0, 0
    for some in _chunks(data.dev):
        source, target = (part.to(_device(model)) for part in data.batch(some))
        count = int((target != PAD).sum())
        total, symbols = total + model.loss(source, target).item() * count, symbols + count
    return total / symbols


def _chunks(pairs: Sequence[WordPair]) -> Iterator[list[WordPair]]:
    """The pairs by length, so that little of a batch is padding and its outputs end at about one step."""
    ordered = sorted(pairs, key=lambda pair: len(pair.word))
    for start in range(0, len(ordered), EVALUATION_BATCH):
        yield ordered[start : start + EVALUATION_BATCH]


def _device(model: Seq2Seq) -> torch.device:
    return next(model.parameters()).device


def _scored(model: Seq2Seq, data: WordData) -> dict[str, ErrorRates]:
    """Error rates of the test words by bucket, and of all of them under the empty name."""
    written: list[tuple[WordPair, list[str]]] = []
    for some in _chunks(data.test):
        outputs = model.greedy(padded(data.sources(some)).to(_device(model)), LONGEST_OUTPUT)
        written += zip(some, map(data.sounds.decode, outputs), strict=True)
    chosen = {"": written} | {
        bucket_name(shortest, longest): [
            (pair, output) for pair, output in written if shortest <= len(pair.word) <= (longest or math.inf)
        ]
        for shortest, longest in BUCKETS
    }
    return {
        name: error_rates([output for _, output in rows], [pair.answers for pair, _ in rows])
        for name, rows in chosen.items()
    }


def _error_metrics(rates: Mapping[str, Mapping[str, ErrorRates]]) -> dict[str, float]:
    """Error rates by arm and bucket; the bottleneck is what the single vector costs, in points."""
    metrics = {}
    for bucket, of_fixed in rates["fixed"].items():
        ending = f"_{bucket}" if bucket else ""
        for arm, of_arm in rates.items():
            metrics[f"{arm}_per{ending}"] = of_arm[bucket].symbols
            metrics[f"{arm}_wer{ending}"] = of_arm[bucket].words
        metrics[f"bottleneck_per{ending}"] = of_fixed.symbols - rates["attention"][bucket].symbols
        metrics[f"words{ending}"] = float(of_fixed.n)
    return metrics


@torch.inference_mode()
def _order_of_attention(reader: RecurrentSeq2Seq, data: WordData) -> dict[str, float]:
    """How often the most attended letter is not before that of the previous sound, in percent of the steps.

    Beside it, the same for the steps of each word in a random order: what looking at the same letters, in no
    order, would reach. The weights are those of the first answers of the test words.
    """
    generator = torch.Generator().manual_seed(0)
    forward = shuffled = steps = 0
    for some in _chunks(data.test):
        source, target = (part.to(_device(reader)) for part in data.batch(some))
        looked_at = reader.alignment(source, target).argmax(-1).cpu()  # (B, T)
        for pair, places in zip(some, looked_at, strict=True):
            sounds = len(pair.answers[0])
            at = places[:sounds]
            mixed = at[torch.randperm(sounds, generator=generator)]
            forward += int((at.diff() >= 0).sum())
            shuffled += int((mixed.diff() >= 0).sum())
            steps += sounds - 1
    return {"forward_steps": 100 * forward / steps, "forward_steps_shuffled": 100 * shuffled / steps}


def _speeds(
    config: Seq2SeqConfig, data: WordData, models: Mapping[str, Seq2Seq], seed: int
) -> dict[str, float]:
    """Words that each arm trains on in a second of this machine, by the median of its timed updates.

    The arms take turns on the same batches, so that whatever else the machine does falls on all of them.
    """
    if not config.timed_updates:
        return {}
    copies = {arm: copy.deepcopy(model).train() for arm, model in models.items()}
    optimizers = {arm: build_optimizer(copies[arm], config.settings(arm, seed)) for arm in ARMS}
    batches = PairBatches(data.sources(data.train), data.targets(data.train), config.batch_size, seed=seed)
    seconds: dict[str, list[float]] = {arm: [] for arm in ARMS}
    for _ in range(config.timed_updates):
        batch = batches.next()
        for arm in ARMS:
            source, target = (part.to(_device(copies[arm])) for part in batch)
            began = time.perf_counter()
            loss = copies[arm].loss(source, target)
            torch.autograd.backward(loss)
            optimizers[arm].step()
            optimizers[arm].zero_grad()
            loss.item()  # waits for a GPU
            seconds[arm].append(time.perf_counter() - began)
    return {f"{arm}_words_per_second": config.batch_size / statistics.median(seconds[arm]) for arm in ARMS}


def _curves(results: Mapping[str, TrainResult]) -> list[dict[str, float]]:
    """The losses of all arms side by side, where all were evaluated."""
    return [
        {"step": rows[0]["step"]}
        | {f"{arm}_{name}": row[name] for arm, row in zip(results, rows, strict=True) for name in CURVES}
        for rows in zip(*(result.history for result in results.values()), strict=True)
    ]


@torch.inference_mode()
def _drawings(reader: RecurrentSeq2Seq, data: WordData) -> dict[str, list[list[float]]]:
    """Attention weights of the drawn words: a row a sound and one for END, a column a letter."""
    drawings = {}
    for pair in data.drawn:
        source, target = (part.to(_device(reader)) for part in data.batch([pair]))
        weights = reader.alignment(source, target)[0]  # (T, S)
        name = f"{pair.word} {' '.join(pair.answers[0])}"
        drawings[name] = [[round(weight, 3) for weight in row] for row in weights.tolist()]
    return drawings


SEQ2SEQ = register(
    Experiment(
        name="background-seq2seq",
        version=1,
        paper="background",
        question="What does one context vector cost an encoder-decoder, by the length of the words it reads?",
        configs={
            Scale.SMOKE: Seq2SeqConfig(
                task="reversal",
                train_pairs=2_000,
                dev_words=100,
                test_words=200,
                fixed=RecurrentArm(d_embedding=16, d_encoder=24, d_decoder=36, peak_learning_rate=5e-3),
                attention=RecurrentArm(d_embedding=16, d_encoder=24, d_decoder=32, peak_learning_rate=5e-3),
                transformer=TransformerArm(
                    n_layers=1, d_model=32, n_heads=2, d_ff=64, peak_learning_rate=3e-3
                ),
                updates=64,
                batch_size=32,
                warmup_updates=8,
                timed_updates=0,
                drawn_words=("love", "sweet", "winter"),
            ),
            Scale.LAPTOP: Seq2SeqConfig(
                task="pronunciation",
                train_pairs=None,
                dev_words=2_000,
                test_words=None,
                fixed=_FIXED,
                attention=_ATTENTION,
                transformer=_TRANSFORMER,
                updates=1_800,
                batch_size=128,
                warmup_updates=100,
                timed_updates=25,
                drawn_words=("knowledge", "philosophy", "doubt"),
            ),
            Scale.GPU: Seq2SeqConfig(
                task="pronunciation",
                train_pairs=None,
                dev_words=None,
                test_words=None,
                fixed=_FIXED,
                attention=_ATTENTION,
                transformer=_TRANSFORMER,
                updates=18_000,
                batch_size=128,
                warmup_updates=1_000,
                timed_updates=200,
                drawn_words=("knowledge", "philosophy", "doubt"),
            ),
        },
        seeds={Scale.SMOKE: (100,)} | dict.fromkeys((Scale.LAPTOP, Scale.GPU), (100, 101, 102)),
        corpora=_corpora,
        budget=_budget,
        measure=_measure,
    )
)
