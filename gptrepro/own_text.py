"""Training, evaluating and generating on anyone's text, with our checkpoints or any GPT folder.

These are the functions behind ``gptrepro train``, ``eval`` and ``generate``. Experiments do not use them:
what is published comes from `gptrepro.experiments` alone.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel

from gptrepro import storage
from gptrepro.checkpoints import find_checkpoint, load_checkpoint, load_trained_context, save_checkpoint
from gptrepro.errors import GptreproError
from gptrepro.evaluate.perplexity import evaluate_perplexity, require_scorable
from gptrepro.evaluate.prompted import Paragraphs, Reader
from gptrepro.generation.writing import write
from gptrepro.model import Decoder
from gptrepro.own_inputs import open_model, open_text, train_and_heldout
from gptrepro.published import PUBLISHED
from gptrepro.tasks.prompted import Item
from gptrepro.text.batches import Batches
from gptrepro.text.shards import TokenShards, write_shards
from gptrepro.tokenizer import TextWriter, Tokenizer, load_tokenizer
from gptrepro.tokenizer.chosen import keep, kept_or_opened
from gptrepro.tokenizer.gpt1 import LINE_END
from gptrepro.train.loggers import open_logger
from gptrepro.train.loop import TrainResult, train
from gptrepro.train.memory import require_memory
from gptrepro.train.precision import choose_device
from gptrepro.train.settings import TrainSettings
from gptrepro.train.state import load_weights
from gptrepro.train.stopping import EarlyStopping, best_weights

SHARDS = "shards"
"""Folder under the home for the tokens of readers' own texts."""


def train_on_text(
    *,
    model: str,
    text: str,
    output: Path,
    tokenizer: str | None,
    settings: TrainSettings,
    heldout: str | None = None,
    heldout_share: float | None = None,
    separator: str | None = None,
    column: str = "text",
    minutes: float | None = None,
    device: str = "auto",
    keep_best: bool = False,
    log_to: str | None = None,
) -> TrainResult:
    """Train a model on a text and write a checkpoint folder that ``transformers`` reads too.

    A second call with the same arguments goes on where the first one stopped. Nothing is written to
    ``output`` before text, tokenizer, model and settings are known to fit together.

    Args:
        model: see `open_model`.
        text: a data set's name, or a text of one's own; see `open_own_text`.
        output: the checkpoint folder; ``output/training`` holds the state that resumes.
        tokenizer: see `open_tokenizer`; by default that of a checkpoint or published model, and a
            byte-level BPE trained on the text for a configuration of one's own.
        settings: steps, batch, schedule and precision.
        heldout: a text to evaluate on at the chosen steps.
        heldout_share: of a text of one's own, what is held out to evaluate on.
        separator: what ends the documents of text files; see `open_own_text`.
        column: of rows; see `open_own_text`.
        minutes: save and stop after so long.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        keep_best: save the weights that were best when evaluated, not the last.
        log_to: ``tensorboard``, ``trackio`` or ``wandb``: where rows are shown as they come.

    Raises:
        GptreproError: the text, model, tokenizer and settings do not fit together.
    """
    config, base = open_model(model)
    if settings.context > config.n_ctx:
        raise GptreproError(f"--context {settings.context} exceeds the model's {config.n_ctx} positions.")
    require_memory(config, math.ceil(settings.batch_size / settings.accumulate) * settings.context)
    _refuse_to_overwrite(output)
    source, heldout_source = train_and_heldout(text, heldout, heldout_share, separator, column)
    if keep_best and heldout_source is None:
        raise GptreproError("To keep the best weights, give --heldout or --heldout-share.")
    kept = output / "training" / "tokenizer"  # so that a second call goes on with the same one
    choice = (tokenizer or str(base or _default_tokenizer(model)), source, config.n_vocab)
    chosen = kept_or_opened(kept, *choice)
    if chosen.n_vocab > config.n_vocab:
        raise GptreproError(
            f"The tokenizer has {chosen.n_vocab} tokens and the model only {config.n_vocab} embeddings: "
            "choose another tokenizer or set n_vocab."
        )
    shards = write_shards(source, chosen, storage.home() / SHARDS)
    batches = Batches(shards, batch_size=settings.batch_size, context=settings.context, seed=settings.seed)
    heldout_shards = write_shards(heldout_source, chosen, storage.home() / SHARDS) if heldout_source else None
    if heldout_shards:
        require_scorable(heldout_shards.n_tokens)
    keep(kept, chosen, *choice)
    torch.manual_seed(settings.seed)
    decoder = load_checkpoint(base) if base else Decoder(config)

    def scores(trained: Decoder) -> dict[str, float]:
        assert heldout_shards is not None
        found = evaluate_perplexity(trained.over_first(chosen.n_vocab), heldout_shards, settings.context)
        return {"heldout_nll": found.nll_per_token, "heldout_perplexity": found.perplexity_per_token}

    name = f"{model} on {text}"
    result = train(
        decoder,
        batches,
        settings,
        output / "training",
        evaluate=scores if heldout_shards else None,
        device=device,
        stopping=EarlyStopping("heldout_nll", lower_is_better=True) if keep_best else None,
        on_row=open_logger(log_to, output, name, dataclasses.asdict(settings)) if log_to else None,
        stop_after_seconds=minutes * 60 if minutes is not None else None,
        name=name,
    )
    if keep_best and (best := best_weights(output / "training")).exists():
        load_weights(decoder, best)
    save_checkpoint(output, decoder.cpu(), chosen, trained_context=settings.context)
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


