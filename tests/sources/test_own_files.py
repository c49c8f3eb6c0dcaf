"""A reader's own file as a corpus: read as it is, refused in one sentence."""

from __future__ import annotations

import gzip
import json

import pyarrow
import pyarrow.parquet
import pytest

from gptrepro.errors import GptreproError
from gptrepro.sources import own_files
from gptrepro.sources.own_files import open_own_text


def test_a_file_is_one_document_with_its_own_digest(tmp_path):
    path = tmp_path / "own.txt"
    path.write_text("Zwei Sätze. Zweiter Satz.\n", encoding="utf-8")
    text = open_own_text(str(path))
    assert list(text.documents()) == ["Zwei Sätze. Zweiter Satz.\n"]
    assert (text.name, text.n_bytes) == ("own", 27)
    path.write_text("Other.\n", encoding="utf-8")
    assert open_own_text(str(path)).digest != text.digest


STORIES = ["One story.\n\nIts end.", "Another, of <b>two</b> lines.\n(The second.)", "The last."]


@pytest.mark.parametrize(
    ("between", "separator", "notice"),
    [
        ("\n<|endoftext|>\n", None, "3 lines <|endoftext|> end documents"),
        ("\n <|endoftext|>\t\n", None, "3 lines <|endoftext|> end documents"),
        ("\r\n<|endoftext|>\r\n", None, "3 lines <|endoftext|> end documents"),
        ("<|endoftext|>", "<|endoftext|>", ""),
        ("\n<|endoftext|>\n", "<|endoftext|>", ""),
        ("\n---\n", "---", ""),
        ("\n.*?\n", ".*?", ""),  # a text, not a pattern
        ("\n\n\n", "\n\n", ""),
    ],
)
def test_documents_end_at_a_separator(tmp_path, capsys, between, separator, notice):
    path = tmp_path / "stories.txt"
    stories = [story.replace("\n\n", "\n") for story in STORIES]
    path.write_bytes((between.join(stories) + between).encode())
    text = open_own_text(str(path), separator)
    assert list(text.documents()) == stories
    assert notice in capsys.readouterr().err
    whole = open_own_text(str(path), "none")
    assert len(list(whole.documents())) == 1
    assert whole.digest != text.digest  # what is made of one must not be taken for what is made of the other


def test_a_separator_within_lines_is_text_and_said_to_be(tmp_path, capsys):
    path = tmp_path / "stories.txt"
    path.write_text("<|endoftext|>".join(STORIES))
    assert len(list(open_own_text(str(path)).documents())) == 1
    assert "within lines, 2 times" in capsys.readouterr().err
    path.write_text("No such thing.")
    open_own_text(str(path))
    assert capsys.readouterr().err == ""


def test_what_cannot_be_read_is_one_sentence(tmp_path):
    with pytest.raises(GptreproError, match="no text file"):
        open_own_text(str(tmp_path / "missing.txt"))
    latin = tmp_path / "latin.txt"
    latin.write_bytes(b"S\xe4tze")
    with pytest.raises(GptreproError, match="not UTF-8 text"):
        list(open_own_text(str(latin)).documents())
    with pytest.raises(GptreproError, match="separator of documents is empty"):
        open_own_text(str(latin), "")
    empty = tmp_path / "empty.txt"
    empty.write_text(" \n<|endoftext|>\n\n")
    with pytest.raises(GptreproError, match="holds no text"):
        list(open_own_text(str(empty)).documents())


DOCUMENTS = [f"Document {i} says {'a' * (i % 7)}.\nAnd ends.\n" for i in range(120)]


def whole(text) -> list[str]:
    """The documents, each in one piece."""
    return [each if isinstance(each, str) else "".join(each) for each in text.documents()]


