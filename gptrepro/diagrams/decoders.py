"""The three papers' decoders side by side, read from the bottom to the top."""

from __future__ import annotations

from IPython.display import HTML

from gptrepro.diagrams.drawing import SMALL, Drawing, shown
from gptrepro.published import PUBLISHED

PAPERS = {"gpt1": "gpt1", "gpt2": "gpt2-1558m", "gpt3": "gpt3-175b"}
"""Each paper's largest model."""

TITLES = {"gpt1": "GPT-1, 2018", "gpt2": "GPT-2, 2019", "gpt3": "GPT-3, 2020"}

CHANGED = {
    "gpt1": {"attention", "mlp", "norm", "tokens"},
    "gpt2": {"norm", "final", "tokens"},
    "gpt3": {"attention"},
}
"""What is new in each: in GPT-1 against nothing, in the others against the one before."""

STREAM, BRANCH = 34.0, 76.0
"""Where the residual stream runs, and where the boxes beside it begin."""


def decoders(lit: str) -> HTML:
    """The decoders of GPT-1, GPT-2 and GPT-3; what the paper ``lit`` changed is in colour."""
    return shown(
        *((_decoder(paper, lit == paper), _in_words(paper)) for paper in PAPERS),
        caption=(
            "Three decoders, read upwards. The thick line is the residual stream: (B, T, d) states of B "
            f"texts of T tokens, d numbers each. Lit is what {TITLES[lit].split(',')[0]} "
            + ("is made of." if lit == "gpt1" else "changed.")
        ),
    )


def _in_words(paper: str) -> str:
    config = PUBLISHED[PAPERS[paper]].decoder
    norms = {
        "post": "layer norm on the stream after each addition",
        "pre": "layer norm at the input of each half of a block, and a final one",
    }
    bands = ", every other layer banded" if "banded" in config.attention else ""
    return (
        f"{TITLES[paper]}: {config.n_layers} blocks of width {config.d_model:,} on {config.n_ctx:,} tokens; "
        f"{config.n_heads} heads{bands}; {norms[config.norm]}."
    )


def _decoder(paper: str, lit: bool) -> Drawing:
    config = PUBLISHED[PAPERS[paper]].decoder
    new = CHANGED[paper] if lit else set()
    width, height = 230, 404
    d = Drawing(width, height)
    right = width - BRANCH - 12

    def box(part: str, x: float, y: float, w: float, h: float, text: str, note: str = "") -> None:
        kind = {"final": "norm", "tokens": "words"}.get(part, part) if part in new else "plain"
        d.box(x, y, w, h, text, note=note, kind=kind, lit=part in new)

    d.text(width / 2, 14, TITLES[paper], bold=True)
    d.text(width / 2, 30, f"{config.n_layers} blocks, d = {config.d_model:,}", size=SMALL)
    d.area(4, 98, width - 8, 238, strength=0.0, dashed=True)
    d.text(width - 10, 330, "one block", size=SMALL, anchor="end")
    d.line([(STREAM, 362), (STREAM, 66)], width=4, arrow=True)
    box("output", 4, 38, width - 8, 26, "scores of the next token")
    if config.norm == "pre":
        box("final", 8, 74, 130, 20, "final layer norm")

    for base, part, name in ((312, "attention", "causal attention"), (200, "mlp", "feed-forward")):
        notes = {"attention": f"{config.n_heads} heads", "mlp": "d → 4d → d, GELU"}
        if part == "attention" and "banded" in config.attention:
            name, notes["attention"] = "dense, banded", "in turn; 96 heads"
        if config.norm == "pre":
            d.line([(STREAM, base), (BRANCH + right / 2, base), (BRANCH + right / 2, base - 6)], arrow=True)
            box("norm", BRANCH, base - 26, right, 20, "layer norm")
            box(part, BRANCH, base - 72, right, 40, name, notes[part])
            d.line([(BRANCH, base - 52), (STREAM + 24, base - 52), (STREAM + 9, base - 70)], arrow=True)
            d.plus(STREAM, base - 78)
        else:
            d.line([(STREAM, base), (BRANCH + right / 2, base), (BRANCH + right / 2, base - 6)], arrow=True)
            box(part, BRANCH, base - 46, right, 40, name, notes[part])
            d.line([(BRANCH, base - 30), (STREAM + 24, base - 30), (STREAM + 9, base - 46)], arrow=True)
            d.plus(STREAM, base - 54)
            box("norm", 8, base - 88, 100, 20, "layer norm")
    vocabulary = "characters" if paper == "gpt1" else "bytes"
    box("tokens", 4, 362, width - 8, 38, "token + position", f"{config.n_vocab:,} tokens of {vocabulary}")
    return d
