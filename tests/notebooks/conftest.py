"""The book's notebooks, by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from gptrepro.book import read_contents
from gptrepro.sources.inventory import fetch

ROOT = Path(__file__).resolve().parents[2]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that asks for a ``notebook`` once a notebook of _toc.yml."""
    if "notebook" in metafunc.fixturenames:
        paths = [ROOT / name for name in read_contents(ROOT).notebooks]
        metafunc.parametrize("notebook", paths, ids=[f"{path.parent.name}/{path.stem}" for path in paths])


@pytest.fixture(scope="session", autouse=True)
def default_data(isolated_home: Path) -> None:
    """What ``make book`` fetches first, or whichever notebook comes first would say that it is fetching."""
    for name in ("plays", "gpt2-vocabulary"):
        fetch(name)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels beside other tests use one processor thread."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("GPTREPRO_THREADS", "1")
