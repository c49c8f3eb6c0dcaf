"""An archive depends on nothing but its members."""

from __future__ import annotations

import hashlib
import os
import tarfile
import time
from pathlib import Path

import pytest

from gptrepro.errors import GptreproError
from gptrepro.sources.archives import read_member, write_archive

MEMBERS = {"b/second.txt": b"Second.\n" * 40, "a.txt": "Café".encode()}


def test_the_bytes_are_the_same_on_any_machine_in_any_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = "65bf56045e4a0d3a999fe881f145cd6c604457d90c6a34b85acb0ae5d181c4a1"
    for number, members in enumerate((MEMBERS, dict(reversed(MEMBERS.items())))):
        path = tmp_path / f"{number}.tar.bz2"
        monkeypatch.setattr(time, "time", lambda now=number: 1e9 + now)
        monkeypatch.setattr(os, "getuid", lambda user=number: 1000 + user)
        write_archive(path, members)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == written


def test_members_are_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "members.tar.bz2"
    write_archive(path, MEMBERS)
    assert {name: read_member(path, name) for name in MEMBERS} == MEMBERS
    with tarfile.open(path) as archive:
        assert archive.getnames() == sorted(MEMBERS)
    with pytest.raises(GptreproError, match=r"members\.tar\.bz2 holds no file c\.txt"):
        read_member(path, "c.txt")
