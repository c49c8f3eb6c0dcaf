"""What readers name on the command line: texts and models, ours or their own."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from gptrepro import storage
from gptrepro.checkpoints import find_checkpoint, load_config
from gptrepro.errors import GptreproError
from gptrepro.model.config import DecoderConfig
from gptrepro.published import PUBLISHED, published_model
from gptrepro.sources.catalogue import catalogue
from gptrepro.sources.corpora import Corpus, load_corpus
from gptrepro.sources.own_files import HUB, OwnText, open_own_text


def open_text(
    name: str, split: str = "train", separator: str | None = None, column: str = "text"
) -> Corpus | OwnText:
    """A text by its name in ``data/sources``, or a reader's own as `open_own_text` takes it.

    What has the name of a data set and lies in the working folder is given as ``./name``.

    Args:
        name: of the data set, the file, the folder or the set of the hub.
        split: of a data set.
        separator: what ends the documents of a file; see `open_own_text`.
        column: of rows; see `open_own_text`.

    Raises:
        GptreproError: neither a known name nor a file.
    """
    path = Path(name)
    if name not in catalogue().corpora and (path.suffix or path.exists() or name.startswith(HUB)):
        return open_own_text(name, separator, column)
    return load_corpus(name, split=split)


def open_model(name: str) -> tuple[DecoderConfig, Path | None]:
    """The model that a training begins with: its configuration and, where it goes on, a checkpoint's folder.

    Args:
        name: a published model or a JSON file of `DecoderConfig` fields, of which there are no weights; or a
            checkpoint, by its folder or as ``org/name@revision`` of the hub.

    Raises:
        GptreproError: there is no such model, or its files are damaged.
    """
    if name in PUBLISHED or not (Path(name).is_dir() or "/" in name) or name.endswith(".json"):
        return open_model_config(name), None
    folder = find_checkpoint(name)
    return load_config(folder), folder


def open_model_config(name: str) -> DecoderConfig:
    """A published model's configuration by name, or one from a JSON file of `DecoderConfig` fields.

    Raises:
        GptreproError: an unknown name, a missing or damaged file, an unknown field.
    """
    path = Path(name)
    if path.suffix != ".json":
        return published_model(name).decoder
    known = [field.name for field in dataclasses.fields(DecoderConfig)]
    what, otherwise = "model configuration", f"its fields are {', '.join(known)}"
    if unknown := set(storage.read_json(path, dict[str, Any], what, otherwise)) - set(known):
        raise GptreproError(f"{path} has the unknown field {min(unknown)}: {otherwise}.")
    return storage.read_json(path, DecoderConfig, what, otherwise)


def train_and_heldout(
    text: str, heldout: str | None, share: float | None, separator: str | None, column: str
) -> tuple[Corpus | OwnText, Corpus | OwnText | None]:
    """The text to train on, and what to evaluate on if that is asked for."""
    source = open_text(text, separator=separator, column=column)
    if share is None:
        return source, open_text(heldout, "heldout", separator, column) if heldout else None
    if heldout is not None:
        raise GptreproError("Give --heldout or --heldout-share, not both.")
    if not isinstance(source, OwnText):
        raise GptreproError(f"{text} has a held-out part of its own: --heldout {text} evaluates on it.")
    return source.divided(share)
