"""Convert published records of layout 1, whose metrics had names, to layout 2, whose rows have coordinates.

    python -m tools.convert_records FILE...

Runs, commits, dates and settings stay; the settings are written in the form that trainings have now.
Averages, margins and choices that layout 1 stored are left out: rules and pages compute them. The number
format was always ``auto``: bf16 on a GPU; on a processor nobody knows which, so it stays "not recorded".
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gptrepro import storage
from gptrepro.errors import GptreproError
from gptrepro.experiments import find_experiment
from gptrepro.experiments.base import Row, row
from gptrepro.results.record import NOT_RECORDED, DataUsed, Record, as_text, digest_of
from gptrepro.scales import Scale
from gptrepro.tasks.gpt1 import find_task

LETTERS = {"1_5": 4.5, "6_7": 6.5, "8_9": 8.5, "10_11": 10.5, "12_up": 13}
"""Where the rules of layout 1 placed the lengths that were scored together."""

CHANCE = {
    "acceptability": ("auc", 0.5),
    "sentiment": ("auc", 0.5),
    "questions": ("accuracy", 0.2),
    "referents": ("accuracy", 0.5),
    "word_order": ("auc", 0.5),
    "continuation": ("accuracy", 0.5),
}
"""The score that stood for each heuristic of GPT-1's zero-shot behaviour, and that of guessing."""


def fraction_of(numerator: str, denominator: str) -> float:
    """A fraction of the training, as it stood in a name."""
    return int(numerator) / int(denominator)


def positions(name: str, value: float) -> Row | None:
    """``nll_beyond_learned``, ``nll_learned_from_8``."""
    if found := re.fullmatch(r"nll_(trained|end|beyond)_(\w+)", name):
        return row(value, "nll", arm=found[2], span=found[1])
    found = re.fullmatch(r"nll_(\w+)_from_(\d+)", name)
    assert found
    return row(value, "nll", arm=found[1], position=int(found[2]))


def seq2seq(name: str, value: float) -> Row | None:
    """``fixed_per_1_5``, ``words_12_up``, ``attention_dev_nll``, ``forward_steps_shuffled``."""
    if name.startswith("bottleneck"):
        return None
    if name.startswith("forward_steps"):
        return row(value, "forward_steps", order="shuffled" if name.endswith("shuffled") else "written")
    of_length: dict[str, Any] = {}
    if found := re.fullmatch(rf"(\w+?)_({'|'.join(LETTERS)})", name):
        name, of_length = found[1], {"letters": LETTERS[found[2]]}
    if name == "words":
        return row(value, "words", **of_length)
    arm, score = name.split("_", 1)
    score = {"per": "phoneme_error", "wer": "word_error"}.get(score, score)
    return row(value, score, arm=arm, **of_length)


def pretraining(arm: str) -> Callable[[str, float], Row | None]:
    """``heldout_nll_at_1_8``, ``heldout_perplexity``, ``epochs``."""

    def convert(name: str, value: float) -> Row | None:
        if found := re.fullmatch(r"heldout_nll_at_(\d+)_(\d+)", name):
            return row(value, "heldout_nll", arm=arm, fraction=fraction_of(*found.groups()))
        if name == "epochs":
            return row(value, name, arm=arm)
        return row(value, name, arm=arm, fraction=1.0)

    return convert


def learning_rate(arm: str) -> Callable[[str, float], Row | None]:
    """``heldout_nll_at_0.001``; the best rate and whether it lies at the edge follow from the others."""

    def convert(name: str, value: float) -> Row | None:
        if name.startswith("best_"):
            return None
        if found := re.fullmatch(r"heldout_nll_at_([\d.e-]+)", name):
            return row(value, "heldout_nll", arm=arm, rate=float(found[1]))
        return row(value, name, arm=arm)

    return convert


def fine_tuning_settings(name: str, value: float) -> Row | None:
    """``dev_full_at_0.001_for_150``; what is best follows from these."""
    found = re.fullmatch(r"dev_(\w+)_at_([\d.e-]+)_for_(\d+)", name)
    if not found:
        return None
    return row(value, "dev_mean", arm=found[1], rate=float(found[2]), updates=int(found[3]))


def labelled(config: Mapping[str, Any]) -> Callable[[str, float], Row | None]:
    """``sick_full_at_100``, ``sick_majority``; averages and gains follow from these."""

    def convert(name: str, value: float) -> Row | None:
        if name.startswith(("average_", "gain_")):
            return None
        task = next(each for each in config["tasks"] if name.startswith(f"{each}_"))
        score = find_task(task).metrics[0]
        arm, _, rows = name.removeprefix(f"{task}_").partition("_at_")
        n_rows = int(rows) if rows else config["tasks"][task][-1]  # baselines read all rows
        layers = config["arms"].get(arm, {}).get("layers")
        carried = {} if layers is None else {"layers": layers}
        return row(value, score, task=task, arm=arm, rows=n_rows, **carried)

    return convert


def zero_shot(name: str, value: float) -> Row | None:
    """``accuracy_corrected_questions_decoder_at_1_8``; skill and roughness follow from the others."""
    if name.startswith(("skill_", "roughness_")):
        return None
    found = re.fullmatch(r"(\w+)_(decoder|lstm)_at_(\d+)_(\d+)", name)
    assert found
    at: dict[str, Any] = {"arm": found[2], "fraction": fraction_of(found[3], found[4])}
    if found[1] in ("log_p_last_word", "accuracy_last_word"):
        score = "log_likelihood" if found[1].startswith("log") else "accuracy"
        return row(value, score, task="last_word", **at)
    task = next(each for each in CHANCE if found[1].endswith(f"_{each}"))
    return row(value, found[1].removesuffix(f"_{task}"), task=task, **at)


