"""Writes the model that a page runs, ``book/_static/model.js``: ``python -m tools.page_model`` [PLACE].

It is the decoder of the learning curves after all its tokens, of the first report seed, whose milestones and
samples the page tells from the record. The seed must have finished here: first run
`gptrepro run background-learning-curves --seed 100`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gptrepro import storage
from gptrepro.checkpoints.browser import write_for_page
from gptrepro.experiments.background.learning_curves import LEARNING_CURVES
from gptrepro.experiments.base import FIRST_REPORT_SEED
from gptrepro.model import Decoder
from gptrepro.results.store import SeedRun
from gptrepro.scales import Scale
from gptrepro.tokenizer.byte_level import ByteLevelTokenizer

PLACE = storage.project_root() / "book" / "_static" / "model.js"


def main(place: Path = PLACE) -> None:
    """Write it."""
    arm = LEARNING_CURVES.config(Scale.LAPTOP).arms["gpt"]
    run = SeedRun(LEARNING_CURVES, Scale.LAPTOP, FIRST_REPORT_SEED)
    model = arm.pretrained(run.folder / "gpt", device="cpu")
    tokenizer = arm.load_tokenizer(storage.home() / "prepared")
    assert isinstance(model, Decoder) and isinstance(tokenizer, ByteLevelTokenizer)
    write_for_page(place, model, tokenizer)
    print(f"{place}: {place.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
