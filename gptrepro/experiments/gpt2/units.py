"""Bytes, byte pairs or words: which language model predicts best at equal cost (GPT-2, section 2.2)?

Three decoders in GPT-2's arrangement have as many parameters, embeddings included, and read as many tokens,
so that they cost the same compute. Their tokens differ: a byte, a byte pair encoding, or one of the most
frequent words, with all others spelled in bytes. A window holds about as much text for each. All are scored
on the same held-out documents in bits per byte, which is exact: every text comes back from its tokens.

A word says more than a byte, so that at equal compute its model reads more text. Each is therefore finished
after a quarter and a half of its tokens, too (`TextTraining.cooldown`): where the one model has read half as
many tokens as the other, it may have read as much text.

Rates on pilot seed 0, at full length: bytes 1e-3 is the best of 1e-3, 2e-3 and 4e-3 (the lowest tried). Pairs
and words have half of what a shorter pilot had, and were not swept: sweep before a run that counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from gptrepro.experiments.arms import TextArms
from gptrepro.experiments.base import CorpusRef, Experiment, Measurement, Unit, register, row
from gptrepro.experiments.networks import DecoderNetwork, gpt2_decoder
from gptrepro.experiments.training import TextTraining, TokenizedText
from gptrepro.scales import Scale
from gptrepro.sources.catalogue import catalogue
from gptrepro.sources.corpora import load_corpus
from gptrepro.text.samples import beginning, encoded
from gptrepro.tokenizer.trained import TokenizerKind

POINTS = (Fraction(1, 4), Fraction(1, 2), Fraction(1))
"""Shares of the tokens after which finished models are compared."""


class UnitsConfig(TextArms):
    """Trainings that differ in what a token is."""

    scored: tuple[str, ...]
    """Corpora whose held-out documents are scored."""
    scored_characters: int
    """Of each of them, from its beginning."""

    @property
    def corpora(self) -> list[CorpusRef]:
        """What is read, and what is scored."""
        return list(dict.fromkeys([*super().corpora, *(CorpusRef(name, "heldout") for name in self.scored)]))

    def scored_text(self) -> str:
        """The same for all arms."""
        texts = (load_corpus(name, "heldout").documents() for name in self.scored)
        return "\n\n".join(beginning(documents, self.scored_characters) for documents in texts)


def _measure(config: UnitsConfig, unit: Unit) -> Measurement:
    page = config.scored_text()
    samples = {
        tokenizer.digest: encoded(page, tokenizer)
        for tokenizer in (arm.load_tokenizer(unit.prepared) for arm in config.arms.values())
    }

    def scores(training: TextTraining, model: Any, text: TokenizedText) -> Mapping[str, float]:
        (read,) = text.train.values()
        scored = training.score(model, samples[text.tokenizer_digest])
        return {"bits_per_byte": scored.bits_per_byte, "bytes_per_token": read.n_bytes / read.n_tokens}

    results, rows = config.train(unit, scores), []
    for name, arm in config.arms.items():
        found = {at: arm.row_at(results[name], at) for at in arm.milestones}
        rows += [
            row(each["bits_per_byte"], "bits_per_byte", arm=name, fraction=float(at))
            for at, each in found.items()
        ]
        rows += [
            row(found[POINTS[-1]]["bytes_per_token"], "bytes_per_token", arm=name),
            row(arm.budget().parameters, "parameters", arm=name),
        ]
    return config.measurement(unit, results, rows, ("loss", "bits_per_byte"))


def _units(
    arms: Mapping[str, tuple[int, DecoderNetwork, int, int, float]],
    scored: tuple[str, ...],
    characters: int,
    **training: Any,
) -> UnitsConfig:
    """By arm: tokens in the vocabulary, network, window, sequences in an update, peak learning rate."""
    kinds: dict[str, TokenizerKind] = {"words": "words", "bpe": "gpt2", "bytes": "gpt2"}
    return UnitsConfig(
        scored=scored,
        scored_characters=characters,
        arms={
            name: TextTraining(
                network=network, tokenizer=kinds[name], n_vocab=n_vocab, n_ctx=n_ctx, batch_size=batch,
                peak_learning_rate=rate, schedule="linear", cooldown=Fraction(1, 5), milestones=POINTS,
                **training,
            )
            for name, (n_vocab, network, n_ctx, batch, rate) in arms.items()
        },
    )  # fmt: skip


_WEBTEXT = tuple(catalogue().corpus("webtext").members)

UNITS = register(
    Experiment(
        name="gpt2-units",
        version=1,
        paper="gpt2",
        question="Does a language model of bytes, of byte pairs or of words predict best, at equal cost?",
        configs={
            Scale.SMOKE: _units(
                {
                    "words": (512, gpt2_decoder(1, 16, 2), 32, 8, 1e-2),
                    "bpe": (384, gpt2_decoder(2, 16, 2), 32, 8, 1e-2),
                    "bytes": (257, gpt2_decoder(1, 24, 2), 64, 4, 5e-3),
                },
                ("plays",), 4096, corpus="plays", tokens=40 * 256, corpus_tokens=20_480,
                tokenizer_documents=1, heldout_tokens=4096, warmup_updates=4,
            ),
            Scale.LAPTOP: _units(
                {
                    "words": (4096, gpt2_decoder(7, 48, 2), 64, 8, 4e-3),
                    "bpe": (2048, gpt2_decoder(5, 64, 2), 64, 8, 3e-3),
                    "bytes": (257, gpt2_decoder(3, 96, 2), 256, 2, 1e-3),
                },
                _WEBTEXT, 16_384, corpus="webtext", tokens=3200 * 512, warmup_updates=80,
            ),
            Scale.GPU: _units(
                {
                    "words": (32_768, gpt2_decoder(8, 320, 5), 192, 96, 1.2e-3),
                    "bpe": (16_384, gpt2_decoder(8, 384, 6), 192, 96, 1e-3),
                    "bytes": (257, gpt2_decoder(9, 448, 7), 768, 24, 1e-3),
                },
                _WEBTEXT, 65_536, corpus="webtext", tokens=12_000_000, precision="bf16",
            ),
            Scale.PAPER: _units(
                {
                    "words": (250_000, gpt2_decoder(12, 384, 6), 512, 512, 6e-4),
                    "bpe": (50_257, gpt2_decoder(12, 768, 12), 512, 512, 6e-4),
                    "bytes": (257, gpt2_decoder(17, 768, 12), 2048, 128, 6e-4),
                },
                ("books",), 262_144, corpus="openwebtext", tokens=10_000_000_000,
            ),
        },
        seeds=dict.fromkeys(Scale, (100, 101, 102)) | {Scale.SMOKE: (100,)},
        corpora=lambda config: config.corpora,
        budget=TextArms.budget,
        measure=_measure,
        labels={"arm": {"words": "words", "bpe": "byte pairs", "bytes": "bytes"}},
    )
)  # fmt: skip
