"""The ledger, judged once, and built models forgotten after each test that changes what is built."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gptrepro.claims import JudgedClaim, judge, load_claims
from gptrepro.claims.construction import forget
from gptrepro.published import PUBLISHED


@pytest.fixture(scope="session")
def ledger() -> dict[str, JudgedClaim]:
    """Every claim with its verdict on the published records, by id."""
    return {item.claim.id: item for item in judge(load_claims())}


@pytest.fixture
def change_model(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Change a published model's decoder or training, for one test."""

    def change(
        name: str, decoder: dict[str, Any] | None = None, settings: dict[str, Any] | None = None
    ) -> None:
        model = PUBLISHED[name]
        if decoder:
            model = dataclasses.replace(model, decoder=dataclasses.replace(model.decoder, **decoder))
        if settings:
            changed = dataclasses.replace(model.recipe.settings, **settings)
            model = dataclasses.replace(model, recipe=dataclasses.replace(model.recipe, settings=changed))
        monkeypatch.setitem(PUBLISHED, name, model)
        forget()

    yield change
    forget()