def test_texts_are_taken_as_people_have_them(tmp_path):
    rows = [json.dumps({"text": text, "id": i}) for i, text in enumerate(DOCUMENTS)]
    (tmp_path / "rows.jsonl").write_text("\n".join(rows) + "\n")
    with gzip.open(tmp_path / "packed.jsonl.gz", "wt") as file:
        file.write("\n".join(rows))
    pyarrow.parquet.write_table(pyarrow.table({"text": DOCUMENTS}), tmp_path / "rows.parquet")
    with gzip.open(tmp_path / "one.txt.gz", "wt", encoding="utf-8") as file:
        file.write("\ufeffÉté.\n")
    for name in ("rows.jsonl", "packed.jsonl.gz", "rows.parquet"):
        assert whole(open_own_text(str(tmp_path / name))) == DOCUMENTS
    one = open_own_text(str(tmp_path / "one.txt.gz"))
    assert (one.name, whole(one)) == ("one", ["Été.\n"])
    folder = open_own_text(str(tmp_path))
    assert whole(folder) == ["Été.\n", *DOCUMENTS * 3]
    (tmp_path / "more.md").write_text("# More\n")
    assert open_own_text(str(tmp_path)).digest != folder.digest


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"body": "Text."}\n[1]\n')
    own = str(tmp_path / "rows.jsonl")
    with pytest.raises(GptreproError, match=r"^Line 1 of .* has no text in 'text' \(it has body\)"):
        whole(open_own_text(own))
    with pytest.raises(GptreproError, match=r"^Line 2 of .* is not a row .*: give it one object a line"):
        whole(open_own_text(own, column="body"))
    pyarrow.parquet.write_table(pyarrow.table({"body": ["Text."]}), tmp_path / "rows.parquet")
    with pytest.raises(GptreproError, match=r"no column 'text' \(it has body\)"):
        whole(open_own_text(str(tmp_path / "rows.parquet")))
    (tmp_path / "none").mkdir()
    with pytest.raises(GptreproError, match="holds no file"):
        open_own_text(str(tmp_path / "none"))
    with pytest.raises(GptreproError, match="write hub:org/set:column"):
        open_own_text("hub:alone")


@pytest.mark.parametrize("separator", [None, "---", "none"])
@pytest.mark.parametrize("block", [40, 64, 1000])
def test_a_text_is_the_same_in_blocks_of_any_size(tmp_path, monkeypatch, separator, block):
    between = {None: "\n<|endoftext|>\n", "---": "\n---\n", "none": "\n"}[separator]
    long = "".join(f"Line {i} of a long one.\n" for i in range(40))
    path = tmp_path / "own.txt"
    path.write_text(between.join([*DOCUMENTS[:5], long, *DOCUMENTS[5:9], " \n "]) + between)
    expected = whole(open_own_text(str(path), separator))
    monkeypatch.setattr(own_files, "BLOCK", block)
    monkeypatch.setattr(own_files, "_KEPT_BACK", 32)
    text = open_own_text(str(path), separator)
    assert whole(text) == expected
    if block == 40:
        assert any(not isinstance(document, str) for document in text.documents())


@pytest.mark.parametrize("count", [1, 3, 120])
@pytest.mark.parametrize("block", [50, 10**6])
def test_a_share_is_held_out_and_nothing_is_lost(tmp_path, monkeypatch, count, block):
    monkeypatch.setattr(own_files, "BLOCK", block)
    monkeypatch.setattr(own_files, "_KEPT_BACK", 8)
    path = tmp_path / "own.txt"
    texts = DOCUMENTS if count == 120 else ["".join(DOCUMENTS[i::count]) for i in range(count)]
    path.write_text("---".join(texts))
    text = open_own_text(str(path), "---")
    train, heldout = text.divided(0.2)
    kept, held = whole(train), whole(heldout)
    size = sum(map(len, whole(text)))
    assert sum(map(len, kept)) + sum(map(len, held)) == size
    assert 0.1 * size < sum(map(len, held)) < 0.3 * size
    if count == 120:
        assert sorted(kept + held) == sorted(whole(text))
    else:
        assert "".join(kept + held) == "".join(whole(text))
    assert len({text.digest, train.digest, heldout.digest}) == 3
    with pytest.raises(GptreproError, match=r"between 0 and 0\.5"):
        text.divided(0.7)
