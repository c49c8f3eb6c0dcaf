"""The output layer and the loss: their definition, what must not change them, and a peer."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gptrepro.errors import GptreproError
from gptrepro.finetune import EncodedExample, FineTuned
from gptrepro.finetune.inputs import FILLER, collate
from gptrepro.finetune.model import with_layers_of, with_special_tokens
from gptrepro.model.config import LSTMConfig
from gptrepro.model.lstm import LSTMLanguageModel
from gptrepro.train.feed import passes
from tests.finetune.toy import CONTEXT, N_VOCAB, SPECIAL, TOY, random_rows, toy_model
from tests.model.small import randomise, small_decoder

KINDS = sorted(TOY)


@pytest.fixture(scope="module")
def models() -> dict[str, FineTuned]:
    return {name: toy_model(TOY[name]).double() for name in KINDS}


def slow_states(model: FineTuned, sequence: list[int]) -> Tensor:
    """(T, d_model), read alone."""
    return model.body.hidden(torch.tensor([sequence]))[0]


def slow_outputs(model: FineTuned, row: EncodedExample) -> Tensor:
    """The definition of section 3.3, one sequence at a time."""
    extracts = [slow_states(model, sequence)[-1] for sequence in row.sequences]
    if model.config.kind == "similarity":
        return model.head.weight @ (extracts[0] + extracts[1])
    return torch.cat([model.head.weight @ extract for extract in extracts])


def slow_lm_loss(model: FineTuned, rows: list[EncodedExample]) -> Tensor:
    """Mean over sequences of the mean over their tokens."""
    losses = []
    for sequence in [sequence for row in rows for sequence in row.sequences]:
        logits = slow_states(model, sequence)[:-1] @ model.body.wte.weight.T
        losses.append(F.cross_entropy(logits, torch.tensor(sequence[1:])))
    return torch.stack(losses).mean()


def test_the_first_layers_are_carried_over_and_the_others_stay_fresh() -> None:
    pretrained, fresh = (small_decoder(seed, n_layers=3) for seed in (0, 1))
    untouched = {name: value.clone() for name, value in fresh.state_dict().items()}
    ids = torch.arange(8)[None]
    assert with_layers_of(pretrained, fresh, None) is fresh
    assert all(torch.equal(untouched[name], value) for name, value in fresh.state_dict().items())
    for layers in range(4):
        model = with_layers_of(pretrained, small_decoder(1, n_layers=3), layers)
        for name, value in model.state_dict().items():
            carried = not name.startswith("h.") or int(name.split(".")[1]) < layers
            assert torch.equal(value, (pretrained if carried else fresh).state_dict()[name]), name
    torch.testing.assert_close(model.hidden(ids), pretrained.hidden(ids))
    with pytest.raises(GptreproError, match="3 layers"):
        with_layers_of(pretrained, fresh, 4)


def test_an_lstm_is_carried_over_whole_or_by_its_embeddings() -> None:
    config = LSTMConfig(n_vocab=11, n_ctx=8, d_model=4, d_hidden=6)
    torch.manual_seed(0)
    pretrained, ids = LSTMLanguageModel(config).eval(), torch.arange(8)[None]
    whole = with_layers_of(pretrained, LSTMLanguageModel(config), 1).eval()
    torch.testing.assert_close(whole.hidden(ids), pretrained.hidden(ids))
    embeddings = with_layers_of(pretrained, LSTMLanguageModel(config), 0)
    assert torch.equal(embeddings.wte.weight, pretrained.wte.weight)
    assert not torch.equal(embeddings.lstm.weight_hh_l0, pretrained.lstm.weight_hh_l0)


@pytest.mark.parametrize("name", KINDS)
def test_the_outputs_are_those_of_each_sequence_alone(name: str, models: dict[str, FineTuned]) -> None:
    model, rows = models[name], random_rows(TOY[name], 7)
    ids, _ = collate(rows)
    expected = torch.stack([slow_outputs(model, row) for row in rows])
    assert expected.shape == (7, 1 if TOY[name].score else len(TOY[name].labels))
    torch.testing.assert_close(model(ids), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", KINDS)
def test_the_loss_is_the_tasks_plus_half_the_language_models(name: str, models: dict[str, FineTuned]) -> None:
    model, rows = models[name], random_rows(TOY[name], 7)
    outputs = torch.stack([slow_outputs(model, row) for row in rows])
    labels = torch.tensor([row.label for row in rows])
    if TOY[name].score:
        task_loss = (outputs[:, 0] - (labels / 2.5 - 1)).square().mean()
    else:
        task_loss = F.cross_entropy(outputs, labels)
    expected = task_loss + 0.5 * slow_lm_loss(model, rows)
    torch.testing.assert_close(model.loss(*collate(rows)), expected, rtol=1e-6, atol=1e-6, check_dtype=False)
    without = toy_model(TOY[name], lm_weight=0.0).double()
    torch.testing.assert_close(
        without.loss(*collate(rows)), task_loss, rtol=1e-6, atol=1e-6, check_dtype=False
    )


@settings(deadline=None, max_examples=25)
@given(
    name=st.sampled_from(KINDS),
    seed=st.integers(0, 99),
    n=st.integers(1, 6),
    padding=st.integers(0, 30),
    filler=st.integers(0, N_VOCAB - 1),
)
def test_padding_changes_nothing(
    models: dict[str, FineTuned], name: str, seed: int, n: int, padding: int, filler: int
) -> None:
    model = models[name]
    ids, labels = collate(random_rows(TOY[name], n, seed))
    padded = F.pad(ids, (0, padding), value=filler)
    after_extract = (padded == SPECIAL.extract).cumsum(-1).bool() & (padded != SPECIAL.extract)
    padded = padded.masked_fill(after_extract, filler)
    torch.testing.assert_close(model(padded), model(ids), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(model.loss(padded, labels), model.loss(ids, labels), rtol=1e-9, atol=1e-9)


def test_the_gradient_does_not_reach_the_filler() -> None:
    model = toy_model(TOY["text"])
    rows = [EncodedExample([[SPECIAL.start, 5, SPECIAL.extract]], 0)]
    rows.append(EncodedExample([[SPECIAL.start, *[6] * 12, SPECIAL.extract]], 1))
    ids, _ = collate(rows)
    assert ids[0, 0, -1] == FILLER and FILLER not in (5, 6)
    extracts = model(ids)[:, 0].sum()
    (gradient,) = torch.autograd.grad(extracts, model.body.wte.weight)
    assert not gradient[FILLER].any() and gradient[5].any()


@pytest.mark.parametrize("name", KINDS)
def test_a_batch_in_several_passes_has_the_same_loss(name: str, models: dict[str, FineTuned]) -> None:
    model, batch = models[name], collate(random_rows(TOY[name], 7))
    parts = sum(model.loss(*piece) * weight for piece, weight in passes(batch, 3))
    torch.testing.assert_close(parts, model.loss(*batch), rtol=1e-6, atol=1e-6)


def test_similarity_does_not_depend_on_the_order(models: dict[str, FineTuned]) -> None:
    ids, _ = collate(random_rows(TOY["alike"], 5))
    model = models["alike"]
    torch.testing.assert_close(model(ids), model(ids.flip(1)), rtol=1e-9, atol=1e-9)


def test_the_answers_of_a_question_share_their_dropped_units() -> None:
    model = toy_model(TOY["choice"], dropout=0.0).train()
    (row,) = random_rows(TOY["choice"], 1)
    same = EncodedExample([row.sequences[0]] * 3, 0)
    ids, _ = collate([same] * 20)
    torch.manual_seed(0)
    outputs = model(ids)  # (20, 3): the body has no dropout here, the head has
    torch.testing.assert_close(outputs, outputs[:, :1].expand(-1, 3))
    assert outputs[:, 0].std() > 0


def test_new_are_one_matrix_and_three_rows_of_the_embedding() -> None:
    body = small_decoder(n_layers=2)
    before = {name: weight.clone() for name, weight in body.state_dict().items()}
    model = FineTuned(body, TOY["nli"])
    after = dict(model.state_dict())
    assert after.keys() - {f"body.{name}" for name in before} == {"head.weight"}
    assert after.pop("head.weight").shape == (3, 32)
    for name, weight in before.items():
        torch.testing.assert_close(after[f"body.{name}"][: len(weight)], weight, rtol=0, atol=0)
        grown = len(after[f"body.{name}"]) - len(weight)
        assert grown == (3 if name == "wte.weight" else 0)
    assert all(torch.equal(weight, before[name]) for name, weight in body.state_dict().items())
    fresh = after["body.wte.weight"][N_VOCAB:]
    assert 0.01 < float(fresh.std()) < 0.03 and len(fresh.unique(dim=0)) == 3


def test_a_language_model_goes_on_as_before_on_its_own_tokens() -> None:
    body = small_decoder()
    ids = torch.randint(N_VOCAB, (2, 20))
    torch.testing.assert_close(with_special_tokens(body).eval()(ids)[..., :N_VOCAB], body(ids))


def test_a_recurrent_body_is_fine_tuned_too() -> None:
    body = LSTMLanguageModel(LSTMConfig(N_VOCAB, CONTEXT, 16, 24)).eval()
    model = FineTuned(body, TOY["nli"]).eval()
    rows = random_rows(TOY["nli"], 4)
    expected = torch.stack([slow_outputs(model, row) for row in rows])
    torch.testing.assert_close(model(collate(rows)[0]), expected, rtol=1e-5, atol=1e-5)


def test_scores_come_back_in_their_own_unit() -> None:
    model = toy_model(TOY["score"])
    assert model.predictions(torch.tensor([[-1.0], [0.0], [0.5]])).tolist() == [0.0, 2.5, 3.75]
    assert toy_model(TOY["nli"]).predictions(torch.tensor([[0.0, 3.0, 1.0]])).tolist() == [1]


def test_parity_with_transformers_double_heads() -> None:
    """Language-model logits and multiple-choice logits, where the two overlap.

    Theirs has a bias in the head, which a softmax over answers cannot see; it drops units of each answer
    apart; its language-model loss is a mean over all tokens of the batch, filler included unless masked.
    """
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.OpenAIGPTConfig(
        vocab_size=N_VOCAB + 3, n_positions=CONTEXT, n_embd=32, n_layer=2, n_head=4, num_labels=1
    )
    theirs = transformers.OpenAIGPTDoubleHeadsModel(config).double().eval()
    randomise(theirs)
    model = toy_model(TOY["choice"]).double()
    names = {"wte.weight": "tokens_embed.weight", "wpe.weight": "positions_embed.weight"}
    parameters = dict(theirs.named_parameters())
    with torch.no_grad():
        for name, parameter in model.body.named_parameters():
            parameter.copy_(parameters[f"transformer.{names.get(name, name)}"])
        head = theirs.multiple_choice_head.summary
        model.head.weight.copy_(head.weight)

    rows = random_rows(TOY["choice"], 4)
    ids, labels = collate(rows)
    last = torch.tensor([[len(sequence) - 1 for sequence in row.sequences] for row in rows])
    theirs_out = theirs(ids, mc_token_ids=last, mc_labels=labels)
    torch.testing.assert_close(model(ids), theirs_out.mc_logits - head.bias, rtol=1e-9, atol=1e-9)
    logits = model.body(ids.flatten(0, 1)).view_as(theirs_out.logits)
    torch.testing.assert_close(logits, theirs_out.logits, rtol=1e-9, atol=1e-9)
    ours = toy_model(TOY["choice"], lm_weight=0.0).double()
    ours.load_state_dict(model.state_dict())
    torch.testing.assert_close(ours.loss(ids, labels), theirs_out.mc_loss, rtol=1e-9, atol=1e-9)