@dataclass(frozen=True)
class Opened:
    """A checkpoint folder, opened."""

    model: Decoder
    """Over the ids of the tokenizer alone, whatever its table was padded to."""
    tokenizer: Tokenizer
    trained_context: int
    """Tokens of the longest sequence that the model was trained on."""

    @property
    def texts(self) -> TextWriter:
        """The tokenizer for single texts. GPT-1 has no token that starts one: there each begins a line."""
        line_end = self.tokenizer.vocab.get(LINE_END)
        if self.tokenizer.end_of_text is not None or line_end is None:
            return self.tokenizer
        return Paragraphs(self.tokenizer, line_end)

    def context(self, asked: int | None) -> int:
        """Tokens to read at once: as many as the model was trained on, unless others are asked for.

        Raises:
            GptreproError: the model has not so many positions.
        """
        if asked is None:
            return self.trained_context
        if not 1 <= asked <= self.model.config.n_ctx:
            raise GptreproError(
                f"--context {asked} must lie between 1 and the model's {self.model.config.n_ctx} positions."
            )
        return asked


def open_checkpoint(name: Path | str, device: str = "auto") -> Opened:
    """Model and tokenizer of a folder that we wrote, or of a ``transformers`` GPT-1 or GPT-2 folder.

    Args:
        name: the folder, or what else `find_checkpoint` takes.
        device: where the model is put: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        GptreproError: there is none, it is damaged, it is of another architecture, its tokenizer does what
            ours do not, the two do not belong together, or there is no such device.
    """
    place, folder = choose_device(device), find_checkpoint(name)
    model, tokenizer = load_checkpoint(folder), load_tokenizer(folder)
    if tokenizer.n_vocab > model.config.n_vocab:
        raise GptreproError(
            f"The tokenizer in {folder} has {tokenizer.n_vocab:,} tokens and its model only "
            f"{model.config.n_vocab:,} embeddings: restore the files that belong together."
        )
    whole = model.over_first(tokenizer.n_vocab).to(place)
    return Opened(whole, tokenizer, load_trained_context(folder))


def perplexity_of(
    checkpoint: Path,
    text: str,
    *,
    split: str = "heldout",
    stride: int | None = None,
    context: int | None = None,
    separator: str | None = None,
    device: str = "auto",
) -> dict[str, Any]:
    """Perplexity of a text under a checkpoint, per token, word and byte.

    Args:
        checkpoint: the folder.
        text: a data set's name, or a text of one's own; see `open_own_text`.
        split: of a data set.
        stride: tokens by which overlapping windows move on.
        context: tokens of a window; by default as many as the model was trained on.
        separator: what ends the documents of a text file; see `open_text_file`.
        device: see `open_checkpoint`.
        separator: what ends the documents of a text file; see `open_own_text`.

    Raises:
        GptreproError: the checkpoint or the text cannot be opened, or the context exceeds the model's.
    """
    opened = open_checkpoint(checkpoint, device)
    window = opened.context(context)
    source = open_text(text, split, separator)
    shards: TokenShards = write_shards(source, opened.tokenizer, storage.home() / SHARDS)
    found = evaluate_perplexity(opened.model, shards, window, stride=stride)
    return {
        "text": text,
        "tokens": found.tokens,
        "nll_per_token": found.nll_per_token,
        "perplexity_per_token": found.perplexity_per_token,
        "perplexity_per_word": found.perplexity_per_word,
        "perplexity_per_byte": found.perplexity_per_byte,
        "bits_per_byte": found.bits_per_byte,
        "context": window,
        "stride": stride,
    }


