from __future__ import annotations

from pathlib import Path

import pytest

from gptrepro.book.contents import STATUS, read_contents
from gptrepro.errors import GptreproError


def test_pages_come_in_reading_order_with_their_suffixes(small_book: Path) -> None:
    contents = read_contents(small_book)
    assert [page.as_posix() for page in contents.pages] == [
        "book/index.md",
        "notebooks/a/01-first.ipynb",
        "notebooks/a/02-second.ipynb",
    ]
    assert [page.name for page in contents.notebooks] == ["01-first.ipynb", "02-second.ipynb"]


def test_sections_below_a_chapter_count_too(small_book: Path) -> None:
    (small_book / "book/deep.md").write_text("# Deep\n")
    with (small_book / "_toc.yml").open("a") as toc:
        toc.write("        sections:\n          - file: book/deep.md\n")
    assert read_contents(small_book).pages[-1] == Path("book/deep.md")


def test_a_missing_page_is_named(small_book: Path) -> None:
    (small_book / "notebooks/a/02-second.ipynb").unlink()
    with pytest.raises(GptreproError, match="notebooks/a/02-second, which does not exist"):
        read_contents(small_book)


def test_outside_a_checkout_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(GptreproError, match=r"holds no _toc.yml"):
        read_contents(tmp_path)


def test_the_page_about_the_build_needs_no_file(small_book: Path) -> None:
    with (small_book / "_toc.yml").open("a") as toc:
        toc.write("      - file: book/status\n")
    assert read_contents(small_book).pages[-1] == STATUS


def test_the_repository_comes_from_the_configuration(small_book: Path) -> None:
    assert read_contents(small_book).repository is None
    with (small_book / "_config.yml").open("a") as config:
        config.write("repository:\n  url: https://github.com/someone/book/\n")
    assert read_contents(small_book).repository == "https://github.com/someone/book"
    (small_book / "_config.yml").unlink()
    assert read_contents(small_book).repository is None


@pytest.mark.parametrize(("content", "message"), [(b"a: [", "not valid YAML"), (b"\xff", "not UTF-8")])
def test_a_damaged_table_of_contents_is_one_sentence(small_book: Path, content: bytes, message: str) -> None:
    (small_book / "_toc.yml").write_bytes(content)
    with pytest.raises(GptreproError, match=message):
        read_contents(small_book)
