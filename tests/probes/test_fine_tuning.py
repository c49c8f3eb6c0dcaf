"""Fine-tuning: other sequences, another output layer, loss or recipe measure otherwise."""

from __future__ import annotations

import dataclasses
from functools import partial

import pytest
import torch
import torch.nn.functional as F

from gptrepro.finetune import inputs, model
from gptrepro.probes import fine_tuning
from gptrepro.tasks import gpt1

from .mutations import measured

sequences_of = inputs.sequences_of
with_special_tokens = model.with_special_tokens

TRANSFORMATIONS = ("classification_input", "entailment_input", "similarity_input", "question_input")
CHANGES = {
    "two starts": lambda ids, special: [special.start, *ids],
    "no delimiter, or two": lambda ids, special: (
        [i for i in ids if i != special.delimiter]
        if special.delimiter in ids
        else [ids[0], special.delimiter, *ids[1:]]
    ),
    "a letter lost": lambda ids, special: ids[:-2] + ids[-1:],
    "extract first": lambda ids, special: [ids[-1], *ids[1:-1], ids[0]],
}


def first(found):
    """The sequences, which stand first in what a probe of a transformation finds."""
    return next(iter(found.values()))


@pytest.mark.parametrize(("name", "change"), list(zip(TRANSFORMATIONS, CHANGES.values(), strict=True)))
def test_other_sequences_are_noticed(name, change, monkeypatch):
    before = measured(name, "gpt1")

    def changed(kind, texts, answers, special, context):
        return [change(ids, special) for ids in sequences_of(kind, texts, answers, special, context)]

    monkeypatch.setattr(inputs, "sequences_of", changed)
    assert first(measured(name, "gpt1")) != first(before)


@pytest.mark.parametrize("name", ["similarity_input", "question_input"])
def test_sequences_that_are_left_out_are_noticed(name, monkeypatch):
    before = measured(name, "gpt1")
    monkeypatch.setattr(inputs, "sequences_of", lambda *row: sequences_of(*row)[:1])
    assert measured(name, "gpt1") != before


def test_a_question_before_its_document_is_noticed(monkeypatch):
    race = dataclasses.replace(gpt1.TASKS["race-m"], texts=("{question} {article}",))
    monkeypatch.setitem(gpt1.TASKS, "race-m", race)
    assert (
        measured("question_input", "gpt1")["sequence"]
        == "start, question, document, delimiter, answer, extract"
    )


@pytest.mark.parametrize("name", ["classification_input", "entailment_input"])
def test_a_state_that_is_read_elsewhere_is_noticed(name, monkeypatch):
    monkeypatch.setattr(model._Read, "extracts", lambda self: self.states[:, 0])
    assert measured(name, "gpt1")["read_at"] == "start"


def test_answers_that_are_judged_one_by_one_are_noticed(monkeypatch):
    def separately(outputs, labels):
        right = F.one_hot(labels, outputs.shape[-1]).float()
        return F.binary_cross_entropy_with_logits(outputs, right)

    monkeypatch.setattr(F, "cross_entropy", separately)
    assert measured("question_input", "gpt1")["softmax_over_answers"] is False


def test_another_weight_of_the_language_model_is_noticed(monkeypatch):
    assert measured("fine_tuning_objective", "gpt1") == "L2 + 0.5 L1"
    monkeypatch.setattr(fine_tuning, "FineTuned", partial(model.FineTuned, lm_weight=0.25))
    assert measured("fine_tuning_objective", "gpt1") == "L2 + 0.25 L1"


def test_another_recipe_measures_otherwise(monkeypatch):
    recipe = dataclasses.replace(fine_tuning.GPT1_FINE_TUNING, epochs=2)
    monkeypatch.setattr(fine_tuning, "GPT1_FINE_TUNING", recipe)
    assert measured("fine_tuning_recipe", "gpt1")["epochs"] == 2


def test_an_output_layer_with_a_bias_is_noticed(monkeypatch):
    linear = torch.nn.Linear
    before = measured("fine_tuning_parameters", "gpt1")
    monkeypatch.setattr(model.nn, "Linear", lambda *shape, bias: linear(*shape))
    assert measured("fine_tuning_parameters", "gpt1") == before | {"other_parameters": 3}
