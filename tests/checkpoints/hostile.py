"""Something that leaves a trace if anybody unpickles it."""

from __future__ import annotations

from pathlib import Path


class Tripwire:
    """Unpickling creates the file at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))
