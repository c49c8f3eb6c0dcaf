"""Attention in pictures: the bottleneck and the way around it, one query, several heads, the causal mask."""

from __future__ import annotations

from collections.abc import Sequence

from IPython.display import HTML

from gptrepro.diagrams.drawing import SMALL, Drawing, shown


def bottleneck(read: Sequence[str], written: Sequence[str], weights: Sequence[float], step: int) -> HTML:
    """An encoder-decoder with one vector beside one with attention.

    Args:
        read: the symbols of the source.
        written: the symbols of the target.
        weights: attention weights over ``read`` while symbol ``step`` is written.
        step: which symbol.
    """
    source, target = " ".join(read), " ".join(written)
    one, many = _two_rows(read, written), _two_rows(read, written)
    one.box(120, 92, 100, 26, "one vector", kind="norm", lit=True)
    last = _place(len(read) - 1, len(read))
    one.line([(last, 60), (last, 76), (170, 76), (170, 90)], arrow=True)
    for number in range(len(written)):
        one.line([(170, 118), (_place(number, len(written)), 150)], arrow=True)
    for number, weight in enumerate(weights):
        points = [(_place(number, len(read)), 60), (_place(step, len(written)), 150)]
        many.line(points, kind="attention", width=1 + 5 * weight, opacity=0.25 + 0.75 * weight, arrow=True)
    return shown(
        (one, f"The encoder reads {source}; its last state alone goes to every step that writes {target}."),
        (
            many,
            f"To write {written[step]} the decoder takes a weighted mean of the states of all of {source}.",
        ),
        caption=(
            "One vector: all that was read must pass through it. With attention: while "
            f"{written[step]} is written, the states of all positions are mixed, and a thicker line is a "
            "larger weight. Drawn by hand; the weights of a trained model stand below."
        ),
    )


def _place(number: int, total: int) -> float:
    """The middle of one of ``total`` columns."""
    return 340 * (number + 0.5) / total


def _two_rows(read: Sequence[str], written: Sequence[str]) -> Drawing:
    d = Drawing(340, 214)
    d.text(2, 14, "encoder", size=SMALL, anchor="start")
    d.text(2, 208, "decoder", size=SMALL, anchor="start")
    for y, symbols in ((28, read), (152, written)):
        for number, symbol in enumerate(symbols):
            x = _place(number, len(symbols))
            d.box(x - 15, y, 30, 32, symbol, kind="words")
            if number:
                d.line([(_place(number - 1, len(symbols)) + 15, y + 16), (x - 15, y + 16)], arrow=True)
    return d


def one_query(words: Sequence[str], scores: Sequence[float], weights: Sequence[float]) -> HTML:
    """How the last word asks: its query against every key, the softmax, the mixture of the values.

    Args:
        words: the words up to the one that asks.
        scores: query times key of each word, divided by the root of the width.
        weights: the softmax of the scores.
    """
    row = 30
    d = Drawing(340, 64 + row * len(words) + 52)
    for x, title in ((36, "word"), (108, "key"), (172, "score"), (236, "weight"), (306, "value")):
        d.text(x, 46, title, size=SMALL, bold=True)
    d.text(170, 16, f"“{words[-1]}” asks with its query q")
    bottom = 64 + row * len(words)
    for number, (word, score, weight) in enumerate(zip(words, scores, weights, strict=True)):
        y = 54 + row * number
        d.text(36, y + 19, word, bold=number == len(words) - 1)
        d.box(86, y + 2, 44, 24, f"k{number + 1}", kind="norm")
        d.text(172, y + 19, f"{score:.1f}")
        d.area(204, y + 4, 64 * weight, 20, kind="attention", strength=0.45)
        d.text(236, y + 19, f"{weight:.0%}")
        d.box(284, y + 2, 44, 24, f"v{number + 1}", kind="mlp", lit=weight == max(weights))
    d.text(170, bottom + 22, "q · k / √d  →  softmax  →  weighted sum of v", size=SMALL)
    d.text(170, bottom + 42, f"the new state of “{words[-1]}”", bold=True)
    alt = ", ".join(f"{word} {weight:.0%}" for word, weight in zip(words, weights, strict=True))
    return shown(
        (d, f"The word {words[-1]} gives its attention to: {alt}."),
        caption=f"One query. “{words[-1]}” compares its query with every key, its own included; a softmax "
        "turns the scores into weights, and the values are added in these weights.",
    )


def heads(words: Sequence[str], weights: Sequence[Sequence[float]], names: Sequence[str]) -> HTML:
    """What each head's weights of the last word are: one row of words a head, joined by a projection.

    Args:
        words: the words up to the one that asks.
        weights: for each head, the attention weights over the words.
        names: what each head looks for.
    """
    drawings = []
    for number, (name, row) in enumerate(zip(names, weights, strict=True), start=1):
        d = Drawing(310, 34 + 28 * len(words))
        d.text(155, 16, f"head {number}: {name}", bold=True)
        last = 34 + 28 * (len(words) - 1) + 12
        for place, (word, weight) in enumerate(zip(words, row, strict=True)):
            y = 34 + 28 * place + 12
            d.line(
                [(200, last), (112, y)], kind="attention", width=0.8 + 6 * weight, opacity=0.2 + 0.8 * weight
            )
            d.text(104, y + 4, word, anchor="end")
        d.text(208, last + 4, words[-1], anchor="start", bold=True)
        best = words[row.index(max(row))]
        drawings.append((d, f"Head {number}, {name}: {words[-1]} attends most to {best}, by {max(row):.0%}."))
    return shown(
        *drawings,
        caption="The same word asks in two heads with two queries, and gets two answers. They are put "
        "side by side and mixed by one more matrix.",
    )


def causal_mask(words: Sequence[str]) -> HTML:
    """The mask as a staircase: a row a word that asks, a column a word that is seen."""
    cell, left, top = 34, 84, 70
    d = Drawing(left + cell * len(words) + 10, top + cell * len(words) + 8)
    for row, word in enumerate(words):
        d.text(left - 8, top + cell * row + 22, word, anchor="end")
        x = left + cell * row + cell / 2
        d.text(x, top - 8 - 16 * (row % 3), word, size=SMALL)
        for column in range(len(words)):
            seen = column <= row
            d.area(
                left + cell * column + 2,
                top + cell * row + 2,
                cell - 4,
                cell - 4,
                kind="attention" if seen else "plain",
                strength=0.45 if seen else 0.0,
                dashed=not seen,
            )
    return shown(
        (d, f"A staircase of {len(words)} by {len(words)} cells: word number i sees the first i words."),
        caption="The causal mask. Each row is a position that asks, blue are the positions that it may look "
        "at: itself and the past.",
    )
