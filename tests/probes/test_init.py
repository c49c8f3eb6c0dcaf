"""What was built is built anew once it is forgotten."""

from __future__ import annotations

from gptrepro.probes import built, forget


def test_forgetting_builds_anew():
    before = built.reduced("gpt1"), built.one_block("gpt1")
    assert (built.reduced("gpt1"), built.one_block("gpt1")) == before
    forget()
    after = built.reduced("gpt1"), built.one_block("gpt1")
    assert after[0] is not before[0] and after[1] is not before[1]
