"""What holds by construction, measured on the thing that was built.

A probe looks at a model, a schedule, an optimiser, a tokenizer or a fine-tuning from outside (shapes that
come out, values that go in and come out) and never reads the configuration that built it, so that a
mistake in the code shows. Importing this package fills the registry.
"""

from gptrepro.probes import attention, built, decoder, fine_tuning, shape, tokenizers, training
from gptrepro.probes.registry import PROBES, probe

__all__ = [
    "PROBES",
    "attention",
    "built",
    "decoder",
    "fine_tuning",
    "forget",
    "probe",
    "shape",
    "tokenizers",
    "training",
]


def forget() -> None:
    """Forget all that was built and measured, after a change to the published models."""
    built.forget()
    shape.forget()
