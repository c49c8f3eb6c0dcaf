"""torch.compile: the same training, or a warning and the same training uncompiled."""

from __future__ import annotations

import shutil
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from gptrepro.model.loss import LOSS_AND_GRADIENTS
from tests.train.tiny import tiny_model, train_tiny


def test_without_a_compiler_it_warns_once_and_trains_eagerly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(forward: Any, **_: Any) -> Any:
        def call(*batch: Any) -> Any:
            raise RuntimeError("No working C++ compiler found\nand more")

        return call

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.warns(UserWarning, match="No working C\\+\\+ compiler found.*uncompiled") as warned:
        compiled = train_tiny(tmp_path / "compiled", compile=True)
    assert len(warned) == 1
    assert compiled.history == train_tiny(tmp_path / "eager").history
    assert compiled.resolved is not None and not compiled.resolved.compiled


def test_an_error_of_the_loss_itself_is_not_hidden(tmp_path: Path) -> None:
    model = tiny_model()
    model.loss = lambda ids, targets: torch.ones(2) @ torch.ones(3)  # type: ignore[method-assign]
    with warnings.catch_warnings(), pytest.raises(RuntimeError, match="size"):
        warnings.simplefilter("ignore")
        train_tiny(tmp_path, model=model, compile=True)


def test_all_layers_share_what_is_compiled_and_evaluation_meets_the_plain_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphs = []

    def counting(graph: Any, inputs: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=counting))
    model = tiny_model(0.0, n_layers=3)
    seen = []

    def evaluate(model: Any) -> dict[str, float]:
        seen.append([name for module in model.modules() for name in vars(module) if name == "forward"])
        return {}

    compiled = train_tiny(tmp_path / "compiled", model=model, compile=True, evaluate=evaluate, steps=4)
    assert len(graphs) == 2  # a block and the output loss
    assert seen == [[]] and "forward" not in vars(LOSS_AND_GRADIENTS)
    eager = train_tiny(tmp_path / "eager", model=tiny_model(0.0, n_layers=3), steps=4)
    for a, b in zip(eager.history, compiled.history, strict=True):
        assert b["loss"] == pytest.approx(a["loss"], rel=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_a_compiled_training_gives_the_losses_of_the_eager_one(tmp_path: Path) -> None:
    small = {"n_layers": 1, "dropout": 0.0}
    eager = train_tiny(tmp_path / "eager", model=tiny_model(**small))
    compiled = train_tiny(tmp_path / "compiled", model=tiny_model(**small), compile=True)
    for a, b in zip(eager.history, compiled.history, strict=True):
        assert b["loss"] == pytest.approx(a["loss"], rel=1e-4)
