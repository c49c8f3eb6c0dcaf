"""Faults that the tests must notice: each is planted in a copy of the checkout, and its tests are run.

    python -m tools.mutations          # all, some minutes each
    python -m tools.mutations 3 7      # some, by number

Run it when tests are folded or moved: a fault that goes unnoticed says what was lost.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Mutation:
    """One fault: in ``file`` the text ``right`` becomes ``wrong``; ``tests`` must fail then."""

    file: str
    right: str
    wrong: str
    tests: str

    def plant(self, root: Path) -> None:
        """Put the fault into a checkout.

        Raises:
            ValueError: the right text does not stand there exactly once.
        """
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.right) != 1:
            raise ValueError(f"{self.file} holds {self.right!r} {text.count(self.right)} times, not once")
        path.write_text(text.replace(self.right, self.wrong), encoding="utf-8")


MUTATIONS = (
    Mutation(
        "gptrepro/model/attention.py",
        "(key > query - window)",
        "(key >= query - window)",
        "tests/model/test_attention.py",
    ),
    Mutation(
        "gptrepro/model/decoder.py",
        "x = self.ln_1(x + self.attn(x, keep))",
        "x = x + self.attn(self.ln_1(x), keep)",
        "tests/model tests/probes/test_decoder.py",
    ),
    Mutation(
        "gptrepro/model/decoder.py",
        'partial(F.gelu, approximate="tanh")',
        "F.gelu",
        "tests/model tests/probes/test_decoder.py",
    ),
    Mutation(
        "gptrepro/model/init.py",
        "math.sqrt(2 * config.n_layers)",
        "math.sqrt(config.n_layers)",
        "tests/model/test_init.py tests/probes",
    ),
    Mutation(
        "gptrepro/train/optimizer.py",
        "if p.ndim >= 2}",
        "if p.ndim >= 1}",
        "tests/train/test_optimizer.py tests/probes/test_training.py",
    ),
    Mutation(
        "gptrepro/train/schedule.py",
        "return self.peak * progress / self.warmup",
        "return self.peak",
        "tests/train/test_schedule.py tests/probes/test_training.py",
    ),
    Mutation(
        "gptrepro/train/schedule.py",
        "self.floor + (1.0 - self.floor) * remaining",
        "self.floor + remaining",
        "tests/train/test_schedule.py",
    ),
    Mutation(
        "gptrepro/evaluate/statistics.py",
        "(len(p_values) - rank) * p_values[i]",
        "len(p_values) * p_values[i]",
        "tests/evaluate/test_statistics.py",
    ),
    Mutation(
        "gptrepro/tokenizer/base.py",
        "self._backend.encode_special_tokens = True",
        "self._backend.encode_special_tokens = False",
        "tests/tokenizer/test_byte_level.py",
    ),
    Mutation(
        "gptrepro/storage.py",
        "temporary.replace(path)\n            _fsync",
        "shutil.copy(temporary, path)\n            _fsync",
        "tests/test_storage.py",
    ),
    Mutation(
        "gptrepro/results/store.py",
        "    if measured != config:",
        "    if record.config != config.model_dump(mode='json'):",
        "tests/results/test_store.py",
    ),
    Mutation(
        "gptrepro/results/record.py",
        'self.contents != contents_of(self.model_dump(mode="json"))',
        "False",
        "tests/results/test_store.py",
    ),
    Mutation(
        "gptrepro/results/selection.py",
        'transform("max")',
        'transform("min")',
        "tests/results/test_record.py",
    ),
    Mutation(
        "gptrepro/claims/sides.py",
        "return np.asarray(values @ x / (x @ x))",
        "return np.asarray(values @ x / x.size)",
        "tests/claims/test_sides.py tests/claims/test_trained.py",
    ),
    Mutation(
        "gptrepro/evaluate/likelihood.py",
        "targets[row, start - 1 : len(sequence) - 1] = torch.tensor(sequence[start:])",
        "targets[row, start : len(sequence) - 1] = torch.tensor(sequence[start + 1 :])",
        "tests/evaluate",
    ),
    Mutation(
        "gptrepro/text/order.py",
        "self._start(self._epoch + 1)\n            part",
        "self._start(self._epoch)\n            part",
        "tests/text/test_order.py",
    ),
    Mutation(
        "gptrepro/text/mixture.py",
        "(random_words(self._seed, block, BLOCK)",
        "(random_words(self._seed, 0, BLOCK)",
        "tests/text/test_mixture.py",
    ),
    Mutation(
        "gptrepro/sources/tiers.py",
        "if hashlib.sha256(content).hexdigest() != self.sha256:",
        "if not content:",
        "tests/sources/test_corpora.py tests/sources/test_tiers.py",
    ),
    Mutation(
        "gptrepro/finetune/inputs.py",
        "[(first, second), (second, first)]",
        "[(first, second), (first, second)]",
        "tests/finetune/test_inputs.py tests/probes/test_fine_tuning.py",
    ),
    Mutation(
        "gptrepro/tokenizer/standardise.py",
        "token.text.lower()",
        "token.text",
        "tests/tokenizer/test_standardise.py tests/tokenizer/test_gpt1.py",
    ),
    Mutation("data/claims/gpt2.yml", "{f1: 55,", "{f1: 65,", "tests/claims/test_values.py"),
    Mutation("data/claims/kaplan.yml", "alpha_D: 0.095", "alpha_D: 0.059", "tests/claims/test_values.py"),
    Mutation(
        "data/claims/gpt3.yml", "one: 34.3, few: 36.5", "one: 34.3, few: 35.6", "tests/claims/test_values.py"
    ),
    Mutation(
        "data/claims/tables/gpt3-h1.csv",
        "few,33.5,43.1,51.3",
        "few,33.5,41.3,51.3",
        "tests/claims/test_values.py",
    ),
    Mutation(
        "data/claims/gpt3.yml",
        "2D+: 6, 2D-: 6",
        "2D+: 6, 2D-: 9",
        "tests/claims/test_values.py",
    ),
)


def noticed(mutation: Mutation) -> bool:
    """Whether the tests of a fault fail once it is planted in a copy of the checkout."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "checkout"
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in listed.stdout.splitlines():
            if (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, copy / name)
        mutation.plant(copy)
        options = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider"]
        run = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *mutation.tests.split()],
            cwd=copy,
            env=os.environ | {"PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
        )
        if run.returncode not in (0, 1):
            raise RuntimeError(f"the tests of {mutation.file} could not run:\n{run.stdout[-2000:]}")
        return run.returncode == 1


def main(numbers: list[int]) -> int:
    """Plant the mutations of these numbers, or all; 1 if one goes unnoticed."""
    lost = 0
    for number in numbers or range(1, len(MUTATIONS) + 1):
        mutation = MUTATIONS[number - 1]
        seen = noticed(mutation)
        lost += not seen
        fault = mutation.right.splitlines()[0].strip()
        print(f"{number:2} {'noticed' if seen else 'NOT NOTICED'}: {mutation.file}: {fault}", flush=True)
    return int(lost > 0)


if __name__ == "__main__":
    sys.exit(main([int(argument) for argument in sys.argv[1:]]))
