"""A text by name: the tiers in their order, one digest for the same files, failures in one sentence."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from gptrepro.errors import GptreproError
from gptrepro.sources.catalogue import catalogue
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
    use_catalogue(tiny(TEXTS, **MIRROR, **ORIGIN) | {"addresses": {"origin": template, "release": "x"}})
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
    use_catalogue(tiny(TEXTS, **MIRROR, **ORIGIN) | {"addresses": {"origin": url, "release": "x"}})
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
        ("webtext", "heldout", 7019),
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


def divided(texts: list[str], use_catalogue: UseCatalogue, mirror: Path) -> dict[str, list[str]]:
    """The documents of both parts of ``tiny``, when its lines are divided by hash."""
    content = tiny({"lines": "\n".join(texts) + "\n"}, **MIRROR)
    (mirror / "lines.txt.gz").write_bytes(gzip.compress(("\n".join(texts) + "\n").encode()))
    content["corpora"]["tiny"] |= {"format": "lines", "style": "as-is", "heldout_share": 0.02}
    use_catalogue(content)
    return {split: list(load_corpus("tiny", split).documents()) for split in ("train", "heldout")}


def test_a_part_held_out_by_hash_is_disjoint_and_of_the_stated_share(
    tiny_mirror: Path, use_catalogue: UseCatalogue
) -> None:
    texts = [f"Document {number}." for number in range(20_000)]
    parts = divided(texts, use_catalogue, tiny_mirror)
    assert sorted(parts["train"] + parts["heldout"]) == sorted(texts)
    standard_error = (20_000 * 0.02 * 0.98) ** 0.5
    assert abs(len(parts["heldout"]) - 400) < 3 * standard_error


def test_what_is_held_out_follows_from_the_document_alone(
    tiny_mirror: Path, use_catalogue: UseCatalogue
) -> None:
    texts = [f"Document {number}." for number in range(2000)]
    heldout = divided(texts, use_catalogue, tiny_mirror)["heldout"]
    assert heldout[:3] == ["Document 16.", "Document 53.", "Document 68."]
    other_order = divided([*reversed(texts), "Another."], use_catalogue, tiny_mirror)["heldout"]
    assert [text for text in reversed(other_order) if text != "Another."] == heldout
    twice = divided(texts + texts, use_catalogue, tiny_mirror)
    assert twice["heldout"] == heldout * 2
    assert not set(twice["train"]) & set(heldout)


def test_the_parts_have_digests_of_their_own_and_sizes_that_add_up(
    tiny_mirror: Path, use_catalogue: UseCatalogue
) -> None:
    content = tiny(TEXTS, **MIRROR)
    whole = use_catalogue(content).split("tiny", "train")
    digests = {corpus_digest("tiny", "train")}
    content["corpora"]["tiny"]["heldout_share"] = 0.1
    splits = use_catalogue(content).splits("tiny")
    digests |= {corpus_digest("tiny", split) for split in splits}
    assert len(digests) == 3
    assert sum(split.bytes for split in splits.values()) == whole.bytes


def test_a_corpus_for_the_paper_scale_has_a_held_out_part() -> None:
    assert set(catalogue().splits("openwebtext")) == {"train", "heldout"}
