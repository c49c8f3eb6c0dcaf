"""Every experiment is complete: registered, laid out at each scale, judged by a claim and shown on a page."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from gptrepro import storage
from gptrepro.claims import load_claims
from gptrepro.experiments import EXPERIMENTS, Experiment
from gptrepro.experiments.base import FIRST_REPORT_SEED, PILOT_SEEDS
from gptrepro.scales import Scale
from gptrepro.sources.catalogue import catalogue

ROOT = storage.project_root()

every_experiment = pytest.mark.parametrize(
    "experiment", EXPERIMENTS.values(), ids=lambda experiment: experiment.name
)


@every_experiment
def test_it_is_laid_out_at_every_scale(experiment: Experiment[Any]) -> None:
    follows_a_paper = experiment.paper != "background" and not experiment.chooses_settings
    wanted = set(Scale) - (set() if follows_a_paper else {Scale.PAPER})
    missing = sorted(wanted - set(experiment.configs))
    assert not missing, f"{experiment.name} has no settings for {', '.join(missing)}: add them to its configs"
    for scale in experiment.configs:
        experiment.budget(experiment.config(scale))


@every_experiment
def test_its_data_can_be_had_without_a_mirror(experiment: Experiment[Any]) -> None:
    for scale in experiment.configs:
        for corpus in experiment.corpora(experiment.config(scale)):
            tiers = catalogue().split(corpus.name, corpus.split).tiers()
            public = re.search(r"\S+/\S+@[0-9a-f]{40}", catalogue().corpus(corpus.name).source or "")
            assert tiers != ("mirror",) or public, (
                f"{experiment.name} reads {corpus.name} ({corpus.split}), that only a mirror has: "
                "add a package, an origin, a release or a hub data set to data/sources, or, where it may not "
                "be passed on, the public repository and commit as its source"
            )


@every_experiment
def test_on_one_card_it_reads_what_is_served_by_default(experiment: Experiment[Any]) -> None:
    if Scale.GPU not in experiment.configs:
        return
    for corpus in experiment.corpora(experiment.config(Scale.GPU)):
        tiers = catalogue().split(corpus.name, corpus.split).tiers()
        assert {"mirror", "package", "release"} & set(tiers), (
            f"{experiment.name} reads {corpus.name} ({corpus.split}) at gpu scale, which only {tiers} serve: "
            "choose data that a mirror, a package or a release has"
        )


@every_experiment
def test_it_reports_report_seeds_and_enough_of_them(experiment: Experiment[Any]) -> None:
    assert set(experiment.seeds) == set(experiment.configs), (
        f"{experiment.name} has seeds and settings at different scales: state the seeds of each scale"
    )
    for scale, seeds in experiment.seeds.items():
        if experiment.chooses_settings:
            assert set(seeds) <= set(PILOT_SEEDS), (
                f"{experiment.name} chooses settings on report seeds at {scale}: take pilot seeds below "
                f"{FIRST_REPORT_SEED}"
            )
            continue
        wanted = 1 if scale is Scale.SMOKE or experiment.replicated_over == "item" else 3
        assert len(seeds) >= wanted, (
            f"{experiment.name} reports {len(seeds)} seeds at {scale}: state at least {wanted} in its seeds"
        )
        assert min(seeds) >= FIRST_REPORT_SEED, (
            f"{experiment.name} reports pilot seeds at {scale}: count report seeds from {FIRST_REPORT_SEED}"
        )


@every_experiment
def test_a_claim_rests_on_it_unless_it_is_a_sweep(experiment: Experiment[Any]) -> None:
    rules = [claim.rule.arguments for claim in load_claims() if claim.rule]
    read = {rule.get(role) for rule in rules for role in ("experiment", "rival")}
    built_on = {name for each in EXPERIMENTS.values() for name in each.builds_on(FIRST_REPORT_SEED)}
    judged = experiment.name in read | built_on
    if experiment.chooses_settings:
        assert not judged, f"a claim rests on {experiment.name}, which ran on pilot seeds: choose another"
        return
    assert judged, (
        f"no claim rests on {experiment.name}, and no experiment builds on it: give a claim in data/claims a "
        f"rule with experiment: {experiment.name}, before the run that it judges"
    )


@every_experiment
def test_a_chapter_reports_it(experiment: Experiment[Any]) -> None:
    code = [
        "".join(cell["source"])
        for path in (ROOT / "notebooks").rglob("*.ipynb")
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
    ]
    assert any(re.search(rf'obtain\(\s*"{experiment.name}"', source) for source in code), (
        f"no chapter reports {experiment.name}: show what obtain() gives for it in a notebook"
    )
