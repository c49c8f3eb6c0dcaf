"""Where a checkpoint is that a reader names: a folder, a repository of the hub, or the weights of a paper."""

from __future__ import annotations

import re
from pathlib import Path

from gptrepro.errors import GptreproError, StorageError

RELEASED = {
    "gpt1": "openai-community/openai-gpt",
    "gpt2-124m": "openai-community/gpt2",
    "gpt2-355m": "openai-community/gpt2-medium",
    "gpt2-774m": "openai-community/gpt2-large",
    "gpt2-1558m": "openai-community/gpt2-xl",
}
"""Our names of the published models whose weights were released, and where the hub has them."""


def find_checkpoint(name: Path | str) -> Path:
    """The folder of a checkpoint, downloaded to the home where it is the hub's.

    Args:
        name: a folder; ``org/name`` or ``org/name@revision`` of the hub, of which only safetensors are read;
            or a name of `RELEASED`. A folder that exists comes first.

    Raises:
        GptreproError: the hub cannot be reached within seconds, or has no such weights.
    """
    if Path(name).exists():
        return Path(name)
    asked, _, revision = Path(name).as_posix().partition("@")
    repository = RELEASED.get(asked, asked)
    if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", repository):
        return Path(name)  # who opens it says what a folder holds
    from gptrepro.sources.hub import fetch_model  # its client loads when it is asked

    try:
        return fetch_model(repository, revision or "main")
    except StorageError:
        raise
    except GptreproError as error:
        here = "" if asked in RELEASED else f"there is no folder {name}, and "
        raise GptreproError(
            f"The checkpoint {name} cannot be had: {here}the hub does not give {repository} ({error})."
        ) from error
