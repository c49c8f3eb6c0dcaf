"""Token losses: equal to those of full logits, in a fraction of their memory; shared beginnings read once."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from gptrepro.evaluate.likelihood import branches_nll, ends_nll, token_nll
from gptrepro.model.config import LSTMConfig
from gptrepro.model.language_model import inference
from gptrepro.model.loss import CHUNK, IGNORED_TARGET
from gptrepro.model.lstm import LSTMLanguageModel
from tests.model.small import small_decoder

N_VOCAB, N_CTX = 61, 32


def lstm() -> LSTMLanguageModel:
    torch.manual_seed(0)
    return LSTMLanguageModel(LSTMConfig(N_VOCAB, N_CTX, d_model=16, d_hidden=24)).eval()


def random_batch(rows: int, share_scored: float) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(N_VOCAB, (rows, N_CTX + 1), generator=generator)
    targets = ids[:, 1:].clone()
    targets[torch.rand(targets.shape, generator=generator) > share_scored] = IGNORED_TARGET
    return ids[:, :-1], targets


@pytest.mark.parametrize("model", [small_decoder(n_ctx=N_CTX), lstm()], ids=["decoder", "lstm"])
@pytest.mark.parametrize("share_scored", [1.0, 0.3, 0.0])
def test_scores_are_those_of_full_logits(model: Any, share_scored: float) -> None:
    ids, targets = random_batch(40, share_scored)  # more than two chunks
    with inference(model):
        logits = model(ids)
        found = token_nll(model, ids, targets)
    expected = F.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED_TARGET, reduction="none"
    )
    assert found.nll.dtype == torch.float32
    torch.testing.assert_close(found.nll, expected.view(ids.shape))
    assert torch.equal(found.greedy, (logits.argmax(-1) == targets) | (targets == IGNORED_TARGET))


class Largest(TorchDispatchMode):
    """Remembers how many elements the largest tensor had that came out of any operation."""

    elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, tuple | list) else (out,):
            if isinstance(tensor, Tensor):
                self.elements = max(self.elements, tensor.numel())
        return out


def test_no_tensor_is_larger_than_a_chunk_of_logits() -> None:
    n_vocab = 5000
    model = small_decoder(n_ctx=N_CTX, n_vocab=n_vocab, d_model=8, n_heads=1)
    ids, targets = random_batch(64, 1.0)
    with Largest() as largest, inference(model):
        token_nll(model, ids, targets)
    assert largest.elements == CHUNK * n_vocab < ids.numel() * n_vocab / 3


def test_losses_add_up_in_fp32_where_the_model_computes_in_bf16() -> None:
    model = small_decoder(n_ctx=N_CTX).bfloat16()
    ids, targets = random_batch(4, 1.0)
    with inference(model):
        found = token_nll(model, ids, targets).nll
        logits = model(ids).float()
    torch.testing.assert_close(found, F.cross_entropy(logits.transpose(1, 2), targets, reduction="none"))


@pytest.mark.parametrize(
    "changes",
    [{"norm": "post"}, {"norm": "pre"}, {"norm": "pre", "attention": ("dense", "banded"), "window": 4}],
    ids=["post", "pre", "banded"],
)
@pytest.mark.parametrize("begins", [[7, 8, 9, 10, 11], [7], []])
def test_sequences_that_begin_alike_score_as_each_alone(changes: dict[str, Any], begins: list[int]) -> None:
    model = small_decoder(n_ctx=N_CTX, **changes)
    sequences = [[*begins, 1, 2, 3], [*begins, 4, 5], [*begins, 6, 20, 21, 22, 23, 24, 25, 26, 27, 28]]
    starts = [len(begins) + 1, len(begins) + 1, len(begins) + 3]
    with inference(model):
        together = branches_nll(model, sequences, starts)
        apart = [ends_nll(model, [one], [start]) for one, start in zip(sequences, starts, strict=True)]
    for row, alone in enumerate(apart):
        length = len(sequences[row]) - 1
        torch.testing.assert_close(together.nll[row, :length], alone.nll[0], rtol=1e-4, atol=1e-5)
        assert torch.equal(together.greedy[row, :length], alone.greedy[0])
        assert not together.nll[row, length:].any()
