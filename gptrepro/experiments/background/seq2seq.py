"""One context vector, attention, and a Transformer: three encoder-decoders at equal size on one task."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence

import torch

from gptrepro.earlier.error_rates import error_rates
from gptrepro.earlier.pairs import PairBatches, padded
from gptrepro.earlier.pronunciation import WordPair
from gptrepro.earlier.seq2seq import PAD, RecurrentSeq2Seq, Seq2Seq
from gptrepro.experiments.background.seq2seq_arms import (
    ARMS,
    CONFIGS,
    LONGEST_OUTPUT,
    Seq2SeqConfig,
    WordData,
    read_words,
)
from gptrepro.experiments.base import Budget, Experiment, Measurement, Row, Unit, UnitOver, register, row
from gptrepro.scales import Scale
from gptrepro.train.loop import TrainResult, train
from gptrepro.train.optimizer import build_optimizer

LETTERS: dict[float, range] = {
    4.5: range(1, 6),
    6.5: range(6, 8),
    8.5: range(8, 10),
    10.5: range(10, 12),
    13.0: range(12, 100),
}
"""Lengths of words that are scored together, in letters, by about their mean."""

EVALUATION_BATCH = 256
"""Words that are scored together; it changes speed and nothing else."""
CURVES = ("loss", "dev_nll")
"""What the history keeps of each arm."""
AVERAGE_LENGTH = 7.4
"""Letters of a word of the dictionary, and near enough its sounds with END: for planning."""


def _budget(config: Seq2SeqConfig) -> Budget:
    """For all arms together: every letter meets the encoder's parameters, every sound the decoder's, and a
    word has about as many of one as of the other."""
    letters = AVERAGE_LENGTH * config.updates * config.batch_size
    size = sum(count_parameters(config.build(arm)) for arm in ARMS)
    updates = len(ARMS) * config.updates
    return Budget(size, len(ARMS) * letters, 6 * size * letters, updates)


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
        rows=[
            *_error_rates(models, data),
            *(row(results[arm].history[-1]["dev_nll"], "dev_nll", arm=arm) for arm in ARMS),
            *(row(count_parameters(models[arm]), "parameters", arm=arm) for arm in ARMS),
            *_order_of_attention(reader, data),
            *_speeds(config, data, models, unit.seed),
        ],
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
        device=unit.device,
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


def _error_rates(models: Mapping[str, Seq2Seq], data: WordData) -> Iterator[Row]:
    """Errors of every arm in the test words, in percent: of all of them, and by their length."""
    parts: list[tuple[Row, range]] = [({}, range(100))]
    parts += [({"letters": mean}, lengths) for mean, lengths in LETTERS.items()]
    for where, lengths in parts:
        yield {"value": sum(len(pair.word) in lengths for pair in data.test), "score": "words", **where}
    for arm, model in models.items():
        written = _written(model, data)
        for where, lengths in parts:
            some = [(pair, output) for pair, output in written if len(pair.word) in lengths]
            rates = error_rates([output for _, output in some], [pair.answers for pair, _ in some])
            yield {"value": rates.symbols, "score": "phoneme_error", "arm": arm, **where}
            yield {"value": rates.words, "score": "word_error", "arm": arm, **where}


def _written(model: Seq2Seq, data: WordData) -> list[tuple[WordPair, list[str]]]:
    """The test words and what a model writes for them."""
    written: list[tuple[WordPair, list[str]]] = []
    for some in _chunks(data.test):
        outputs = model.greedy(padded(data.sources(some)).to(_device(model)), LONGEST_OUTPUT)
        written += zip(some, map(data.sounds.decode, outputs), strict=True)
    return written


@torch.inference_mode()
def _order_of_attention(reader: RecurrentSeq2Seq, data: WordData) -> list[Row]:
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
    return [
        row(100 * forward / steps, "forward_steps", order="written"),
        row(100 * shuffled / steps, "forward_steps", order="shuffled"),
    ]


def _speeds(config: Seq2SeqConfig, data: WordData, models: Mapping[str, Seq2Seq], seed: int) -> list[Row]:
    """Words that each arm trains on in a second of this machine, by the median of its timed updates.

    The arms take turns on the same batches, so that whatever else the machine does falls on all of them.
    """
    if not config.timed_updates:
        return []
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
    return [
        row(config.batch_size / statistics.median(seconds[arm]), "words_per_second", arm=arm) for arm in ARMS
    ]


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
        configs=CONFIGS,
        labels={
            "arm": {
                "fixed": "LSTM with one vector",
                "attention": "LSTM with attention",
                "transformer": "Transformer",
            },
            "letters": {
                4.5: "1 to 5 letters",
                6.5: "6 and 7 letters",
                8.5: "8 and 9 letters",
                10.5: "10 and 11 letters",
                13: "12 letters and more",
            },
            "order": {"written": "in order", "shuffled": "shuffled"},
        },
        seeds={Scale.SMOKE: (100,)} | dict.fromkeys((Scale.LAPTOP, Scale.GPU), (100, 101, 102)),
        corpora=lambda config: config.corpora,
        budget=_budget,
        measure=_measure,
    )
)
