from __future__ import annotations

from pathlib import Path

from gptrepro import storage
from gptrepro.book.homes import fresh_home


def test_a_fresh_home_shares_packages_and_nothing_else() -> None:
    (storage.home() / "packages").mkdir(parents=True, exist_ok=True)
    marker = storage.home() / "packages" / "shared-marker"
    marker.write_text("x")
    (storage.home() / "runs").mkdir(exist_ok=True)
    try:
        with fresh_home() as variables:
            home = Path(variables["GPTREPRO_HOME"])
            assert home != storage.home()
            assert [path.name for path in home.iterdir()] == ["packages"]
            assert (home / "packages" / "shared-marker").read_text() == "x"
        assert not home.exists()
        assert marker.exists()
    finally:
        marker.unlink()
