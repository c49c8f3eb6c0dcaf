"""Symbols to ids and back, padding, and batches that lose no pair, waste little and can be resumed."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from gptrepro.earlier.pairs import Alphabet, PairBatches, padded
from gptrepro.earlier.seq2seq import END, N_SPECIAL, PAD
from gptrepro.errors import GptreproError


def batches_of(n: int, batch_size: int, seed: int = 0) -> PairBatches:
    """Pair i has a source of 1 to 9 ids, the first of which names it."""
    sources = [[N_SPECIAL + i] * (1 + i * 7 % 9) for i in range(n)]
    return PairBatches(sources, [[N_SPECIAL + i, N_SPECIAL] for i in range(n)], batch_size, seed)


def test_an_alphabet_reads_what_it_wrote_and_keeps_clear_of_the_special_ids():
    alphabet = Alphabet(["AA", "B", "CH"])
    ids = alphabet.encode(["CH", "AA"])
    assert alphabet.decode(ids) == ["CH", "AA"]
    assert min(alphabet.encode(alphabet.symbols)) == N_SPECIAL
    assert max(alphabet.encode(alphabet.symbols)) == len(alphabet) - 1
    with pytest.raises(GptreproError, match="'D' is no symbol of this alphabet: it has AA B CH"):
        alphabet.encode(["D"])


def test_padding_follows_the_shorter_ones():
    assert padded([[3, 4, 5], [6]]).tolist() == [[3, 4, 5], [6, PAD, PAD]]


def test_an_epoch_has_every_pair_at_most_once_and_leaves_out_less_than_a_batch():
    batches = batches_of(1000, 16)
    seen: Counter[int] = Counter()
    for _ in range(1000 // 16):
        source, target = batches.next()
        assert source.shape[0] == target.shape[0] == 16
        assert (target[:, 0] == source[:, 0]).all() and (target[:, 2] == END).all()
        seen.update(source[:, 0].tolist())
    assert max(seen.values()) == 1 and len(seen) > 1000 - 16
    assert batches.state_dict()["epoch"] == 0
    batches.next()
    assert batches.state_dict()["epoch"] == 1


def test_batches_hold_little_padding_and_come_in_random_order():
    batches = batches_of(1024, 16)
    drawn = [batches.next()[0] for _ in range(64)]
    assert sum((source == PAD).sum().item() for source in drawn) / sum(s.numel() for s in drawn) < 0.05
    lengths = [source.shape[1] for source in drawn]
    assert lengths != sorted(lengths)


def test_the_order_depends_on_seed_and_epoch():
    one, same, other = batches_of(64, 64), batches_of(64, 64), batches_of(64, 64, seed=1)
    first = one.next()[0]
    assert torch.equal(first, same.next()[0])
    assert not torch.equal(first, other.next()[0])
    assert not torch.equal(first, one.next()[0])


def test_a_saved_position_goes_on_exactly():
    batches = batches_of(100, 8)
    for _ in range(15):
        batches.next()
    state = batches.state_dict()
    expected = [batches.next() for _ in range(10)]
    fresh = batches_of(100, 8)
    fresh.load_state_dict(state)
    for (source, target), (again, too) in zip(expected, (fresh.next() for _ in range(10)), strict=True):
        assert torch.equal(source, again) and torch.equal(target, too)
    with pytest.raises(GptreproError, match="another seed"):
        batches_of(100, 8, seed=1).load_state_dict(state)


def test_too_few_pairs_are_refused():
    with pytest.raises(GptreproError, match="5 pairs do not fill a batch of 8"):
        batches_of(5, 8)
