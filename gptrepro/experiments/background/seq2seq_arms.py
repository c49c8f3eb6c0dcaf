"""The arms of ``background-seq2seq`` at every scale, and the words that they read.

The learning rates of the laptop scale are the best of five for each arm, by the dev loss after 240 updates on
pilot seed 0: 1, 2, 4, 8 and 16 thousandths for the LSTMs, half of these for the Transformer. The best lay
inside the range for every arm: the next higher rate was worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from gptrepro import storage
from gptrepro.earlier.pairs import Alphabet, padded
from gptrepro.earlier.pronunciation import WordPair, read_pronunciations, reversed_words, take_part
from gptrepro.earlier.seq2seq import (
    END,
    N_SPECIAL,
    RecurrentConfig,
    RecurrentSeq2Seq,
    Seq2Seq,
    TransformerConfig,
    TransformerSeq2Seq,
)
from gptrepro.experiments.base import Config, CorpusRef
from gptrepro.scales import Scale
from gptrepro.sources.corpora import load_corpus
from gptrepro.train.settings import TrainSettings

ARMS = ("fixed", "attention", "transformer")
"""LSTM with one context vector, the same with attention, Transformer."""

LETTERS = 26
LONGEST_OUTPUT = 32
"""Symbols after which an output is cut off; the longest pronunciation has 28."""
CURVE_POINTS = 16
"""Points of the learning curves."""


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
    def corpora(self) -> list[CorpusRef]:
        """The data that is read: the dictionary, or the plays."""
        pronounced = self.task == "pronunciation"
        return [CorpusRef("pronunciations", "all") if pronounced else CorpusRef("plays", "train")]

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


def read_words(config: Seq2SeqConfig) -> WordData:
    """The words of a configuration, split and cut to size."""
    (corpus,) = config.corpora
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

CONFIGS = {
    Scale.SMOKE: Seq2SeqConfig(
        task="reversal",
        train_pairs=2_000,
        dev_words=100,
        test_words=200,
        fixed=RecurrentArm(d_embedding=16, d_encoder=24, d_decoder=36, peak_learning_rate=5e-3),
        attention=RecurrentArm(d_embedding=16, d_encoder=24, d_decoder=32, peak_learning_rate=5e-3),
        transformer=TransformerArm(n_layers=1, d_model=32, n_heads=2, d_ff=64, peak_learning_rate=3e-3),
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
        updates=7_500,
        batch_size=512,  # on characters a Transformer needs large batches
        warmup_updates=1_000,
        timed_updates=200,
        drawn_words=("knowledge", "philosophy", "doubt"),
    ),
}
