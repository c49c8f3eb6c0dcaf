"""What a token holds: bytes per token by kind of text, language and vocabulary (GPT-2, section 2.2).

Nothing is trained but vocabularies. Beside the published ones of GPT-1 and GPT-2 stand three of ours, of one
size: of English, of the same English and as much Korean, and of the English without GPT-2's rule that merges
join no letters to marks. English and Korean are compared row by row on sentences that say the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Literal

import numpy as np

from gptrepro import storage
from gptrepro.experiments.base import (
    Budget,
    Config,
    CorpusRef,
    Experiment,
    Measurement,
    Outcomes,
    Row,
    Unit,
    register,
    row,
)
from gptrepro.scales import Scale
from gptrepro.sources.assets import fetch_files, tokenizer_files
from gptrepro.sources.corpora import load_corpus
from gptrepro.tasks.labelled import rows_of_data
from gptrepro.text.samples import beginning
from gptrepro.tokenizer import Tokenizer, load_published_gpt1, load_published_gpt2, train_byte_level_bpe
from gptrepro.tokenizer.gpt1 import UNKNOWN
from gptrepro.tokenizer.rivals import AcrossCategories, with_marks

ARTICLE = {
    "english": "All human beings are born free and equal in dignity and rights. They are endowed with reason "
    "and conscience and should act towards one another in a spirit of brotherhood.",
    "korean": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 인간은 천부적으로 이성과 "
    "양심을 부여받았으며 서로 형제애의 정신으로 행동하여야 한다.",
}
"""The first article of the Universal Declaration of Human Rights (1948), in two of its translations."""

PARALLEL = {"english": ("english1", "english2"), "korean": ("sentence1", "sentence2")}
"""The columns of `korean-sts` that say the same, by language."""

_RUST = re.compile(r"^```rust[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class CompressionConfig(Config):
    """Which texts are cut by which vocabularies."""

    texts: dict[str, CorpusRef]
    """By what readers call them."""
    code: CorpusRef | None
    """Documents whose blocks of Rust are a text of their own, where there are any."""
    characters: int
    """Of each text, from its beginning."""
    published: tuple[Literal["gpt1", "gpt2"], ...]
    english: str
    """The corpus that our vocabularies learn English from."""
    english_documents: int | None
    """Of it, from its beginning; all when None."""
    korean: dict[str, str]
    """The data sets, with their splits, that one of them learns Korean from; `ARTICLE` where none is."""
    n_vocab: int
    """Of each vocabulary of ours."""
    parallel: str | None
    """Rows of English and Korean that say the same; `ARTICLE` when None."""
    story: str | None
    """The asset that holds a Korean text in UTF-8 and in EUC-KR; `ARTICLE` when None."""

    @property
    def corpora(self) -> list[CorpusRef]:
        """All that is read, but for vocabularies and story."""
        named = [*self.texts.values(), self.code, CorpusRef(self.english, "train")]
        named += [CorpusRef(name, split) for name, split in self.korean.items()]
        named += [CorpusRef(self.parallel, "test")] if self.parallel else []
        return list(dict.fromkeys(each for each in named if each is not None))


def _documents(corpus: CorpusRef) -> Iterator[str]:
    return load_corpus(corpus.name, corpus.split).documents()


def _korean(name: str, split: str) -> Iterator[str]:
    """The Korean of a data set: chapters, or the sentences of its rows."""
    if name == "korean-rust-book":
        return _documents(CorpusRef(name, split))
    return (row[column] for row in rows_of_data(name, split) for column in PARALLEL["korean"])


def _vocabularies(config: CompressionConfig) -> dict[str, Tokenizer]:
    english = list(islice(_documents(CorpusRef(config.english, "train")), config.english_documents))
    korean = [text for name, split in config.korean.items() for text in _korean(name, split)]
    both = [*english, *(korean or [ARTICLE["korean"]] * 2)]
    found: dict[str, Tokenizer] = {}
    if "gpt1" in config.published:
        files = tokenizer_files("gpt1")
        found["gpt1"] = load_published_gpt1(files["encoder_bpe_40000.json"], files["vocab_40000.bpe"])
    if "gpt2" in config.published:
        files = tokenizer_files("gpt2")
        found["gpt2"] = load_published_gpt2(files["encoder.json"], files["vocab.bpe"])
    return found | {
        "english": train_byte_level_bpe(english, config.n_vocab),
        "both": train_byte_level_bpe(both, config.n_vocab),
        "across": train_byte_level_bpe(english, config.n_vocab, AcrossCategories),
    }


def _texts(config: CompressionConfig) -> Iterator[tuple[str, str]]:
    for name, corpus in config.texts.items():
        yield name, beginning(_documents(corpus), config.characters)
    if config.code is not None:
        blocks = (block for document in _documents(config.code) for block in _RUST.findall(document))
        yield "code", beginning(blocks, config.characters)


def _readings(config: CompressionConfig) -> dict[str, str]:
    """A Korean text as it is, and as its two encodings read where they are taken for Latin-1."""
    utf8, euckr = ARTICLE["korean"].encode(), ARTICLE["korean"].encode("euc-kr")
    if config.story is not None:
        utf8, euckr = (path.read_bytes() for path in fetch_files(config.story).values())
    return {
        "right": utf8.decode(),
        "UTF-8 as Latin-1": utf8.decode("latin-1"),
        "EUC-KR as Latin-1": euckr.decode("latin-1"),
    }


def _cut(tokenizer: Tokenizer, content: str, place: Row) -> list[Row]:
    """What a vocabulary makes of a text."""
    ids = tokenizer.encode(content)
    rows = [
        row(len(content.encode()) / len(ids), "bytes_per_token", decimals=4) | place,
        row(float(tokenizer.decode(ids) == content), "returned") | place,
    ]
    if (unknown := tokenizer.vocab.get(UNKNOWN)) is not None and tokenizer.end_of_text is None:
        rows.append(row(ids.count(unknown) / len(ids), "unknown", decimals=4) | place)
    return rows


def _pairs(config: CompressionConfig) -> dict[str, list[tuple[str, ...]]]:
    """Sentences by language, those of one place saying the same."""
    if config.parallel is None:
        return {language: [(text,)] for language, text in ARTICLE.items()}
    rows = list(rows_of_data(config.parallel, "test"))
    return {
        language: [tuple(row[column] for column in columns) for row in rows]
        for language, columns in PARALLEL.items()
    }


def _compared(
    tokenizer: Tokenizer, pairs: Mapping[str, Sequence[tuple[str, ...]]], name: str
) -> Iterator[tuple[list[Row], Outcomes]]:
    """Tokens of each row in each language; their logarithm by row, whose difference is a ratio."""
    for language, sentences in pairs.items():
        tokens = [sum(len(tokenizer.encode(text)) for text in texts) for texts in sentences]
        n_bytes = sum(len(text.encode()) for texts in sentences for text in texts)
        place: Row = {"language": language, "vocabulary": name}
        logarithms = [float(np.float16(math.log2(n))) for n in tokens]  # as the record keeps them
        yield (
            [
                row(sum(tokens), "tokens") | place,
                row(n_bytes / sum(tokens), "bytes_per_token", decimals=4) | place,
                row(float(np.mean(logarithms)), "log2_tokens", decimals=5) | place,
            ],
            Outcomes({"score": "log2_tokens", **place}, logarithms),
        )


def _measure(config: CompressionConfig, unit: Unit) -> Measurement:
    vocabularies, pairs, readings = _vocabularies(config), _pairs(config), _readings(config)
    rows: list[Row] = []
    outcomes: list[Outcomes] = []
    for text, content in _texts(config):
        for name, tokenizer in vocabularies.items():
            rows += _cut(tokenizer, content, {"text": text, "vocabulary": name})
    for name, tokenizer in vocabularies.items():
        for reading, content in readings.items():
            rows += _cut(tokenizer, content, {"reading": reading, "vocabulary": name})
        if tokenizer.end_of_text is None:  # GPT-1's gives another text
            continue
        versions = with_marks(tokenizer.vocab)
        rows += [
            row(sum(map(len, versions.values())), "tokens_with_marks", vocabulary=name),
            row(len(versions), "words_with_marks", vocabulary=name),
            row(tokenizer.n_vocab, "vocabulary_size", vocabulary=name),
        ]
        for found, of_items in _compared(tokenizer, pairs, name):
            rows += found
            outcomes.append(of_items)
    digests = [tokenizer.digest for tokenizer in vocabularies.values()]
    return Measurement(
        rows=rows,
        outcomes=outcomes,
        history=[],
        tokens=0,
        flops=0.0,
        tokenizer=storage.sha256_text(storage.canonical_json(digests)),
    )


_HELD_OUT = {
    "newsgroups": "webtext/forum-20newsgroups",
    "Python proposals": "webtext/docs-python-peps",
    "textbooks": "webtext/encyclopedia-openstax",
    "factbook": "webtext/encyclopedia-factbook",
    "speeches": "webtext/essays-us-speeches",
    "blog": "webtext/blog-18f",
    "novels": "novels-unread",
}

_ALL = CompressionConfig(
    texts={name: CorpusRef(corpus, "heldout") for name, corpus in _HELD_OUT.items()}
    | {
        "Wikipedia articles": CorpusRef("wikitext-2", "test"),
        "Wikipedia as XML": CorpusRef("wikipedia-xml", "test"),
        "Korean manual": CorpusRef("korean-rust-book", "all"),
    },
    code=CorpusRef("webtext/docs-rust-rfcs", "train"),
    characters=200_000,
    published=("gpt1", "gpt2"),
    english="webtext/blog-18f",
    english_documents=None,
    korean={"korean-nli": "test", "korean-sts": "dev"},
    n_vocab=8192,
    parallel="korean-sts",
    story="korean-story",
)

COMPRESSION = register(
    Experiment(
        name="gpt2-compression",
        version=1,
        paper="gpt2",
        question="How many bytes does a token hold, by kind of text, language and vocabulary?",
        configs={
            Scale.SMOKE: CompressionConfig(
                texts={"plays": CorpusRef("plays", "heldout")},
                code=None,
                characters=20_000,
                published=("gpt2",),
                english="plays",
                english_documents=3,
                korean={},
                n_vocab=1024,
                parallel=None,
                story=None,
            ),
            **dict.fromkeys((Scale.LAPTOP, Scale.GPU, Scale.PAPER), _ALL),
        },
        seeds=dict.fromkeys(Scale, (100,)),
        corpora=lambda config: config.corpora,
        budget=lambda config: Budget(parameters=0, tokens=0, flops=0.0, updates=0),  # nothing is trained
        measure=_measure,
        replicated_over="item",
        labels={
            "language": {"english": "English", "korean": "Korean"},
            "vocabulary": {
                "gpt1": "GPT-1's",
                "gpt2": "GPT-2's",
                "english": "ours of English",
                "both": "ours of English and Korean",
                "across": "ours without the rule",
            },
        },
    )
)
