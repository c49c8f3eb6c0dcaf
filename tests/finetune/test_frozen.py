"""A linear model of frozen states sees what the states hold, for any padding."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gptrepro.evaluate.metrics import METRICS
from gptrepro.finetune.frozen import linear_on_frozen, mean_states, states_of
from gptrepro.model import Decoder, DecoderConfig
from tests.finetune.toy import TOY, marked_examples


class Letters:
    """A tokenizer of bytes."""

    def encode(self, text: str) -> list[int]:
        return list(text.encode())


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    torch.manual_seed(0)
    return Decoder(DecoderConfig(n_vocab=256, n_ctx=64, n_layers=1, d_model=32, n_heads=2)).eval()


def test_a_text_is_the_mean_of_its_states_whatever_it_is_read_with(decoder: Decoder) -> None:
    texts = ["a", "some longer text", "", "middling"]
    together = mean_states(decoder, Letters(), texts, context=64)
    for text, mean in zip(texts, together, strict=True):
        alone = np.zeros(32)
        if text:
            with torch.no_grad():
                alone = decoder.hidden(torch.tensor([Letters().encode(text)]))[0].mean(0).numpy()
        np.testing.assert_allclose(mean, alone, atol=1e-5)


def test_a_long_text_loses_its_end(decoder: Decoder) -> None:
    cut = mean_states(decoder, Letters(), ["x" * 64], context=64)
    np.testing.assert_allclose(mean_states(decoder, Letters(), ["x" * 64 + "yz"], context=64), cut)


def test_the_order_of_a_pair_matters_unless_it_is_one_of_likeness(decoder: Decoder) -> None:
    for name, expected in (("nli", False), ("alike", True)):
        pairs = marked_examples(TOY[name].kind, 5, 0)
        turned = [type(pair)(pair.texts[::-1], pair.label) for pair in pairs]
        features = [states_of(TOY[name], decoder, Letters(), some, 64) for some in (pairs, turned)]
        assert np.allclose(*features, atol=1e-6) is expected


@pytest.mark.parametrize("name", ["text", "choice"])
def test_what_gives_the_label_away_is_found(decoder: Decoder, name: str) -> None:
    task = TOY[name]
    train, dev, test = (marked_examples(task.kind, 200, seed) for seed in range(3))
    predicted = linear_on_frozen(task, decoder, Letters(), train, dev, test, context=64)
    assert METRICS["accuracy"]([example.label for example in test], predicted) > 0.8
