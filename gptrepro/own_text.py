"""Training, evaluating and generating on anyone's text, with our checkpoints or any GPT folder.

These are the functions behind ``gptrepro train``, ``eval`` and ``generate``. Experiments do not use them:
what is published comes from `gptrepro.experiments` alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel

from gptrepro import storage
from gptrepro.checkpoints import load_checkpoint, save_checkpoint
from gptrepro.errors import GptreproError
from gptrepro.evaluate.perplexity import Perplexity, evaluate_perplexity
from gptrepro.evaluate.prompted import Reader
from gptrepro.generation.sampling import generate
from gptrepro.model import Decoder, DecoderConfig
from gptrepro.published import PUBLISHED, published_model
from gptrepro.sources.assets import tokenizer_files
from gptrepro.sources.catalogue import catalogue
from gptrepro.sources.corpora import Corpus, load_corpus
from gptrepro.sources.text_file import TextFile, open_text_file
from gptrepro.tasks.prompted import Item
from gptrepro.text.batches import Batches
from gptrepro.text.shards import TokenShards, write_shards
from gptrepro.tokenizer import (
    Tokenizer,
    load_published_gpt1,
    load_published_gpt2,
    load_tokenizer,
    train_byte_level_bpe,
    train_gpt1_bpe,
)
from gptrepro.train.loop import TrainResult, train
from gptrepro.train.settings import TrainSettings

SHARDS = "shards"
"""Folder under the home for the tokens of readers' own texts."""


def open_text(name: str, split: str = "train") -> Corpus | TextFile:
    """A text by its name in ``data/sources``, or a UTF-8 file by its path.

    What has the name of a data set and lies in the working folder is given as ``./name``.

    Raises:
        GptreproError: neither a known name nor a file.
    """
    path = Path(name)
    if name not in catalogue().corpora and (path.suffix or path.is_file()):
        return open_text_file(path)
    return load_corpus(name, split=split)


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


def open_tokenizer(choice: str, text: Corpus | TextFile, n_vocab: int) -> Tokenizer:
    """The published tokenizer ``gpt1`` or ``gpt2``, a saved one by its folder, or one trained on the text.

    ``train-gpt1`` and ``train-gpt2`` train a tokenizer of ``n_vocab`` tokens in that paper's style.

    Raises:
        GptreproError: no such choice or folder, or the published files cannot be had.
    """
    if choice == "gpt1":
        files = tokenizer_files("gpt1")
        return load_published_gpt1(files["encoder_bpe_40000.json"], files["vocab_40000.bpe"])
    if choice == "gpt2":
        files = tokenizer_files("gpt2")
        return load_published_gpt2(files["encoder.json"], files["vocab.bpe"])
    if choice == "train-gpt1":
        return train_gpt1_bpe(text.documents(), n_vocab)
    if choice == "train-gpt2":
        return train_byte_level_bpe(text.documents(), n_vocab)
    folder = Path(choice)
    if not folder.is_dir():
        raise GptreproError(
            f"There is no tokenizer '{choice}': choose gpt1, gpt2, train-gpt1, train-gpt2 or a folder."
        )
    return load_tokenizer(folder)


def train_on_text(
    *,
    model: str,
    text: str,
    output: Path,
    tokenizer: str | None,
    settings: TrainSettings,
    heldout: str | None = None,
    minutes: float | None = None,
) -> TrainResult:
    """Train a model on a text and write a checkpoint folder that ``transformers`` reads too.

    A second call with the same arguments goes on where the first one stopped.

    Args:
        model: a published model's name or a JSON file of `DecoderConfig` fields.
        text: a data set's name or a text file.
        output: the checkpoint folder; ``output/training`` holds the state that resumes.
        tokenizer: see `open_tokenizer`; by default the published one of a published model, and a byte-level
            BPE trained on the text for a configuration of one's own.
        settings: steps, batch, schedule and precision.
        heldout: a text to evaluate on at the chosen steps.
        minutes: save and stop after so long.

    Raises:
        GptreproError: the text, model, tokenizer and settings do not fit together.
    """
    config = open_model_config(model)
    if settings.context > config.n_ctx:
        raise GptreproError(f"--context {settings.context} exceeds the model's {config.n_ctx} positions.")
    _refuse_to_overwrite(output)
    source = open_text(text)
    kept = output / "training" / "tokenizer"  # so that a second call goes on with the same one
    if kept.is_dir():
        chosen = load_tokenizer(kept)
    else:
        chosen = open_tokenizer(tokenizer or _default_tokenizer(model), source, config.n_vocab)
        with storage.atomic_folder(kept) as temporary:
            chosen.save(temporary)
    if chosen.n_vocab > config.n_vocab:
        raise GptreproError(
            f"The tokenizer has {chosen.n_vocab} tokens and the model only {config.n_vocab} embeddings: "
            "choose another tokenizer or set n_vocab."
        )
    shards = write_shards(source, chosen, storage.home() / SHARDS)
    heldout_shards = (
        write_shards(open_text(heldout, "heldout"), chosen, storage.home() / SHARDS) if heldout else None
    )
    torch.manual_seed(settings.seed)
    decoder = Decoder(config)
    result = train(
        decoder,
        Batches(shards, batch_size=settings.batch_size, context=settings.context, seed=settings.seed),
        settings,
        output / "training",
        evaluate=(lambda m: _as_metrics(evaluate_perplexity(m, heldout_shards, settings.context)))
        if heldout_shards
        else None,
        stop_after_seconds=minutes * 60 if minutes is not None else None,
        name=f"{model} on {text}",
    )
    save_checkpoint(output, decoder.cpu(), chosen)
    return result


