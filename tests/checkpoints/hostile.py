"""Something that leaves a trace if anybody unpickles it."""

from __future__ import annotations

import pickletools
from pathlib import Path


class Tripwire:
    """Unpickling creates the file at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def is_armed(pickled: bytes) -> bool:
    """Whether whoever unpickles this calls `Path.touch`; it is taken apart here, and nothing is called."""
    names, arguments, _ = zip(*pickletools.genops(pickled), strict=True)
    return "Path.touch" in arguments and "REDUCE" in {operation.name for operation in names}
