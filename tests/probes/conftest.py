"""Built models are forgotten after each test that changes what is built."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gptrepro.probes import forget
from gptrepro.published import PUBLISHED


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
