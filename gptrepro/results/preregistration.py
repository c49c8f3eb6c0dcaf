"""Registration by machine: a run keeps, from when it begins, the hash of each rule that will judge it.

A rule is stated before the run that it judges. That it still is the same can then be seen by anybody: the
ledger compares the hashes of a record with those of today, and shows a verdict by another rule as amended.
The hash is of what the claim states (the rule with its arguments, whether the claim is primary, the validity
check of the experiment), not of the code of the rules, which the commit of the run gives.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gptrepro import storage
from gptrepro.experiments.base import EXPERIMENTS

SOURCES = ("experiment", "rival")
"""The arguments of a rule that name an experiment whose record it reads."""


def rule_hash(rule: Mapping[str, Any], *, primary: bool = False) -> str:
    """SHA-256 of all that decides a verdict before there are data.

    Args:
        rule: the name of the rule and its arguments, as the claim states them.
        primary: whether the claim is a main one of its chapter, whose test is not corrected.
    """
    names = [rule[role] for role in SOURCES if rule.get(role) in EXPERIMENTS]
    checks = [dataclasses.asdict(check) for name in names if (check := EXPERIMENTS[name].valid_if)]
    return storage.sha256_text(
        storage.canonical_json({"rule": dict(rule), "primary": primary, "valid_if": checks})
    )


def rules_on(experiment: str) -> dict[str, str]:
    """The hash of every rule of the ledger that reads the record of an experiment, by claim.

    Raises:
        GptreproError: a file of claims is damaged: a run that begins now could not say what judges it.
    """
    files = sorted((storage.data_folder() / "claims").glob("*.yml"))
    return {
        claim["id"]: rule_hash(claim["rule"], primary=claim.get("primary", False))
        for path in files
        for claim in _ruled(path, path.stat().st_mtime_ns)
        if experiment in (claim["rule"].get(role) for role in SOURCES)
    }


@functools.cache
def _ruled(path: Path, changed: int) -> list[dict[str, Any]]:
    """The claims of a file that have a rule; ``changed`` says which state of the file."""
    return [claim for claim in storage.read_yaml(path, "file of claims") if claim.get("rule")]
