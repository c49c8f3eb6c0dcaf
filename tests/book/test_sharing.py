from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from gptrepro.book import build_book
from gptrepro.book.sharing import SITEMAP_NAMESPACE, pages_address


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


def configure(book: Path, **sphinx: str) -> None:
    """Give a small book the extension and, perhaps, an address."""
    path = book / "_config.yml"
    config = yaml.safe_load(path.read_text())
    config["sphinx"] = {"extra_extensions": ["gptrepro.book.sharing"], "config": sphinx}
    path.write_text(yaml.safe_dump(config))


def test_pages_are_described_and_listed(small_book: Path) -> None:
    configure(small_book, html_baseurl="https://example.org/b/")
    (small_book / "book/index.md").write_text(f"# Small\n\nA <book> & {'more ' * 100}.\n")
    html = build_book(small_book, strict=True).parent
    page = (html / "book/index.html").read_text()
    assert '<meta property="og:title" content="Small" />' in page
    assert '<meta property="og:url" content="https://example.org/b/book/index.html" />' in page
    assert '<meta name="description" content="A &lt;book&gt; &amp; more' in page
    assert "more …" in page
    places = ElementTree.parse(html / "sitemap.xml").iter(f"{{{SITEMAP_NAMESPACE}}}loc")
    assert [place.text for place in places] == [
        f"https://example.org/b/{name}.html"
        for name in ("book/index", "notebooks/a/01-first", "notebooks/a/02-second")
    ]


def test_without_an_address_nothing_is_claimed(small_book: Path) -> None:
    configure(small_book)
    with (small_book / "_config.yml").open("a") as config:
        config.write("repository:\n  url: https://gitlab.com/someone/book\n")
    html = build_book(small_book, strict=True).parent
    assert not (html / "sitemap.xml").exists()
    assert "og:url" not in (html / "book/index.html").read_text()