def _refuse_to_overwrite(output: Path) -> None:
    """Leave a model alone that this output folder holds without the training that it came from.

    A training of ours with other settings is refused by `train`, before it writes anything.
    """
    model = [file.name for kind in ("*.safetensors", "*.bin", "config.json") for file in output.glob(kind)]
    if model and not any((output / "training" / "checkpoints").glob("step-*")):
        raise GptreproError(
            f"{output} holds another model ({model[0]}), which training would overwrite: choose another "
            "--output, or move that one away."
        )


def _default_tokenizer(model: str) -> str:
    if model not in PUBLISHED:
        return "train-gpt2"
    return "gpt1" if PUBLISHED[model].paper == "gpt1" else "gpt2"


def _as_metrics(found: Perplexity) -> dict[str, float]:
    return {"heldout_nll": found.nll_per_token, "heldout_perplexity": found.perplexity_per_token}


@dataclass(frozen=True)
class Opened:
    """A checkpoint folder, opened."""

    model: Decoder
    tokenizer: Tokenizer


def open_checkpoint(folder: Path) -> Opened:
    """Model and tokenizer of a folder that we wrote, or of any ``transformers`` GPT-1 or GPT-2 folder.

    Raises:
        GptreproError: there is none, it is damaged, or it is of another architecture.
    """
    model = load_checkpoint(folder)
    return Opened(model, load_tokenizer(folder))


def perplexity_of(
    checkpoint: Path, text: str, *, split: str = "heldout", stride: int | None = None
) -> dict[str, Any]:
    """Perplexity of a text under a checkpoint, per token, word and byte.

    Raises:
        GptreproError: the checkpoint or the text cannot be opened.
    """
    opened = open_checkpoint(checkpoint)
    source = open_text(text, split)
    shards: TokenShards = write_shards(source, opened.tokenizer, storage.home() / SHARDS)
    found = evaluate_perplexity(opened.model, shards, opened.model.config.n_ctx, stride=stride)
    return {
        "text": text,
        "tokens": found.tokens,
        "nll_per_token": found.nll_per_token,
        "perplexity_per_token": found.perplexity_per_token,
        "perplexity_per_word": found.perplexity_per_word,
        "perplexity_per_byte": found.perplexity_per_byte,
        "bits_per_byte": found.bits_per_byte,
        "context": opened.model.config.n_ctx,
        "stride": stride,
    }


def completions_of(checkpoint: Path, jsonl: Path) -> dict[str, Any]:
    """Score the rows ``{"context", "completion"}`` of a JSON lines file, one by one and together.

    A context that is too long loses its beginning; each row says how many tokens it lost.

    Raises:
        GptreproError: the checkpoint cannot be opened, or a row is not of that form.
    """
    opened = open_checkpoint(checkpoint)
    items = read_completions(jsonl)
    reader = Reader(opened.model, opened.tokenizer, opened.model.config.n_ctx, overflow="left")
    rows = [score.texts[0] for score in reader.score(items)]
    total = sum(row.log_likelihood for row in rows)
    return {
        "rows": len(rows),
        "exact_match": sum(row.exact_match for row in rows) / len(rows),
        "mean_log_likelihood": total / len(rows),
        "log_likelihood_per_token": total / sum(row.n_tokens for row in rows),
        "scores": [row._asdict() for row in rows],
    }


class Completion(BaseModel):
    """A row of a file of completions; it may hold more."""

    context: str
    completion: str


def read_completions(path: Path) -> list[Item]:
    """The rows of a JSON lines file, each with the texts ``context`` and ``completion``.

    Raises:
        GptreproError: the file is missing or empty, or a line is not such a row; it names the line.
    """
    form = 'row {"context": "...", "completion": "..."}'
    otherwise = "give it one such JSON object a line, in UTF-8"
    rows = storage.read_json_lines(path, Completion, "file of completions", form, otherwise)
    if not rows:
        raise GptreproError(f"{path} has no rows: give it one JSON object a line.")
    return [Item((row.context,), (row.completion,)) for row in rows]


def continue_prompt(
    checkpoint: Path,
    prompt: str,
    *,
    tokens: int,
    temperature: float = 0.0,
    top_k: int | None = None,
    top_p: float | None = None,
    stop: Sequence[str] = (),
    seed: int = 0,
) -> str:
    """What the model of a checkpoint writes after ``prompt``.

    Raises:
        GptreproError: the checkpoint cannot be opened, or the prompt and settings do not fit it.
    """
    opened = open_checkpoint(checkpoint)
    ids = opened.tokenizer.encode(prompt)
    end = opened.tokenizer.end_of_text
    if not ids and end is None:
        raise GptreproError("The prompt is empty, and this tokenizer has no token that starts a text.")
    endings = [opened.tokenizer.encode(text) for text in stop] + ([[end]] if end is not None else [])
    (written,) = generate(
        opened.model,
        [ids or [end or 0]],
        tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        stop=endings,
        generator=torch.Generator().manual_seed(seed),
    )
    return opened.tokenizer.decode(written)
