from __future__ import annotations

from pathlib import Path

from gptrepro.book.stamp import fingerprint, is_current


def test_only_what_matters_moves_a_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "lib/__pycache__").mkdir(parents=True)
    (tmp_path / "lib/a.py").write_text("a")
    first = fingerprint(tmp_path, ["lib", "absent"])

    (tmp_path / "lib/__pycache__/a.pyc").write_text("cache")
    (tmp_path / "lib/.hidden").write_text("editor")
    (tmp_path / "other.txt").write_text("not an input")
    assert fingerprint(tmp_path, ["lib", "absent"]) == first

    assert fingerprint(tmp_path, ["lib", "absent"], library="x") != first
    (tmp_path / "lib/a.py").rename(tmp_path / "lib/b.py")
    assert fingerprint(tmp_path, ["lib", "absent"]) != first
    (tmp_path / "lib/b.py").rename(tmp_path / "lib/a.py")
    assert fingerprint(tmp_path, ["lib", "absent"]) == first
    (tmp_path / "lib/a.py").write_text("b")
    assert fingerprint(tmp_path, ["lib", "absent"]) != first


def test_a_stamp_is_current_only_with_its_value(tmp_path: Path) -> None:
    assert not is_current(tmp_path / "stamp", "1")
    (tmp_path / "stamp").write_text("1")
    assert is_current(tmp_path / "stamp", "1")
    assert not is_current(tmp_path / "stamp", "2")
