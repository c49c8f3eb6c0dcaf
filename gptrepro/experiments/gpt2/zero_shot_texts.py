"""Language modelling on texts that nobody trained it for, by size (GPT-2, section 3.1 to 3.3, Table 3).

Every rung of `gpt2-ladder` reads test texts in the form in which they were published and in plain writing
(`gptrepro.text.detokenise`), names the last word of LAMBADA's passages, and reads the sentences of held-out
novels in their order and shuffled, as the One Billion Word benchmark has its sentences. Nothing is trained.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from gptrepro.evaluate.prompted import Reader, right_answers
from gptrepro.evaluate.zero_shot_texts import perplexity_per_word, score_passage, score_pieces
from gptrepro.experiments.base import (
    Budget,
    Config,
    Coordinate,
    CorpusRef,
    Experiment,
    Measurement,
    Outcomes,
    Row,
    Unit,
    UnitOver,
    register,
)
from gptrepro.experiments.gpt2.ladder import LADDER, Ladder, outside_embeddings
from gptrepro.model import Decoder
from gptrepro.scales import Scale
from gptrepro.sources.corpora import load_corpus
from gptrepro.storage import remembered
from gptrepro.tasks.labelled import subsample
from gptrepro.tasks.prompted import PROMPTED, rows_of
from gptrepro.tasks.published_texts import PUBLISHED_TEXTS, passages
from gptrepro.text.order import random_words, shuffled
from gptrepro.tokenizer import Tokenizer

SENTENCE_END = re.compile(r"(?<=[.!?][\"'”’ ]) ?(?=[\"'“‘A-Z])")
LAST_WORD = PROMPTED["lambada-last-word"]


class ZeroShotTextsConfig(Config):
    """Which models read what."""

    ladder: Ladder
    texts: tuple[str, ...]
    """Of `PUBLISHED_TEXTS`."""
    passages: int
    """Of each text, at equal distances."""
    characters: int
    """In a passage, about."""
    ordered: str
    """Corpus of held-out text whose sentences are read in order and shuffled."""
    last_words: str
    """Corpus of passages whose last word is asked for."""
    items: int
    """Of these passages; all models and seeds see the same."""
    last_words_split: str = "test"

    @property
    def corpora(self) -> list[CorpusRef]:
        """The text that the tokenizer was trained on, and what is read."""
        read = [CorpusRef(text.corpus, text.split) for text in map(PUBLISHED_TEXTS.__getitem__, self.texts)]
        asked = CorpusRef(self.last_words, self.last_words_split)
        first = next(iter(self.ladder.arms.values()))
        return list(dict.fromkeys([*first.train_corpora, *read, CorpusRef(self.ordered, "heldout"), asked]))


class _Found:
    """Rows and outcomes of one model."""

    def __init__(self, parameters: int) -> None:
        self.rows: list[Row] = []
        self.outcomes: list[dict[str, Any]] = []
        self._place: Row = {"parameters": parameters}

    def add(self, values: float | list[float] | list[bool], score: str, **where: Coordinate) -> None:
        place = {"score": score, **where, **self._place}
        if isinstance(values, list):
            self.outcomes.append({"coordinates": place, "values": values})
            values = float(np.mean(values))
        self.rows.append({"value": round(values, 5), **place})


def _texts(
    found: _Found, config: ZeroShotTextsConfig, model: Decoder, tokenizer: Tokenizer, context: int
) -> None:
    for name in config.texts:
        text = PUBLISHED_TEXTS[name]
        some = passages(text.lines(), config.passages, config.characters)
        forms = {"plain": text.plain} | ({"published": str} if text.scheme else {})
        for form, written in forms.items():
            scores = [score_passage(model, tokenizer, written(part), part, context) for part in some]
            found.add([score.bits_per_byte for score in scores], "bits_per_byte", text=name, form=form)
            found.add(perplexity_per_word(scores), "perplexity_per_word", text=name, form=form)


def sentences(text: str) -> list[str]:
    """The sentences of running text, roughly: cut where a mark ends one and a capital begins the next."""
    return [part.strip() for part in SENTENCE_END.split(" ".join(text.split())) if part.strip()]


def _order(
    found: _Found, config: ZeroShotTextsConfig, model: Decoder, tokenizer: Tokenizer, context: int
) -> None:
    lines = [
        line for text in load_corpus(config.ordered, "heldout").documents() for line in text.splitlines()
    ]
    some = passages(lines, config.passages, config.characters)
    pieces = [tokenizer.encode(" " + sentence) for part in some for sentence in sentences(part)]
    mean = float(np.mean([len(piece) for piece in pieces]))
    order = shuffled(random_words(0, 0, len(pieces)))
    assert tokenizer.end_of_text is not None
    for name, places in {"kept": np.arange(len(pieces)), "shuffled": order}.items():
        nats = np.empty(len(pieces))
        nats[places] = score_pieces(model, [pieces[i] for i in places], tokenizer.end_of_text, context)
        found.add((nats / mean).tolist(), "nll_per_token", order=name)


def _last_words(
    found: _Found, config: ZeroShotTextsConfig, model: Decoder, tokenizer: Tokenizer, context: int
) -> None:
    rows = rows_of(config.last_words, config.last_words_split)
    items = [LAST_WORD.made(one) for one in subsample(rows, min(config.items, len(rows)), 0)]
    scores = Reader(model, tokenizer, context, overflow="left").score(items)
    found.add([score.texts[0].log_likelihood for score in scores], "log_likelihood", task="last_word")
    found.add(right_answers(items, scores, LAST_WORD.normalisation), "accuracy", task="last_word")


def _measure(config: ZeroShotTextsConfig, unit: Unit) -> Measurement:
    (folder,) = unit.sources.values()
    tokenizer = next(iter(config.ladder.arms.values())).load_tokenizer(unit.prepared)

    def asked(name: str) -> dict[str, Any]:
        if not unit.seconds_left():
            raise UnitOver
        arm = config.ladder.arms[name]
        model = arm.pretrained(folder / name, Fraction(1), device=unit.device)
        assert isinstance(model, Decoder)
        found = _Found(outside_embeddings(arm))
        for part in (_texts, _order, _last_words):
            part(found, config, model, tokenizer, arm.n_ctx)
        return {"rows": found.rows, "outcomes": found.outcomes}

    found = [remembered(unit.folder / f"{name}.json", partial(asked, name)) for name in config.ladder.arms]
    return Measurement(
        rows=[line for rung in found for line in rung["rows"]],
        outcomes=[Outcomes(**one) for rung in found for one in rung["outcomes"]],
        history=[],
        tokens=0,
        flops=0.0,
        tokenizer=tokenizer.digest,
    )


_ALL: dict[str, Any] = {
    "texts": ("wikitext-2", "wikitext-2-tokens", "wikitext-103", "ptb", "one-billion-word", "wikipedia-xml"),
    "ordered": "novels-unread",
    "last_words": "lambada",
}

ZERO_SHOT_TEXTS = register(
    Experiment(
        name="gpt2-zero-shot-texts",
        version=1,
        paper="gpt2",
        question="How well does each size predict texts that it was not trained on, in which form, and why?",
        configs={
            Scale.SMOKE: ZeroShotTextsConfig(
                ladder=LADDER.config(Scale.SMOKE), texts=("plays",), passages=4, characters=400,
                ordered="plays", last_words="plays", last_words_split="heldout", items=2,
            ),
            Scale.LAPTOP: ZeroShotTextsConfig(
                ladder=LADDER.config(Scale.LAPTOP), passages=32, characters=2500, items=500, **_ALL
            ),
            Scale.GPU: ZeroShotTextsConfig(
                ladder=LADDER.config(Scale.GPU), passages=100, characters=5000, items=5153, **_ALL
            ),
            Scale.PAPER: ZeroShotTextsConfig(
                ladder=LADDER.config(Scale.PAPER), passages=100, characters=20_000, items=5153, **_ALL
            ),
        },
        seeds=LADDER.seeds,
        builds_on=lambda seed: {LADDER.name: seed},
        corpora=lambda config: config.corpora,
        budget=lambda config: Budget(parameters=0, tokens=0, flops=0.0, updates=0),  # nothing is trained
        measure=_measure,
        replicated_over="both",
        labels={
            "text": {name: text.title for name, text in PUBLISHED_TEXTS.items()},
            "form": {"plain": "plain writing", "published": "as published"},
            "order": {"kept": "in order", "shuffled": "sentences shuffled"},
        },
    )
)  # fmt: skip
