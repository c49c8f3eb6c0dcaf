"""Which layout a decoder gets, and that a configuration survives its file."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gptrepro.checkpoints.layouts import GPT1, GPT2, OWN, from_json, layout_of, stored_name, to_json
from gptrepro.errors import GptreproError
from gptrepro.model.decoder import ACTIVATIONS
from gptrepro.published import PUBLISHED


@pytest.mark.parametrize("name", ["gpt1", "gpt2-124m", "gpt3-small"])
def test_a_published_configuration_survives_its_file(name: str) -> None:
    config = PUBLISHED[name].decoder
    assert layout_of(config) == {"gpt1": GPT1, "gpt2": GPT2, "gpt3": OWN}[PUBLISHED[name].paper]
    content = to_json(config, end_of_text=None)
    if "attention" in content:
        content["attention"] = list(content["attention"])  # as JSON has it
    assert from_json(content, "config.json") == config


def test_activations_of_transformers_are_taken_for_what_they_compute() -> None:
    functions = pytest.importorskip("transformers.activations").ACT2FN
    x = torch.linspace(-30, 30, 601)
    ours = {name: function(x) for name, function in ACTIVATIONS.items()}
    content = to_json(PUBLISHED["gpt2-124m"].decoder, 0)
    taken = set()
    for name in functions.keys() - {"xielu", "prelu"}:  # these have weights
        same = [own for own, y in ours.items() if torch.allclose(functions[name](x), y, atol=1e-5)]
        if same:
            assert from_json(content | {"activation_function": name}, "config.json").activation == same[0]
            taken.add(name)
        else:
            with pytest.raises(GptreproError, match=f"activation_function is '{name}', not one of gelu_new"):
                from_json(content | {"activation_function": name}, "config.json")
    assert len(taken) >= 8  # of 22


def test_what_transformers_cannot_say_gets_a_layout_of_its_own() -> None:
    gpt1 = PUBLISHED["gpt1"].decoder
    assert layout_of(replace(gpt1, activation="gelu")) == OWN
    assert layout_of(replace(gpt1, d_ff=100)) == OWN
    assert layout_of(replace(gpt1, norm="pre", d_ff=100)) == GPT2


def test_only_gpt1_has_other_names_for_its_embeddings() -> None:
    assert stored_name("wte.weight", GPT1) == "transformer.tokens_embed.weight"
    assert stored_name("wte.weight", GPT2) == "transformer.wte.weight"
    assert stored_name("h.0.ln_1.weight", GPT1) == "transformer.h.0.ln_1.weight"


def test_another_architecture_is_one_sentence() -> None:
    with pytest.raises(GptreproError, match="type 'llama': this package reads"):
        from_json({"model_type": "llama"}, "config.json")
    lacking = {k: v for k, v in to_json(PUBLISHED["gpt2-124m"].decoder, 0).items() if k != "n_layer"}
    with pytest.raises(GptreproError, match="it lacks 'n_layer'"):
        from_json(lacking, "config.json")
