"""Writing texts after texts, up to a text.

Where a continuation ends is said in letters, and tokens are no letters: a line end may be a token of its own,
half of a token that holds two, or the last of one that begins with a mark. So the tail of what was written is
decoded after every token, and the text is cut where the stop begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gptrepro.errors import GptreproError
from gptrepro.generation.sampling import generate
from gptrepro.model.decoder import Decoder
from gptrepro.tokenizer import TextWriter

_BYTES_OF_A_CHARACTER = 4
"""The most in UTF-8; a token holds one byte or more."""


def write(
    model: Decoder,
    tokenizer: TextWriter,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    *,
    stop: Sequence[str] = (),
    **sampling: Any,
) -> list[str]:
    """What the model writes after each prompt, up to the first of the ``stop`` texts or the end of the text.

    Args:
        model: continues the prompts.
        tokenizer: that of the model; a stop is looked for in the form that it writes.
        prompts: token ids of each prompt, at least one each.
        max_new_tokens: the most tokens to add to each.
        stop: texts that end a continuation and are left out, wherever tokens cut them.
        **sampling: ``temperature``, ``top_k``, ``top_p`` and ``seed`` of `generate`.

    Returns:
        The texts that follow the prompts, with the space that stands between, where there is one.

    Raises:
        GptreproError: a stop is empty, or what `generate` raises.
    """
    if not all(stop):
        raise GptreproError("A text to stop at is empty: give it at least one character.")
    stops = [tokenizer.as_written(text) for text in stop]
    tail = _BYTES_OF_A_CHARACTER * max(map(len, stops), default=0)  # what can hold a stop that ends just now

    def stopped(new: Sequence[int]) -> bool:
        newest = tokenizer.continuation((), new[-tail:])
        return any(text in newest for text in stops)

    end = tokenizer.end_of_text
    written = generate(
        model,
        prompts,
        max_new_tokens,
        stop=[] if end is None else [[end]],
        until=stopped if stops else None,
        **sampling,
    )
    texts = [tokenizer.continuation(before, new) for before, new in zip(prompts, written, strict=True)]
    return [
        text[: min((at for stop in stops if (at := text.find(stop)) >= 0), default=None)] for text in texts
    ]
