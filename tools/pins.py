"""The pins of constraints.txt: ``python tools/pins.py`` checks them, with ``--write`` it renews them.

Renewing writes down what is installed here of everything that pyproject.toml asks for, directly or not.
Checking lets pip resolve the book and test extras under the pins for every supported Python and system,
from wheels alone, without installing anything.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints.txt"

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
SYSTEMS = {
    "Linux x86_64": (
        [*(f"manylinux_2_{minor}_x86_64" for minor in range(28, 16, -1)), "manylinux2014_x86_64"],
        {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
    ),
    "macOS arm64": (
        ["macosx_14_0_arm64"],
        {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
    ),
}
"""By name: the tags of wheels that run there, and what markers such as ``sys_platform`` say there."""

# pip chooses wheels for another system but evaluates markers for this one, so that it would want CUDA's
# libraries on a Mac: give it the other system's answers.
PIP = """
import json, runpy, sys
from pip._vendor.packaging import markers
there = markers.default_environment() | json.loads(sys.argv.pop(1))
markers.default_environment = lambda: there
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""

UNPINNED = ("harness", "tensorboard", "trackio", "wandb")
"""Extras that open the engine to tools of others: no figure and no page depends on them."""

HEADER = """\
# One version of every package below pyproject.toml's extras book, test and bench, on any system.
# Renew with `python tools/pins.py --write` in an environment that passes the tests; check with `make pins`.
"""


def wanted() -> list[Requirement]:
    """Every requirement of pyproject.toml, all extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [lines for name, lines in project["optional-dependencies"].items() if name not in UNPINNED]
    lines = [*project["dependencies"], *(line for group in extras for line in group)]
    found = [Requirement(line) for line in lines]
    return [requirement for requirement in found if requirement.name != project["name"]]  # extras of extras


def installed_versions() -> dict[str, str]:
    """The installed version of everything below `wanted`, without local parts such as ``+cpu``."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    queue = [(requirement, "") for requirement in wanted()]
    while queue:
        requirement, extra = queue.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        found[name] = Version(metadata.version(name)).public
        for wanted_extra in ("", *requirement.extras):
            if (name, wanted_extra) not in seen:
                seen.add((name, wanted_extra))
                queue += [(Requirement(line), wanted_extra) for line in metadata.requires(name) or []]
    return found


def write() -> None:
    """Write constraints.txt from what is installed."""
    lines = [f"{name}=={version}\n" for name, version in sorted(installed_versions().items())]
    CONSTRAINTS.write_text(HEADER + "".join(lines), encoding="utf-8")
    print(f"{CONSTRAINTS.name}: {len(lines)} pins")


def resolves(python: str, platforms: list[str], markers: dict[str, str]) -> str | None:
    """None when the pins resolve there, otherwise what pip says."""
    there = markers | {"python_version": python, "python_full_version": f"{python}.0"}
    command = [sys.executable, "-c", PIP, json.dumps(there), "install", "--dry-run", "--ignore-installed"]
    command += ["--quiet", "--only-binary=:all:", "--python-version", python, "--implementation", "cp"]
    command += ["--target", "nowhere"]  # older versions of pip ask for one even where nothing is installed
    command += [part for platform in platforms for part in ("--platform", platform)]
    command += ["--constraint", str(CONSTRAINTS), *(str(requirement) for requirement in wanted())]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in finished.stderr.splitlines() if not line.startswith("WARNING")]
    return None if finished.returncode == 0 else "\n".join(lines)


def check() -> int:
    """Resolve everywhere, say where it worked, and return the number of places where it did not."""
    failures = 0
    for python in PYTHONS:
        for system, (platforms, markers) in SYSTEMS.items():
            problem = resolves(python, platforms, markers)
            failures += problem is not None
            print(f"Python {python}, {system}: {'resolves' if problem is None else problem}", flush=True)
    return failures


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
    else:
        sys.exit(check())
