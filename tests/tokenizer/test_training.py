"""Learning a vocabulary ends on any text, and hears a signal."""

from __future__ import annotations

import random
import signal
import string
import threading
import time
from collections.abc import Callable

import pytest

from gptrepro.tokenizer import Tokenizer, train_byte_level_bpe, train_gpt1_bpe
from gptrepro.tokenizer.training import heard

Train = Callable[[list[str], int], Tokenizer]


def unspaced(n: int) -> str:
    """Letters without a space, some pairs far more often than others."""
    chance = random.Random(1)
    return "".join(chance.choices(string.ascii_lowercase, weights=range(1, 27), k=n))


@pytest.mark.parametrize("train", [train_byte_level_bpe, train_gpt1_bpe])
def test_text_without_spaces_takes_time_in_proportion(train: Train) -> None:
    train([unspaced(1_000)], 400)  # what is loaded late is loaded
    seconds = []
    for n in (20_000, 200_000):
        began = time.process_time()
        tokenizer = train([unspaced(n)], 400)
        seconds.append(time.process_time() - began)
        assert tokenizer.n_vocab == 400
    assert seconds[1] < 40 * (seconds[0] + 0.02)  # in proportion 10, with the square 100


def test_the_cap_changes_nothing_for_words_of_ordinary_length() -> None:
    text = ["the theatre's " + unspaced(255) + " end"] * 3
    assert any(len(token) > 200 for token in train_byte_level_bpe(text, 900).vocab)
    assert any(len(token) > 200 for token in train_gpt1_bpe(text, 900).vocab)


def test_a_signal_is_heard_while_work_goes_on() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    release = threading.Event()
    press = threading.Timer(0.2, lambda: signal.raise_signal(signal.SIGINT))
    press.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            heard(lambda: release.wait(60) and None)
    finally:
        release.set()
        press.join()
        signal.signal(signal.SIGINT, before)


def test_what_the_work_raises_is_raised() -> None:
    def fail() -> None:
        raise ValueError("of the work")

    with pytest.raises(ValueError, match="of the work"):
        heard(fail)