def relative(rows: list[Row]) -> Iterator[Row]:
    """How far each heuristic is on the way from guessing to no mistake."""
    for each in rows:
        score, chance = CHANCE.get(str(each.get("task")), ("", 0.0))
        if each["score"] == score:
            value = (float(each["value"]) - chance) / (1 - chance)
            yield each | {"value": round(value, 5), "score": "relative"}


def rows_of(experiment: str, config: Mapping[str, Any], metrics: Mapping[str, float]) -> list[Row]:
    """The rows that the metrics of a run amount to.

    Raises:
        GptreproError: the experiment never had a record of layout 1.
    """
    arm = "lstm" if "lstm" in experiment else "decoder"
    converters: dict[str, Callable[[str, float], Row | None]] = {
        "background-positions": positions,
        "background-seq2seq": seq2seq,
    }
    kinds: dict[str, Callable[[str, float], Row | None]] = {
        "-pretraining": pretraining(arm),
        "-learning-rate": learning_rate(arm),
        "-fine-tuning-settings": fine_tuning_settings,
        "-zero-shot": zero_shot,
    }
    convert = converters.get(experiment) or next(
        (each for ending, each in kinds.items() if experiment.endswith(ending)), None
    )
    if convert is None and "tasks" in config:
        convert = labelled(config)
    if convert is None:
        raise GptreproError(f"There is no way to convert a record of {experiment}.")
    rows = [each for name, value in metrics.items() if (each := convert(name, value)) is not None]
    return [*rows, *relative(rows)] if convert is zero_shot else rows


def training(
    old: Mapping[str, Any], tokenizer: str, network: Mapping[str, Any], **changes: Any
) -> dict[str, Any]:
    """The settings of a training on text, whose network had its fields among them."""
    shared = ("corpus", "corpus_tokens", "tokenizer_documents", "n_vocab", "n_ctx", "tokens", "batch_size")
    shared += ("warmup_updates", "weight_decay", "heldout_tokens", "peak_learning_rate")
    kept = {name: old[name] for name in shared if name in old}
    return kept | {"network": network, "tokenizer": tokenizer} | changes


def decoder(old: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The decoder of a training."""
    size = {name: old[name] for name in ("n_layers", "d_model", "n_heads", "init_std")}
    return {"kind": "decoder"} | size | {"dropout": old.get("dropout", 0.0)} | changes


def gpt1_training(old: Mapping[str, Any], *, milestones: bool = True, **changes: Any) -> dict[str, Any]:
    """The pre-training of a GPT-1 decoder, or of the LSTM beside it, whose settings had ``units``."""
    network = decoder(old)
    if "units" in old:
        network = {"kind": "lstm", "beside": network, "units": old["units"]}
    fractions = [f"1/{2**k}" for k in range(6, 0, -1)] + ["1"]
    return training(old, "gpt1", network, milestones=fractions if milestones else [], **changes)


def positions_arms(old: Mapping[str, Any]) -> dict[str, Any]:
    """Decoders of GPT-2's arrangement, with rows for twice the trained length."""
    pre = {"norm": "pre", "residual_init": "scaled", "n_positions": 2 * old["n_ctx"]}
    return {
        "arms": {
            arm: training(old, "gpt2", decoder(old, positions=arm, **pre), peak_learning_rate=rate)
            for arm, rate in old["peak_learning_rates"].items()
        }
    }


def settings_of(experiment: str, old: Mapping[str, Any], **stated: Any) -> dict[str, Any]:
    """The settings of a record in today's form; its trainings also say what is ``stated``."""
    if experiment == "background-positions":
        return positions_arms(old)
    if "pretraining" in old:
        return dict(old) | {"pretraining": gpt1_training(old["pretraining"], **stated)}
    if "training" in old:
        return dict(old) | {"training": gpt1_training(old["training"], milestones=False, **stated)}
    return gpt1_training(old, **stated) if experiment.endswith("-pretraining") else dict(old)


def converted(old: Mapping[str, Any]) -> Record:
    """A record of layout 1 in layout 2.

    Raises:
        GptreproError: it is of another layout, or of an experiment that never had layout 1.
    """
    if old.get("layout") != 1:
        raise GptreproError(f"Only records of layout 1 are converted, not of {old.get('layout')}.")
    name, scale = old["experiment"], Scale(old["scale"])
    kind = type(find_experiment(name).config(scale))
    on_gpu = all(run["hardware"]["accelerator"] for run in old["runs"])
    stated = {"precision": "bf16"} if on_gpu else {}
    config = kind.model_validate(settings_of(name, old["config"], **stated))
    data = [DataUsed.model_validate(each) for each in old["data"]]
    runs = [
        {name: value for name, value in run.items() if name not in ("metrics", "commit")}
        | {
            "rows": rows_of(old["experiment"], old["config"], run["metrics"]),
            "precision": stated.get("precision", NOT_RECORDED),
            "commits": [run["commit"]],
        }
        for run in old["runs"]
    ]
    fields = {
        "layout": 2,
        "replicated_over": "seed",
        "config": config.model_dump(mode="json"),
        "digest": digest_of(name, old["version"], config.without_defaults(), data, old["tokenizer"]),
        "runs": runs,
    }
    return Record.sealed(**dict(old) | fields)


def main(paths: list[str]) -> None:
    """Convert the records in place."""
    for path in map(Path, paths):
        record = converted(json.loads(path.read_text(encoding="utf-8")))
        storage.write_text(path, as_text(record))
        print(f"{path}: {sum(len(run.rows) for run in record.runs)} rows")


if __name__ == "__main__":
    main(sys.argv[1:])
