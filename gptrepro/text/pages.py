"""From a web page to its text: naively, and by an extractor that finds what the page is about.

WebText went through Dragnet and Newspaper (Radford et al. 2019, section 2.1), which are no longer maintained;
Resiliparse is, and was made to turn crawls of the web into text.
"""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

_UNSEEN = frozenset({"script", "style", "noscript", "template", "head"})
"""Elements whose content no reader sees."""


class _Text(HTMLParser):
    """Collects the text between tags."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.unseen: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in _UNSEEN:
            self.unseen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.unseen:
            del self.unseen[self.unseen.index(tag) :]

    def handle_data(self, data: str) -> None:
        if not self.unseen and data.strip():
            self.parts.append(data.strip())


def stripped(html: str) -> str:
    """All text that stands between the tags of a page, a line each, without scripts and styles."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    return "\n".join(parser.parts)


def main_text(html: str) -> str:
    """What the page is about, as Resiliparse finds it; empty where it finds nothing."""
    from resiliparse.extract.html2text import extract_plain_text  # of the extra web

    found: str = extract_plain_text(html, main_content=True, alt_texts=False)
    return found


def precision_and_recall(found: str, wanted: str, words: int = 4) -> tuple[float, float]:
    """How much of what was found is wanted, and how much of what is wanted was found.

    Both texts are taken as bags of all runs of so many words in lower case.

    Returns:
        Precision and recall, from 0 to 1; precision is 0 where nothing was found.
    """
    first, second = _runs(found, words), _runs(wanted, words)
    common = (first & second).total()
    return common / max(1, first.total()), common / max(1, second.total())


def f1(precision: float, recall: float) -> float:
    """The harmonic mean of both; 0 where both are."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _runs(text: str, words: int) -> Counter[tuple[str, ...]]:
    tokens = re.findall(r"\w+", text.lower())
    n = min(words, max(1, len(tokens)))  # a text of fewer words is one run
    return Counter(zip(*(tokens[i:] for i in range(n)), strict=False))
