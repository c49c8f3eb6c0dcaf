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


def test_what_cannot_be_read_is_one_sentence(tmp_path):
    with pytest.raises(GptreproError, match="no text file"):
        open_text_file(tmp_path / "missing.txt")
    latin = tmp_path / "latin.txt"
    latin.write_bytes(b"S\xe4tze")
    with pytest.raises(GptreproError, match="not UTF-8 text"):
        list(open_text_file(latin).documents())
    empty = tmp_path / "empty.txt"
    empty.write_text(" \n")
    with pytest.raises(GptreproError, match="holds no text"):
        list(open_text_file(empty).documents())
