"""Models to and from files: the folders of ``transformers``, and OpenAI's original GPT-1 arrays.

Nothing here runs code from a file: weights are read from safetensors and plain numpy arrays only.
"""

from gptrepro.checkpoints.folders import load_checkpoint, load_config, load_trained_context, save_checkpoint
from gptrepro.checkpoints.openai import load_openai_gpt1
from gptrepro.checkpoints.places import find_checkpoint

__all__ = [
    "find_checkpoint",
    "load_checkpoint",
    "load_config",
    "load_openai_gpt1",
    "load_trained_context",
    "save_checkpoint",
]
