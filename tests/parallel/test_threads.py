"""Threads are counted by the machine, unless a reader says how many."""

import pytest

from gptrepro.errors import GptreproError
from gptrepro.parallel import threads


def test_the_variable_counts_and_the_cores_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTREPRO_THREADS", "3")
    assert threads() == 3
    monkeypatch.delenv("GPTREPRO_THREADS")
    assert threads() >= 1


@pytest.mark.parametrize("configured", ["many", "0", "-1", "99999999", "²"])
def test_what_no_machine_can_start_is_refused(monkeypatch: pytest.MonkeyPatch, configured: str) -> None:
    monkeypatch.setenv("GPTREPRO_THREADS", configured)
    with pytest.raises(GptreproError, match="whole number from 1 to"):
        threads()
