"""Which part of the data a text belongs to, by its hash: the same on every machine and in any order."""

from __future__ import annotations

import hashlib
from typing import Literal

Part = Literal["train", "dev", "test"]


def hashed(text: str) -> bytes:
    """SHA-256 of a text: an order that has nothing to do with its content."""
    return hashlib.sha256(text.encode()).digest()


def place_of(text: str, n: int) -> int:
    """One of ``n`` places, equally likely, that depends on the text alone: 0 to ``n - 1``."""
    return int.from_bytes(hashed(text)[:8], "big") % n
