"""Encoder-decoders: shapes, padding that changes nothing, no look ahead, one slot, learning."""

from __future__ import annotations

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from gptrepro.earlier.seq2seq import (
    END,
    N_SPECIAL,
    PAD,
    START,
    Memory,
    RecurrentConfig,
    RecurrentSeq2Seq,
    Seq2Seq,
    TransformerConfig,
    TransformerSeq2Seq,
)
from gptrepro.errors import GptreproError

SIZES = {"n_source": 20, "n_target": 15}
ATTENTION = RecurrentConfig(**SIZES, d_embedding=8, d_encoder=12, d_decoder=16, attention=True)
FIXED = dataclasses.replace(ATTENTION, attention=False)
TRANSFORMER = TransformerConfig(**SIZES, n_layers=2, d_model=16, n_heads=2, d_ff=32)

every_model = pytest.mark.parametrize(
    "config", [FIXED, ATTENTION, TRANSFORMER], ids=["fixed", "attention", "transformer"]
)


def built(config: RecurrentConfig | TransformerConfig) -> Seq2Seq:
    torch.manual_seed(0)
    kind = RecurrentSeq2Seq if isinstance(config, RecurrentConfig) else TransformerSeq2Seq
    return kind(config).eval()  # type: ignore[arg-type]


def words(n: int, length: int, n_symbols: int, seed: int = 1) -> torch.Tensor:
    return torch.randint(N_SPECIAL, n_symbols, (n, length), generator=torch.Generator().manual_seed(seed))


@every_model
def test_scores_have_a_row_for_each_target(config):
    model = built(config)
    source, target = words(3, 7, 20), words(3, 5, 15)
    assert model(source, target).shape == (3, 5, 15)
    expected = F.cross_entropy(model(source, target).flatten(0, 1), target.flatten())
    torch.testing.assert_close(model.loss(source, target), expected)


@every_model
@pytest.mark.parametrize("training", [True, False])
def test_padding_changes_nothing(config, training):
    model = built(config).train(training)
    source, target = words(2, 6, 20), words(2, 4, 15)
    source[1, 4:] = PAD
    target[1, 3:] = PAD
    alone = model(source[1:, :4], target[1:, :3])
    beside = model(F.pad(source, (0, 5), value=PAD), F.pad(target, (0, 2), value=PAD))
    torch.testing.assert_close(beside[1:, :3], alone, rtol=1e-4, atol=1e-5)
    whole = model.loss(source, target) * 7  # the mean over 4 + 3 symbols
    parts = model.loss(source[:1], target[:1]) * 4 + model.loss(source[1:, :4], target[1:, :3]) * 3
    torch.testing.assert_close(whole, parts, rtol=1e-4, atol=1e-5)


@every_model
def test_the_decoder_sees_only_what_it_has_written(config):
    model = built(config)
    source, target = words(2, 6, 20), words(2, 6, 15)
    changed = target.clone()
    changed[:, 3] = N_SPECIAL + (changed[:, 3] - N_SPECIAL + 1) % (15 - N_SPECIAL)
    before, after = model(source, target), model(source, changed)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert (before[:, 4:] - after[:, 4:]).abs().amax(-1).min() > 0


@every_model
def test_every_letter_of_the_source_counts_and_so_does_their_order(config):
    model = built(config)
    source, target = words(1, 6, 20), words(1, 3, 15)
    before = model(source, target)
    for position in range(6):
        changed = source.clone()
        changed[:, position] = N_SPECIAL + (changed[:, position] - N_SPECIAL + 1) % (20 - N_SPECIAL)
        assert not torch.allclose(model(changed, target), before, atol=1e-6)
    assert not torch.allclose(model(source.flip(1), target), before, atol=1e-5)


def test_attention_to_one_slot_is_the_model_without_attention():
    attending, fixed = built(ATTENTION), built(FIXED)
    weights = {k: v for k, v in attending.state_dict().items() if k != "query.weight"}
    fixed.load_state_dict(weights)
    source, prefix = words(3, 6, 20), words(3, 4, 15)
    read = attending.encode(source)
    one_slot = Memory(read.summary[:, None], torch.ones(3, 1, dtype=torch.bool), read.summary)
    torch.testing.assert_close(attending.decode(one_slot, prefix), fixed.decode(fixed.encode(source), prefix))
    assert not torch.allclose(attending.decode(read, prefix), attending.decode(one_slot, prefix))


def test_the_single_vector_is_the_last_state_of_each_direction():
    attending = built(ATTENTION)
    source = words(2, 6, 20)
    source[1, 4:] = PAD
    read = attending.encode(source)
    torch.testing.assert_close(read.summary[:, :12], read.slots[[0, 1], [5, 3], :12])
    torch.testing.assert_close(read.summary[:, 12:], read.slots[:, 0, 12:])


def test_attention_weights_add_up_to_one_over_the_letters_alone():
    model = built(ATTENTION)
    source, target = words(2, 6, 20), words(2, 5, 15)
    source[1, 4:] = PAD
    weights = model.alignment(source, target)
    assert weights.shape == (2, 5, 6)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 5))
    assert weights[1, :, 4:].abs().max() == 0 and weights[0].min() > 0


def test_attention_scores_are_a_product_of_query_and_slot():
    """Luong et al. 2015, section 3.1, written out for one step."""
    model = built(ATTENTION)
    source, target = words(1, 6, 20), words(1, 1, 15)
    read = model.encode(source)
    hidden, cell = model.start(read.summary).chunk(2, dim=-1)
    first = model.target_embedding(torch.tensor([[START]]))
    state = model.decoder(first, (hidden.tanh()[None], cell[None].contiguous()))[0][0, 0]
    scores = torch.stack([slot @ model.query.weight @ state for slot in read.slots[0]])
    torch.testing.assert_close(model.alignment(source, target)[0, 0], scores.softmax(0))


@every_model
def test_greedy_writing_is_the_argmax_of_its_own_past(config):
    model = built(config)
    source = words(4, 6, 20)
    written = model.greedy(source, limit=7)
    for word, output in zip(source, written, strict=True):
        assert len(output) <= 7 and all(symbol >= N_SPECIAL for symbol in output)
        ended = [*output, END][:7]
        scores = model(word[None], torch.tensor([ended]))[0]
        scores[:, [PAD, START]] = -torch.inf
        assert scores.argmax(-1).tolist() == ended


@every_model
def test_it_learns_twenty_words_by_heart(config):
    model = built(config).train()
    source, target = words(20, 6, 20, seed=2), words(20, 5, 15, seed=3)
    target[:, -1] = END
    target[::2, -2:] = torch.tensor([END, PAD])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(250):
        optimizer.zero_grad()
        model.loss(source, target).backward()
        optimizer.step()
    assert model.eval().loss(source, target) < 0.1
    assert model.greedy(source, 8) == [[i for i in row if i not in (PAD, END)] for row in target.tolist()]


def test_impossible_sizes_are_refused():
    with pytest.raises(GptreproError, match="d_encoder must be at least 1"):
        dataclasses.replace(FIXED, d_encoder=0)
    with pytest.raises(GptreproError, match="multiple of n_heads"):
        dataclasses.replace(TRANSFORMER, n_heads=3)
