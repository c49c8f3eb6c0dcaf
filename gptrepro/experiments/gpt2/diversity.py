"""Does a model that reads many kinds of text predict kinds better that it has not read (GPT-2, section 2.1)?

Decoders of one size read equally many tokens: novels alone; web-like domains, each as often as the others;
or the same without one domain, for three domains. All share one vocabulary, learned from all of that text,
and one rate, so that the arms differ in what they read and in nothing else. Each is scored on the beginning
of the held-out part of every domain, of novels, and of four benchmarks of language modelling.

The rate is that of the ladder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gptrepro.experiments.arms import TextArms
from gptrepro.experiments.base import CorpusRef, Experiment, Measurement, Row, Unit, register, row
from gptrepro.experiments.gpt2.ladder import RATE_TIMES_WIDTH
from gptrepro.experiments.networks import gpt2_decoder
from gptrepro.experiments.training import TextTraining, TokenizedText
from gptrepro.scales import Scale
from gptrepro.sources.catalogue import catalogue
from gptrepro.sources.corpora import load_corpus
from gptrepro.text.samples import beginning, encoded


class DiversityConfig(TextArms):
    """Trainings that differ in what they read."""

    scored: dict[str, CorpusRef]
    """Texts by what readers call them."""
    scored_characters: int
    """Of each of them, from its beginning."""

    @property
    def corpora(self) -> list[CorpusRef]:
        """What is read, and what is scored."""
        return list(dict.fromkeys([*super().corpora, *self.scored.values()]))


def _arm(name: str) -> Row:
    """The coordinates of an arm: what was left out of the mixture, where something was."""
    arm, _, left_out = name.partition(" ")
    return {"arm": arm, "left_out": left_out} if left_out else {"arm": arm}


def _measure(config: DiversityConfig, unit: Unit) -> Measurement:
    pages = {
        name: beginning(load_corpus(corpus.name, corpus.split).documents(), config.scored_characters)
        for name, corpus in config.scored.items()
    }
    (tokenizer,) = {
        tokenizer.digest: tokenizer
        for tokenizer in (arm.load_tokenizer(unit.prepared) for arm in config.arms.values())
    }.values()
    samples = {name: encoded(page, tokenizer) for name, page in pages.items()}

    def scores(training: TextTraining, model: Any, text: TokenizedText) -> Mapping[str, float]:
        return {name: training.score(model, sample).bits_per_byte for name, sample in samples.items()}

    results, rows = config.train(unit, scores), []
    for name, arm in config.arms.items():
        found = arm.row_at(results[name])
        rows += [row(found[text], "bits_per_byte", text=text) | _arm(name) for text in samples]
    return config.measurement(unit, results, rows, ("loss",))


def _arms(
    novels: str, domains: Mapping[str, str], left_out: tuple[str, ...], heldout: str, **training: Any
) -> dict[str, TextTraining]:
    """By what each reads; ``left_out`` are names of domains, and ``heldout`` has any held-out text."""

    def reading(*corpora: str) -> TextTraining:
        return TextTraining(
            corpus=corpora[0] if len(corpora) == 1 else dict.fromkeys(corpora, 1.0),
            heldout=heldout,
            tokenizer="gpt2",
            tokenizer_corpora=(novels, *domains.values()),
            **training,
        )

    without = {
        f"without {name}": reading(*(corpus for other, corpus in domains.items() if other != name))
        for name in left_out
    }
    return {"novels": reading(novels), "mixed": reading(*domains.values())} | without


_DOMAINS = {member.split("-")[-1]: member for member in catalogue().corpus("webtext").members}
"""The domains of the web-like text that may be passed on, by the end of their name."""

LEFT_OUT = ("20newsgroups", "peps", "wikisplit")

_SCORED = {name: CorpusRef(corpus, "heldout") for name, corpus in _DOMAINS.items()} | {
    "novels": CorpusRef("novels-unread", "heldout"),
    "WikiText-2": CorpusRef("wikitext-2", "test"),
    "PTB": CorpusRef("ptb", "test"),
    "1BW": CorpusRef("one-billion-word", "heldout"),
    "LAMBADA": CorpusRef("lambada", "test"),
}


def _config(layers: int, width: int, heads: int, characters: int, **training: Any) -> DiversityConfig:
    return DiversityConfig(
        scored=_SCORED,
        scored_characters=characters,
        arms=_arms(
            "books", _DOMAINS, LEFT_OUT, "novels-familiar",
            network=gpt2_decoder(layers, width, heads), peak_learning_rate=RATE_TIMES_WIDTH / width,
            **training,
        ),
    )  # fmt: skip


_PLAYS = TextTraining(
    network=gpt2_decoder(1, 16, 2), corpus="plays", tokenizer="gpt2", tokenizer_corpora=("plays",),
    n_vocab=384, n_ctx=32, tokens=40 * 8 * 32, peak_learning_rate=1e-2, corpus_tokens=20_480,
    tokenizer_documents=1, heldout_tokens=4096,
)  # fmt: skip
"""One text is embedded: at smoke scale, the arms are the same."""

DIVERSITY = register(
    Experiment(
        name="gpt2-diversity",
        version=1,
        paper="gpt2",
        question="Who predicts unread kinds of text better: who read one kind, or who read many?",
        configs={
            Scale.SMOKE: DiversityConfig(
                scored={"plays": CorpusRef("plays", "heldout")},
                scored_characters=4096,
                arms=dict.fromkeys(("novels", "mixed", "without peps"), _PLAYS),
            ),
            Scale.LAPTOP: _config(
                3, 64, 2, 32_768, n_vocab=2048, n_ctx=128, tokens=4_000_000, batch_size=8,
                corpus_tokens=4_000_000, tokenizer_documents=500,
            ),
            Scale.GPU: _config(
                8, 384, 6, 131_072, n_vocab=8192, n_ctx=256, tokens=8_000_000, precision="bf16",
            ),
            Scale.PAPER: _config(
                12, 768, 12, 262_144, n_vocab=50_257, n_ctx=1024, tokens=1_000_000_000, batch_size=512,
                precision="bf16",
            ),
        },
        seeds=dict.fromkeys(Scale, (100, 101, 102, 103, 104))
        | {Scale.SMOKE: (100,), Scale.GPU: (100, 101, 102)},
        corpora=lambda config: config.corpora,
        budget=TextArms.budget,
        measure=_measure,
        labels={
            "arm": {"novels": "novels alone", "mixed": "all domains", "without": "without the domain"},
            "left_out": {"20newsgroups": "newsgroups", "peps": "Python proposals", "wikisplit": "Wikipedia"},
            "text": {"20newsgroups": "newsgroups", "peps": "Python proposals", "wikisplit": "Wikipedia"},
        },
    )
)  # fmt: skip
