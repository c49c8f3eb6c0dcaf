"""GPT-1's fine-tuning: a pre-trained model, three new tokens and one new matrix, trained on labelled rows.

Read in this order: inputs turns a labelled row into token sequences (Radford et al. 2018, Figure 1), model
puts the task's output layer on the pre-trained model, batches serves the rows, tuning trains and predicts.
What the result is compared with is in
baselines and frozen.
"""

from gptrepro.finetune.batches import LabelledBatches
from gptrepro.finetune.inputs import EncodedExample, SpecialTokens, encode
from gptrepro.finetune.model import FineTuned, with_layers_of
from gptrepro.finetune.tuning import fine_tune, predict

__all__ = [
    "EncodedExample",
    "FineTuned",
    "LabelledBatches",
    "SpecialTokens",
    "encode",
    "fine_tune",
    "predict",
    "with_layers_of",
]
