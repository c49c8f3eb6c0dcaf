"""Ranks read every row of a batch once; one process is left alone."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from gptrepro.parallel import ONE, World


@given(n=st.integers(0, 40), size=st.integers(1, 9))
def test_the_ranks_share_out_the_rows_of_a_batch(n: int, size: int) -> None:
    shares = [list(range(n))[World(rank, size).rows(n)] for rank in range(size)]
    assert [row for share in shares for row in share] == list(range(n))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_one_process_draws_from_its_generator_as_it_stands() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    ONE.seed_noise(seed=8, update=5)
    assert torch.equal(torch.rand(2), expected)
