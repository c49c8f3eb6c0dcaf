from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from gptrepro.book import build_book
from gptrepro.book.sharing import PREVIEW, pages_address


@pytest.mark.parametrize(
    ("repository", "address"),
    [
        ("https://github.com/Someone/book", "https://someone.github.io/book/"),
        ("https://github.com/some-one/a.book.git/", "https://some-one.github.io/a.book/"),
        ("https://gitlab.com/someone/book", ""),
        ("", ""),
    ],
)
def test_the_address_follows_from_the_repository(repository: str, address: str) -> None:
    assert pages_address(repository) == address


def build(book: Path, repository: str) -> Path:
    """Build a small book of a repository with the extension; warnings are errors."""
    path = book / "_config.yml"
    config = yaml.safe_load(path.read_text())
    config["sphinx"] = {"extra_extensions": ["gptrepro.book.sharing"]}
    config["repository"] = {"url": repository}
    path.write_text(yaml.safe_dump(config))
    return build_book(book, stored=True, strict=True).parent


def test_pages_are_described_and_listed_and_no_picture_is_drawn(small_book: Path) -> None:
    (small_book / "book/index.md").write_text(f"# Small\n\nA & B {'more ' * 100}.\n")
    html = build(small_book, "https://github.com/Someone/b")
    page = (html / "book/index.html").read_text()
    assert '<meta property="og:title" content="Small" />' in page
    assert '<meta property="og:url" content="https://someone.github.io/b/book/index.html" />' in page
    assert f'<meta property="og:image" content="https://someone.github.io/b/{PREVIEW}" />' in page
    assert '<meta name="description" content="A &amp; B more' in page
    assert '<meta name="twitter:card"' in page
    assert not list(html.rglob("*social*"))
    places = ElementTree.parse(html / "sitemap.xml").iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")
    assert sorted(place.text or "" for place in places) == [
        f"https://someone.github.io/b/{name}.html"
        for name in ("book/index", "notebooks/a/01-first", "notebooks/a/02-second")
    ]


def test_without_an_address_nothing_is_claimed(small_book: Path) -> None:
    html = build(small_book, "https://gitlab.com/someone/book")
    assert not (html / "sitemap.xml").exists()
    assert "og:url" not in (html / "book/index.html").read_text()
