"""The same weights give the same logits and gradients as the `transformers` models."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from gptrepro.model import Decoder, DecoderConfig
from tests.model.small import randomise

transformers = pytest.importorskip("transformers")

SIZES = {"vocab_size": 83, "n_positions": 48, "n_embd": 32, "n_layer": 3, "n_head": 4}
GPT1_NAMES = {"wte.weight": "tokens_embed.weight", "wpe.weight": "positions_embed.weight"}


def ours(**choices: object) -> Decoder:
    return Decoder(DecoderConfig(n_vocab=83, n_ctx=48, n_layers=3, d_model=32, n_heads=4, **choices)).eval()


def assert_parity(mine: Decoder, theirs: nn.Module, their_name: Callable[[str], str]) -> None:
    """Copy their weights to mine by name, then compare logits, loss and every gradient."""
    parameters = dict(theirs.named_parameters())
    with torch.no_grad():
        for name, parameter in mine.named_parameters():
            parameter.copy_(parameters[their_name(name)])
    ids = torch.randint(83, (3, 48), generator=torch.Generator().manual_seed(1))
    logits = theirs(ids).logits
    torch.testing.assert_close(mine(ids), logits, rtol=1e-10, atol=1e-10)

    targets = ids.roll(-1, 1)
    loss = mine.loss(ids, targets)
    their_loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
    torch.testing.assert_close(loss, their_loss, rtol=1e-10, atol=1e-10)
    loss.backward()
    their_loss.backward()
    seen = set()
    for name, parameter in mine.named_parameters():
        seen.add(their_name(name))
        gradient = parameters[their_name(name)].grad
        assert gradient.abs().max() > 0, name
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-10, atol=1e-10, msg=name)
    assert seen == set(parameters), "a parameter of theirs has no counterpart"


def test_gpt1() -> None:
    torch.manual_seed(0)
    theirs = transformers.OpenAIGPTLMHeadModel(transformers.OpenAIGPTConfig(**SIZES)).double().eval()
    randomise(theirs)
    mine = ours(norm="post").double()
    assert_parity(mine, theirs, lambda name: f"transformer.{GPT1_NAMES.get(name, name)}")


def test_gpt2() -> None:
    torch.manual_seed(0)
    theirs = transformers.GPT2LMHeadModel(transformers.GPT2Config(**SIZES)).double().eval()
    randomise(theirs)
    assert_parity(ours(norm="pre").double(), theirs, lambda name: f"transformer.{name}")


@pytest.mark.slow
def test_gpt2_at_the_full_124m_shape() -> None:
    torch.manual_seed(0)
    theirs = transformers.GPT2LMHeadModel(transformers.GPT2Config()).eval()
    with torch.device("meta"):
        mine = Decoder(DecoderConfig(50257, 1024, 12, 768, 12, norm="pre", residual_init="scaled")).eval()
    mine.load_state_dict(theirs.transformer.state_dict(), assign=True)
    ids = torch.randint(50257, (1, 64))
    with torch.inference_mode():
        torch.testing.assert_close(mine(ids), theirs(ids).logits, rtol=1e-4, atol=1e-4)


def decoder_state(neo: nn.Module) -> dict[str, Tensor]:
    """GPT-Neo's weights in our decoder's form, by differentiable steps so that gradients can be compared.

    Its attention differs from GPT-3's description in two ways that weights can express: it does not scale
    QK^T (our query weights are its own times sqrt(d_head)), and q, k and v have no bias (ours are zero).
    """
    state = {}
    for name, value in neo.transformer.named_parameters():
        if ".attn." not in name:
            transposed = ".mlp." in name and value.dim() == 2  # nn.Linear stores (out, in)
            state[name] = value.T if transposed else value
    for layer, block in enumerate(neo.transformer.h):
        attention = block.attn.attention
        q = attention.q_proj.weight * attention.head_dim**0.5
        qkv = torch.cat([q, attention.k_proj.weight, attention.v_proj.weight]).T
        state[f"h.{layer}.attn.c_attn.weight"] = qkv
        state[f"h.{layer}.attn.c_attn.bias"] = torch.zeros(qkv.shape[1])
        state[f"h.{layer}.attn.c_proj.weight"] = attention.out_proj.weight.T
        state[f"h.{layer}.attn.c_proj.bias"] = attention.out_proj.bias
    return state


@pytest.mark.parametrize("window", [4, 256])
def test_gpt_neo_alternates_dense_and_banded_layers(window: int) -> None:
    torch.manual_seed(0)
    theirs = transformers.GPTNeoForCausalLM(
        transformers.GPTNeoConfig(
            vocab_size=83,
            max_position_embeddings=300,
            hidden_size=32,
            num_layers=4,
            num_heads=4,
            attention_types=[[["global", "local"], 2]],
            window_size=window,
        )
    ).eval()
    randomise(theirs, std=0.1)
    settings = {"n_vocab": 83, "n_ctx": 300, "n_layers": 4, "d_model": 32, "n_heads": 4, "norm": "pre"}
    mine = Decoder(DecoderConfig(**settings, attention=("dense", "banded"), window=window)).eval()
    dense = Decoder(DecoderConfig(**settings)).eval()
    state = decoder_state(theirs)
    ids = torch.randint(83, (2, 300))
    logits = functional_call(mine, state, ids)
    torch.testing.assert_close(logits, theirs(ids).logits, rtol=1e-4, atol=1e-4)
    without_window = functional_call(dense, state, ids)
    assert (logits - without_window)[:, window:].abs().amax(-1).min() > 1e-3

    weight = torch.randn(logits.shape)
    parameters = list(theirs.parameters())
    through_ours = torch.autograd.grad((logits * weight).sum(), parameters)
    through_theirs = torch.autograd.grad((theirs(ids).logits * weight).sum(), parameters)
    for ours_, theirs_ in zip(through_ours, through_theirs, strict=True):
        torch.testing.assert_close(ours_, theirs_, rtol=1e-3, atol=1e-3 * float(theirs_.abs().max()))
