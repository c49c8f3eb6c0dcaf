"""A text by name: the tiers in their order, one digest for the same files, failures in one sentence."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from gptrepro.errors import GptreproError
from gptrepro.sources.corpora import corpus_digest, load_corpus
from gptrepro.sources.inventory import list_datasets, verify
from tests.sources.tiny import COMMIT, MIRROR, ORIGIN, TEXTS, UseCatalogue, tiny


def test_the_mirror_comes_first(tiny_mirror: Path, use_catalogue: UseCatalogue) -> None:
    use_catalogue(tiny(TEXTS, **MIRROR, **ORIGIN))
    corpus = load_corpus("tiny")
    assert (corpus.name, corpus.split, corpus.tier) == ("tiny", "train", "mirror")
    assert list(corpus.documents()) == ["First book.", "Second\nbook."]


def test_every_tier_gives_the_same_text_and_digest(
    tiny_mirror: Path, use_catalogue: UseCatalogue, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = httpserver.url_for("/{repository}/{commit}/{path}")
    for name, text in TEXTS.items():
        httpserver.expect_request(f"/someone/tiny/{COMMIT}/{name}.txt").respond_with_data(text)
    use_catalogue(tiny(TEXTS, **MIRROR, **ORIGIN) | {"addresses": {"origin": template}})
    mirrored = load_corpus("tiny")
    monkeypatch.delenv("GPTREPRO_MIRROR")
    fetched = load_corpus("tiny")
    assert (mirrored.tier, fetched.tier) == ("mirror", "origin")
    assert list(mirrored.documents()) == list(fetched.documents())
    assert mirrored.digest == fetched.digest == corpus_digest("tiny", "train")


def test_the_digest_follows_text_and_cleaning(
    home: Path, use_catalogue: UseCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_catalogue(tiny(TEXTS, **MIRROR))
    digest = corpus_digest("tiny", "train")
    use_catalogue(tiny({**TEXTS, "a_first": "Another."}, **MIRROR))
    assert corpus_digest("tiny", "train") != digest
    use_catalogue(tiny(dict(reversed(TEXTS.items())), **MIRROR))
    assert corpus_digest("tiny", "train") == digest
    monkeypatch.setattr("gptrepro.sources.corpora.CLEANING_VERSION", -1)
    assert corpus_digest("tiny", "train") != digest


def test_json_lines_and_lines_are_documents(tiny_mirror: Path, use_catalogue: UseCatalogue) -> None:
    rows = [json.dumps({"text": text}, ensure_ascii=False) for text in ("One\u2028one", "Two", "")]
    content = tiny({"rows": "\n".join(rows) + "\n"}, **MIRROR)
    (tiny_mirror / "rows.txt.gz").write_bytes(gzip.compress(("\n".join(rows) + "\n").encode()))
    content["corpora"]["tiny"]["format"] = "jsonl"
    use_catalogue(content)
    assert list(load_corpus("tiny").documents()) == ["One\u2028one", "Two"]
    content["corpora"]["tiny"]["format"] = "lines"
    content["corpora"]["tiny"]["style"] = "as-is"
    use_catalogue(content)
    assert list(load_corpus("tiny").documents()) == rows


def test_a_mirror_that_is_not_there_is_a_mistake(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTREPRO_MIRROR", str(home / "nowhere"))
    for ask in (lambda: load_corpus("books"), list_datasets):
        with pytest.raises(GptreproError, match=r"GPTREPRO_MIRROR names .* not a folder"):
            ask()


def test_no_tier_is_one_sentence_that_names_each(
    home: Path, use_catalogue: UseCatalogue, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://127.0.0.1:{closed_port}/{{path}}"
    use_catalogue(tiny(TEXTS, **MIRROR, **ORIGIN) | {"addresses": {"origin": url}})
    with pytest.raises(GptreproError, match=r"tiny \(train\) \(mirror: .* not set; origin: .* reached\)"):
        load_corpus("tiny")
    home.mkdir()
    monkeypatch.setenv("GPTREPRO_MIRROR", str(home))
    use_catalogue(tiny(TEXTS, **MIRROR))
    with pytest.raises(GptreproError, match=r"has no tiny/a_first\.txt\.gz\): set GPTREPRO_MIRROR to"):
        load_corpus("tiny")


@pytest.mark.parametrize(
    "damage", [lambda content: content[:-4], lambda content: gzip.compress(b"other"), lambda content: b""]
)
def test_a_damaged_file_is_one_sentence(
    tiny_mirror: Path, use_catalogue: UseCatalogue, damage: Callable[[bytes], bytes]
) -> None:
    use_catalogue(tiny(TEXTS, **MIRROR))
    path = tiny_mirror / "a_first.txt.gz"
    path.write_bytes(damage(path.read_bytes()))
    corpus = load_corpus("tiny")
    with pytest.raises(GptreproError, match=r"a_first\.txt\.gz .* again\.") as caught:
        list(corpus.documents())
    assert verify("tiny") == [str(caught.value)]


def test_the_embedded_plays_need_no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GPTREPRO_MIRROR", raising=False)
    train, heldout = (load_corpus("plays", split=split) for split in ("train", "heldout"))
    assert train.tier == "package"
    documents, unseen = list(train.documents()), list(heldout.documents())
    assert (len(documents), len(unseen)) == (45, 3)
    assert any(text.startswith("HAMLET, PRINCE OF DENMARK") for text in documents)
    assert not any("MACBETH\n" in text[:20] for text in documents)
    assert unseen[0].startswith("MACBETH\n\nby William Shakespeare\n\nPersons Represented")
    assert not any("gutenberg" in text.lower() for text in documents)
    assert sum(map(len, documents)) > 5_700_000


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("name", "split", "documents"),
    [
        ("books", "heldout", 6),
        ("webtext", "heldout", 9637),
        ("webtext/news-bbc", "train", 1788),
        ("wikitext-2", "test", 1),
        ("ptb", "valid", 1),
        ("lambada", "test", 5153),
        ("one-billion-word", "heldout", 12105),
    ],
)
def test_documents_of_the_mirror(mirror: Path, name: str, split: str, documents: int) -> None:
    corpus = load_corpus(name, split=split)
    assert corpus.tier == "mirror"
    assert sum(1 for _ in corpus.documents()) == documents
