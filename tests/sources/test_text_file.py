"""A reader's own file as a corpus: read as it is, refused in one sentence."""

from __future__ import annotations

import pytest

from gptrepro.errors import GptreproError
from gptrepro.sources.text_file import open_text_file


def test_a_file_is_one_document_with_its_own_digest(tmp_path):
    path = tmp_path / "own.txt"
    path.write_text("Zwei Sätze. Zweiter Satz.\n", encoding="utf-8")
    text = open_text_file(path)
    assert list(text.documents()) == ["Zwei Sätze. Zweiter Satz.\n"]
    assert (text.name, text.n_bytes) == ("own", 27)
    path.write_text("Other.\n", encoding="utf-8")
    assert open_text_file(path).digest != text.digest


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
    text = open_text_file(path, separator)
    assert list(text.documents()) == stories
    assert notice in capsys.readouterr().err
    whole = open_text_file(path, "none")
    assert len(list(whole.documents())) == 1
    assert whole.digest != text.digest  # what is made of one must not be taken for what is made of the other


def test_a_separator_within_lines_is_text_and_said_to_be(tmp_path, capsys):
    path = tmp_path / "stories.txt"
    path.write_text("<|endoftext|>".join(STORIES))
    assert len(list(open_text_file(path).documents())) == 1
    assert "within lines, 2 times" in capsys.readouterr().err
    path.write_text("No such thing.")
    open_text_file(path)
    assert capsys.readouterr().err == ""


def test_what_cannot_be_read_is_one_sentence(tmp_path):
    with pytest.raises(GptreproError, match="no text file"):
        open_text_file(tmp_path / "missing.txt")
    latin = tmp_path / "latin.txt"
    latin.write_bytes(b"S\xe4tze")
    with pytest.raises(GptreproError, match="not UTF-8 text"):
        list(open_text_file(latin).documents())
    with pytest.raises(GptreproError, match="separator of documents is empty"):
        open_text_file(latin, "")
    empty = tmp_path / "empty.txt"
    empty.write_text(" \n<|endoftext|>\n\n")
    with pytest.raises(GptreproError, match="holds no text"):
        list(open_text_file(empty).documents())
