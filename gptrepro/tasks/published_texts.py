"""The texts on which language models are compared, as data: those of GPT-2's Table 3, or stand-ins."""

from __future__ import annotations

from dataclasses import dataclass

from gptrepro.sources.corpora import load_corpus
from gptrepro.text.detokenise import Scheme, detokenise


@dataclass(frozen=True)
class PublishedText:
    """A text as its publishers wrote it down, and how that is undone."""

    title: str
    corpus: str
    split: str
    scheme: Scheme | None
    """What its tokenizer did; None where it is plain writing."""

    def lines(self) -> list[str]:
        """The published lines.

        Raises:
            GptreproError: no tier can serve the text.
        """
        return [
            line for text in load_corpus(self.corpus, self.split).documents() for line in text.splitlines()
        ]

    def plain(self, passage: str) -> str:
        """Published lines in plain writing."""
        if self.scheme is None:
            return passage
        return "\n".join(detokenise(line, self.scheme) for line in passage.split("\n"))


PUBLISHED_TEXTS: dict[str, PublishedText] = {
    "wikitext-2": PublishedText("WikiText-2, raw", "wikitext-2", "test", "wikitext"),
    "wikitext-2-tokens": PublishedText(
        "WikiText-2, rare words as <unk>", "wikitext-2-tokens", "test", "wikitext"
    ),
    "wikitext-103": PublishedText("WikiText-103", "wikitext-103", "test", "wikitext"),
    "ptb": PublishedText("Penn Treebank", "ptb", "test", "ptb"),
    "one-billion-word": PublishedText("One Billion Word", "one-billion-word", "heldout", "one-billion-word"),
    "wikipedia-xml": PublishedText("Wikipedia with markup, in enwik8's place", "wikipedia-xml", "test", None),
    "plays": PublishedText("Plays", "plays", "heldout", "one-billion-word"),
}


def passages(lines: list[str], n: int, characters: int) -> list[str]:
    """``n`` passages of whole lines, about so long each, at equal distances; fewer where the text is short.

    Empty lines at the ends of a passage are left out.
    """
    starts, end = [], 0
    for line in lines:
        starts.append(end)
        end += len(line) + 1
    found = []
    n = max(1, min(n, end // characters))
    first = 0
    for k in range(n):
        wanted = k * (end - characters) // max(1, n - 1)
        first = next((i for i in range(first, len(lines)) if starts[i] >= wanted), len(lines))
        last = first
        while last < len(lines) and (last == first or starts[last] - starts[first] < characters):
            last += 1
        if passage := "\n".join(lines[first:last]).strip("\n"):
            found.append(passage)
        first = last
    return found
