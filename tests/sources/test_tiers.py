"""Files from the first tier that has them: verified, in order of their names, refused in one sentence."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from gptrepro.errors import GptreproError
from gptrepro.sources.tiers import SourceFile, mirror_path, open_files, unavailable
from tests.sources.tiny import MIRROR, TEXTS, UseCatalogue, tiny


def test_files_of_the_mirror_come_in_order_of_their_names(
    tiny_mirror: Path, use_catalogue: UseCatalogue
) -> None:
    file_sets = use_catalogue(tiny(TEXTS, **MIRROR)).split("tiny", "train").file_sets
    files = open_files("mirror", file_sets)
    assert [file.name for file in files] == sorted(TEXTS)
    assert [file.read().decode() for file in files] == [TEXTS[name] for name in sorted(TEXTS)]
    (tiny_mirror / "a_first.txt.gz").unlink()
    assert mirror_path(file_sets[0], "a_first") is None
    with pytest.raises(GptreproError, match=r"has no tiny/a_first\.txt\.gz"):
        open_files("mirror", file_sets)


def test_other_bytes_than_the_pinned_are_refused() -> None:
    pinned = hashlib.sha256(b"as published").hexdigest()
    assert SourceFile("a", pinned, "place", lambda: b"as published").read() == b"as published"
    with pytest.raises(GptreproError, match="place is damaged or not the published file"):
        SourceFile("a", pinned, "place", lambda: b"otherwise").read()


def test_the_network_is_advice_only_where_it_could_help() -> None:
    assert "network" not in str(unavailable("x", {"mirror": "not set"}))
    assert "network" in str(unavailable("x", {"mirror": "not set", "origin": "not reached."}))
