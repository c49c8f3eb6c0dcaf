"""The matrix product with its matrix stored as the released checkpoints store it."""

from __future__ import annotations

import torch

from gptrepro.model.projection import Projection


def test_rows_of_the_matrix_belong_to_inputs() -> None:
    projection = Projection(2, 3)
    with torch.no_grad():
        projection.weight.copy_(torch.tensor([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]))
        projection.bias.copy_(torch.tensor([0.5, 0.0, -0.5]))
    out = projection(torch.tensor([[[1.0, 0.0], [1.0, 1.0]]]))
    assert out.tolist() == [[[1.5, 2.0, 2.5], [11.5, 22.0, 32.5]]]
