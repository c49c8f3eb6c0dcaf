"""Cleaning: one style for each kind of text."""

from __future__ import annotations

import re

CLEANING_VERSION = 1


def clean(text: str, style: str) -> str:
    """Cleaned text; ``style`` is prose, verse, page or as-is."""
    if style == "as-is":
        return text
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"[^\S\n]+$", "", text, flags=re.M)
    if style == "prose":
        text = re.sub(r"(?<=\S)\n(?=\S)", " ", text) if text.count("\n\n") > 0.03 * text.count("\n") else text
    return re.sub(r"\n{3,}", "\n\n", text).strip()
