"""Undoing what a test set's tokenizer did to its text, so that nothing is lost (GPT-2, section 3.1).

WikiText, the Penn Treebank and the One Billion Word benchmark are published with a space before each full
stop, hyphens as ``@-@`` and the like. A model of plain text has to pay for each of these oddities. GPT-2 is
scored after "invertible de-tokenizers" have removed them: since the way back exists, the likelihood of the
plain text is a likelihood of the published one.

Each rule is a pair of substitutions, there and back. A line that the way back would not restore is left as it
was published, behind a sign that says so (`AS_PUBLISHED`): what the rules cannot undo costs the model a sign,
and no two lines become one.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Scheme = Literal["wikitext", "ptb", "one-billion-word"]

AS_PUBLISHED = "~"
"""Stands before a line that is left as it was."""


class Rule(NamedTuple):
    """Two substitutions, each the other's way back."""

    there: str
    plain: str
    back: str
    published: str


def _joined(before: str, after: str) -> Rule:
    """The space between two places goes, and comes back."""
    return Rule(rf"{before} (?={after})", "", rf"{before}(?={after})", " ")


_INNER = (
    Rule(r"(?<=[^\s@]) @-@ (?=[^\s@])", "-", r"(?<=[^\s@])-(?=[^\s@])", " @-@ "),
    Rule(r"(?<=\d) @,@ (?=\d)", ",", r"(?<=\d),(?=\d)", " @,@ "),
    Rule(r"(?<=\d) @\.@ (?=\d)", ".", r"(?<=\d)\.(?=\d)", " @.@ "),
)
"""WikiText's hyphens, and the marks within numbers."""

_ABBREVIATED = (
    *("Mr", "Mrs", "Ms", "Dr", "St", "Co", "No", "Nos", "Sr", "Jr", "vs", "Gen", "Sen", "Col", "Gov", "Rep"),
    *("Lt", "Ltd", "Inc", "Corp", "Bros", "Rev", "Prof", "Capt"),
)
_NO_STOP = r"(?<!\b[A-Z])(?<!\.[A-Za-z])" + "".join(rf"(?<!\b{word})" for word in _ABBREVIATED)
"""Before the dot of an abbreviation, which the tokenizers left where it was."""

_CLOSING = (_joined(r"(?<=[^\s.])", r'[,;:!?](?: |$|")'), _joined(rf"(?<=[^\s.]){_NO_STOP}", r'\.(?: |$|")'))
_BRACKETS = (_joined(r"(?<=\()", r"\S"), _joined(r"(?<=\S)", r"\)"))
_ENDINGS = _joined(r"(?<=\w)", r"'(?:s|re|ve|ll|d|m)\b")
_NOT = _joined(r"(?<=\w)", r"n't\b")
_DOLLARS = _joined(r"(?<=\$)", r"\w")
_QUOTES = Rule(r'(?<!\S)" ([^"]*?[^\s"]) "(?!\S)', r'"\1"', r'(?<!\S)"(?! )([^"]*?[^\s"])"(?!\S)', r'" \1 "')

RULES: dict[Scheme, tuple[Rule, ...]] = {
    "wikitext": (*_INNER, _joined(r"(?<=\w)", r"'t\b"), _ENDINGS, _DOLLARS, _QUOTES, *_BRACKETS, *_CLOSING),
    "ptb": (_NOT, _ENDINGS, _DOLLARS),
    "one-billion-word": (_ENDINGS, _QUOTES, *_BRACKETS, *_CLOSING),
}
"""What each set's tokenizer did, in the order in which it is undone. The Penn Treebank's lower case, its
``N`` for a number and every ``<unk>`` have lost what stood there: no rule can bring that back."""


def detokenise(line: str, scheme: Scheme) -> str:
    """A line of a test set in plain writing."""
    plain = line
    for rule in RULES[scheme]:
        plain = re.sub(rule.there, rule.plain, plain)
    if plain.startswith(AS_PUBLISHED) or _back(plain, scheme) != line:
        return AS_PUBLISHED + line
    return plain


def retokenise(line: str, scheme: Scheme) -> str:
    """The published line that `detokenise` made this of."""
    return line.removeprefix(AS_PUBLISHED) if line.startswith(AS_PUBLISHED) else _back(line, scheme)


def _back(plain: str, scheme: Scheme) -> str:
    for rule in reversed(RULES[scheme]):
        plain = re.sub(rule.back, rule.published, plain)
    return plain
