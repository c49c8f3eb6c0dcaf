"""A Sphinx extension for who finds the book from outside: addresses, a sitemap, and previews of shared links.

The pages' address follows from the repository's, unless ``html_baseurl`` is set: GitHub serves the pages of
``https://github.com/OWNER/NAME`` at ``https://OWNER.github.io/NAME/``. Without an address nothing is written,
since sitemaps and previews need absolute ones.
"""

from __future__ import annotations

import re
import textwrap
from html import escape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

PREVIEW = "_static/preview.png"
"""The picture that goes with a shared link; ``tools/preview.py`` draws it."""

PREVIEW_TEXT = "GPT, reproduced: the triangle of causal attention beside the book's title"

DESCRIPTION_CHARACTERS = 200
"""What previews show of a description, about."""

SITEMAP_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def pages_address(repository: str) -> str:
    """Where GitHub serves the pages of ``repository``; empty for a repository elsewhere.

    >>> pages_address("https://github.com/Someone/book")
    'https://someone.github.io/book/'
    """
    match = re.fullmatch(r"https://github\.com/([\w-]+)/([\w.-]+?)(?:\.git)?/?", repository)
    return f"https://{match[1].lower()}.github.io/{match[2]}/" if match else ""


def set_address(app: Sphinx, config: Config) -> None:
    """Derive the pages' address from the repository's where none is set."""
    if not config.html_baseurl:
        config.html_baseurl = pages_address(config.html_theme_options.get("repository_url", ""))


def first_sentences(doctree: nodes.document) -> str:
    """The beginning of the first paragraph, on one line."""
    paragraph = next(doctree.findall(nodes.paragraph), None)
    text = " ".join(paragraph.astext().split()) if paragraph is not None else ""
    return textwrap.shorten(text, DESCRIPTION_CHARACTERS, placeholder=" …")


def describe_page(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Give a page its description and what a preview of its address shows."""
    base = app.config.html_baseurl
    if doctree is None or not base:
        return
    title = re.sub(r"<[^>]*>", "", context["title"])
    description = escape(first_sentences(doctree))
    properties = {
        "og:type": "website",
        "og:site_name": escape(app.config.html_title),
        "og:title": title,
        "og:description": description,
        "og:url": base + app.builder.get_target_uri(pagename),
        "og:image": base + PREVIEW,
        "og:image:alt": PREVIEW_TEXT,
    }
    tags = [f'<meta property="{name}" content="{value}" />' for name, value in properties.items()]
    tags.append(f'<meta name="description" content="{description}" />')
    tags.append('<meta name="twitter:card" content="summary_large_image" />')
    context["metatags"] += "\n" + "\n".join(tags)


def write_sitemap(app: Sphinx, error: Exception | None) -> None:
    """List every page in ``sitemap.xml``."""
    base = app.config.html_baseurl
    if error is not None or app.builder.format != "html" or not base:
        return
    pages = ElementTree.Element("urlset", xmlns=SITEMAP_NAMESPACE)
    for name in sorted(app.env.found_docs):
        page = ElementTree.SubElement(pages, "url")
        ElementTree.SubElement(page, "loc").text = base + app.builder.get_target_uri(name)
    tree = ElementTree.ElementTree(pages)
    tree.write(Path(app.outdir) / "sitemap.xml", encoding="utf-8", xml_declaration=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("config-inited", set_address)
    app.connect("html-page-context", describe_page)
    app.connect("build-finished", write_sitemap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
