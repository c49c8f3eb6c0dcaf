"""Passages are whole lines, at equal distances, and none is read twice."""

from __future__ import annotations

from gptrepro.tasks.published_texts import passages


def test_passages_are_whole_lines_from_start_to_end_of_a_text():
    lines = [f"line {number:04d}" for number in range(1000)]
    found = passages(lines, n=5, characters=100)
    taken = [line for passage in found for line in passage.split("\n")]
    assert len(found) == 5
    assert all(100 <= len(passage) + 1 < 120 for passage in found)
    assert len(set(taken)) == len(taken) and set(taken) <= set(lines)
    assert taken[0] == lines[0] and taken[-1] == lines[-1]


def test_a_short_text_is_one_passage():
    assert passages(["", "one", "two", ""], n=8, characters=100) == ["one\ntwo"]
