"""How a language model is used: pre-training and fine-tuning, GPT-1's task forms, prompts with examples."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from IPython.display import HTML

from gptrepro.diagrams.drawing import COLOURS, SMALL, Drawing, shown

ROLES = {"text": "plain", "start": "attention", "delimiter": "words", "extract": "norm"}
"""The colours of tokens."""


def two_stages() -> HTML:
    """Pre-training and fine-tuning: one body, two outputs."""
    first, second = Drawing(300, 236), Drawing(300, 236)
    for d, title, read in (
        (first, "1  pre-training", "a book, token by token"),
        (second, "2  fine-tuning", "start  text  extract"),
    ):
        d.text(150, 16, title, bold=True)
        d.box(30, 192, 240, 34, read, kind="words")
        d.line([(150, 192), (150, 172)], arrow=True)
        d.box(30, 126, 240, 44, "decoder", note="same weights, carried on", kind="attention", lit=True)
    first.line([(150, 126), (150, 96)], arrow=True)
    first.box(30, 58, 240, 36, "token embedding", kind="plain")
    first.text(150, 44, "loss L1: the next token, everywhere", size=SMALL)
    second.line([(90, 126), (90, 96)], arrow=True)
    second.line([(210, 126), (210, 96)], arrow=True)
    second.box(30, 58, 120, 36, "token embedding", kind="plain")
    second.box(158, 58, 112, 36, "new matrix", kind="norm", lit=True)
    second.text(150, 44, "λ · L1, next token   +   L2, the label", size=SMALL)
    return shown(
        (first, "Pre-training: the decoder reads books and predicts every next token."),
        (second, "Fine-tuning: the same decoder reads a labelled text; a new matrix scores the labels."),
        caption="GPT-1 in two stages. The decoder and its weights stay; fine-tuning adds one matrix and the "
        "embeddings of three special tokens.",
    )


def token_boxes(strips: Sequence[tuple[str, Sequence[tuple[str, str]]]], *, caption: str) -> HTML:
    """Sequences as boxes of text, a box a token, which can be selected and wrap on a narrow screen.

    Args:
        strips: a name and the tokens of each sequence, each with its role: ``text``, or a special token.
        caption: below them.
    """
    rows = []
    for name, tokens in strips:
        boxes = " ".join(
            f'<span style="display:inline-block;padding:0 0.35em;margin:0.1em 0;border-radius:3px;'
            f'border:{"2px" if role != "text" else "1px"} solid {COLOURS[ROLES[role]]}">'
            f"{escape(role if role != 'text' else token)}</span>"
            for token, role in tokens
        )
        rows.append(f'<div style="margin-block:0.6em"><strong>{escape(name)}</strong><br>{boxes}</div>')
    return HTML(  # type: ignore[no-untyped-call]
        f'<figure class="diagram" style="margin:0">{"".join(rows)}<figcaption>{escape(caption)}</figcaption>'
        "</figure>"
    )


def prompts(task: str, examples: Sequence[tuple[str, str]], question: str, counts: Sequence[int]) -> HTML:
    """Prompts with several numbers of examples, each as the text that the model is given.

    Args:
        task: the instruction, the first line of each prompt.
        examples: question and answer of each example.
        question: what is to be answered.
        counts: how many examples each prompt has.
    """
    names = {0: "zero-shot", 1: "one-shot"}
    cards = []
    for count in counts:
        lines = [task, *(f"{one} => {other}" for one, other in examples[:count]), f"{question} =>"]
        cards.append(
            '<div style="flex:1 1 210px;padding:0.6em 0.8em;border:1px solid currentColor;border-radius:4px">'
            f"<strong>{names.get(count, 'few-shot')}</strong>, K = {count}"
            f'<br><span style="white-space:pre-line;font-family:monospace">{escape(chr(10).join(lines))}'
            f' <span style="border-bottom:2px solid {COLOURS["norm"]}">&nbsp;&nbsp;&nbsp;&nbsp;</span></span>'
            "</div>"
        )
    return HTML(  # type: ignore[no-untyped-call]
        '<figure class="diagram" style="margin:0"><div style="display:flex;flex-wrap:wrap;gap:0.6rem">'
        f"{''.join(cards)}</div><figcaption>The model reads the text and goes on where the line is. No "
        "weight changes: K examples stand in the context.</figcaption></figure>"
    )
