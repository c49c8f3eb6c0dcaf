"""Number formats and devices, as far as a CPU can show them."""

from pathlib import Path

import pytest
import torch
from torch import nn

from gptrepro.errors import GptreproError
from gptrepro.train import precision
from gptrepro.train.loop import train
from gptrepro.train.precision import Precision, choose_device, choose_precision, cpu_bf16_speed
from gptrepro.train.resolved import Resolved
from tests.train.tiny import tiny_batches, tiny_model, tiny_settings

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("capabilities", "speed", "expected"),
    [
        ({"amx_bf16": True}, None, "bf16"),
        ({"avx512_bf16": True}, 1.31, "bf16"),
        ({"avx512_bf16": True}, 1.1, "fp32"),
        ({"avx2": True}, None, "fp32"),
    ],
)
def test_auto_uses_bf16_only_where_the_processor_multiplies_faster_in_it(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], speed: float | None, expected: str
) -> None:
    def measure() -> float:
        assert speed is not None, "what the processor says is enough"
        return speed

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    monkeypatch.setattr(precision, "cpu_bf16_speed", measure)
    assert choose_precision("auto", CPU).name == expected


def test_a_moment_of_other_work_does_not_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([2.0, 1.0] * 5 + [1.0, 9.0] * 4)  # twice as fast, but for four trials that were disturbed
    monkeypatch.setattr(precision.timeit, "timeit", lambda *_, **__: next(seconds))
    assert cpu_bf16_speed.__wrapped__() == 2.0


def begin_in_bf16(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    result = train(
        tiny_model(), tiny_batches(), tiny_settings(precision="auto"), folder, stop_after_seconds=0
    )
    assert result.resolved == Resolved(choose_device().type, "bf16", compiled=False, processes=1)


def test_a_training_goes_on_in_the_format_that_it_began_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_in_bf16(tmp_path, monkeypatch)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    monkeypatch.setattr(precision, "cpu_bf16_speed", lambda: 0.5)  # today auto would choose fp32
    result = train(tiny_model(), tiny_batches(), tiny_settings(precision="auto"), tmp_path)
    assert result.resolved is not None and result.resolved.precision == "bf16"


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU has bf16")
def test_a_device_without_the_format_of_the_checkpoint_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_in_bf16(tmp_path, monkeypatch)
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    with pytest.raises(GptreproError, match=r"began in bf16.*choose precision fp32"):
        train(tiny_model(), tiny_batches(), tiny_settings(precision="auto"), tmp_path)


def test_the_speed_of_bf16_is_measured_beside_fp32() -> None:
    assert 0.001 < cpu_bf16_speed() < 100


def test_auto_uses_bf16_on_a_gpu_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for has, expected in ((True, "bf16"), (False, "fp32")):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, has=has: has)
        assert choose_precision("auto", torch.device("cuda")).name == expected


@pytest.mark.parametrize(("name", "dtype"), [("bf16", torch.bfloat16), ("fp16", torch.float16)])
def test_autocast_multiplies_in_the_short_format(name: str, dtype: torch.dtype) -> None:
    layer = nn.Linear(4, 4)
    with choose_precision(name, CPU).autocast():  # type: ignore[arg-type]
        assert layer(torch.ones(1, 4)).dtype == dtype
    assert layer.weight.dtype == torch.float32


def test_only_fp16_scales_the_loss() -> None:
    loss = torch.tensor(2.0)
    assert Precision("fp32", CPU).scaler().scale(loss) == 2.0
    assert Precision("bf16", CPU).scaler().scale(loss) == 2.0
    assert Precision("fp16", CPU).scaler().scale(loss) > 2.0


def test_fp16_and_bf16_learn_what_fp32_learns(tmp_path: Path) -> None:
    losses = {
        name: train(
            tiny_model(dropout=0.0), tiny_batches(), tiny_settings(precision=name), tmp_path / name
        ).history[-1]["loss"]
        for name in ("fp32", "bf16", "fp16")
    }
    assert losses["bf16"] == pytest.approx(losses["fp32"], abs=0.02)
    assert losses["fp16"] == pytest.approx(losses["fp32"], abs=0.005)
    assert losses["fp16"] != losses["fp32"]


class Overflowing(nn.Module):
    """A model whose gradient overflows while the loss scale is above a threshold, as fp16's does."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2, 2))
        self.weight.register_hook(lambda g: torch.where(g.abs() > 2.0**13, torch.inf, g))

    def loss(self, ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return self.weight.mean()


def test_fp16_skips_the_updates_that_overflow_and_lowers_its_scale(tmp_path: Path) -> None:
    model = Overflowing()
    settings = tiny_settings(precision="fp16", steps=6, schedule="constant", warmup_steps=0, weight_decay=0.0)
    result = train(model, tiny_batches(), settings, tmp_path)
    losses = [row["loss"] for row in result.history]
    # The first scale is 2**16 and a weight's share a quarter: the first update overflows, the next does not.
    assert losses[0] == losses[1] == 1.0
    assert losses[2] < 1.0
    assert result.finished
    assert "grad_norm" not in result.history[0]
    assert "grad_norm" in result.history[1]


def test_a_device_that_is_not_there_is_refused_in_one_sentence() -> None:
    assert choose_device("cpu").type == "cpu"
    with pytest.raises(GptreproError, match="unknown"):
        choose_device("gpu")
    if not torch.cuda.is_available():
        assert choose_device("auto").type == "cpu"
        with pytest.raises(GptreproError, match="no CUDA"):
            choose_device("cuda")