def completions_of(
    checkpoint: Path, jsonl: Path, *, context: int | None = None, device: str = "auto"
) -> dict[str, Any]:
    """Score the rows ``{"context", "completion"}`` of a JSON lines file, one by one and together.

    A context that is too long loses its beginning; each row says how many tokens it lost.

    Args:
        checkpoint: the folder.
        jsonl: the rows.
        context: tokens that are read at once; by default as many as the model was trained on.
        device: see `open_checkpoint`.

    Raises:
        GptreproError: the checkpoint cannot be opened, or a row is not of that form.
    """
    opened = open_checkpoint(checkpoint, device)
    items = read_completions(jsonl)
    reader = Reader(opened.model, opened.texts, opened.context(context), overflow="left")
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


def read_prompts(path: Path) -> list[str]:
    """The prompts of a file: each line that is not blank, or the ``prompt`` of each row of a ``.jsonl`` file.

    Raises:
        GptreproError: the file is missing or holds none, or a row has no prompt.
    """
    if path.suffix == ".jsonl":
        form, otherwise = 'row {"prompt": "..."}', "give it one such JSON object a line, in UTF-8"
        rows = storage.read_json_lines(path, Prompt, "file of prompts", form, otherwise)
        prompts = [row.prompt for row in rows]
    else:
        lines = storage.read_text(path, "file of prompts", "give it one prompt a line, in UTF-8").splitlines()
        prompts = [line for line in lines if line.strip()]
    if not prompts:
        raise GptreproError(f"{path} holds no prompts: give it one a line.")
    return prompts


class Prompt(BaseModel):
    """A row of a file of prompts; it may hold more."""

    prompt: str


MOST_TOKENS = 64
"""New tokens unless others are asked for."""


def continue_prompt(checkpoint: Path, prompt: str, **options: Any) -> str:
    """What the model of a checkpoint writes after one prompt; see `continue_prompts`."""
    return continue_prompts(checkpoint, [prompt], **options)[0][0]


def continue_prompts(
    checkpoint: Path,
    prompts: Sequence[str],
    *,
    samples: int = 1,
    tokens: int | None = None,
    context: int | None = None,
    stop: Sequence[str] = (),
    special_tokens: bool = False,
    device: str = "auto",
    **sampling: Any,
) -> list[list[str]]:
    """What the model of a checkpoint writes after each prompt, with the space between if there is one.

    Beyond the context the window slides: the newest half of it is read again, and the oldest is forgotten.

    Args:
        checkpoint: the folder.
        prompts: the texts to continue.
        samples: how often each is continued; each sample is drawn with the next seed.
        tokens: the most to write; 64 by default.
        context: tokens that are read at once; by default as many as the model was trained on.
        stop: texts that end the continuation, and are left out.
        special_tokens: read the names of special tokens in the prompt as these tokens, not as letters.
        device: see `open_checkpoint`.
        **sampling: ``temperature``, ``top_k``, ``top_p`` and ``seed`` of `generate`.

    Raises:
        GptreproError: the checkpoint cannot be opened, or the prompt and settings do not fit it.
    """
    opened = open_checkpoint(checkpoint, device)
    if samples < 1:
        raise GptreproError(f"Samples are 1 or more, not {samples}.")
    options, seed = (samples, tokens, context, stop, special_tokens), sampling.get("seed", 0)
    return [
        _continued(opened, prompt, *options, sampling | {"seed": seed + place * samples})
        for place, prompt in enumerate(prompts)
    ]


def _continued(
    opened: Opened,
    prompt: str,
    samples: int,
    tokens: int | None,
    context: int | None,
    stop: Sequence[str],
    special_tokens: bool,
    sampling: Mapping[str, Any],
) -> list[str]:
    tokenizer, model = opened.tokenizer, opened.model
    before = tokenizer.encode(prompt, allow_special=special_tokens)
    if not before and tokenizer.end_of_text is None:
        raise GptreproError("The prompt is empty, and this tokenizer has no token that starts a text.")
    before = before or [tokenizer.end_of_text or 0]
    rows = [before] * samples
    length = MOST_TOKENS if tokens is None else tokens
    written = write(model, tokenizer, rows, length, stop=stop, context=opened.context(context), **sampling)
    if prompt != prompt.rstrip() and tokenizer.encode(prompt.rstrip()) == before:
        written = [text.removeprefix(" ") for text in written]
    return written
