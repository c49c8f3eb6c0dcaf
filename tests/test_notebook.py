"""What notebooks show is stable HTML and the library's own source."""

from __future__ import annotations

import pandas as pd
import pytest

from gptrepro.model import Decoder
from gptrepro.notebook import mean_in_words, show_source, show_table


def test_a_table_is_the_same_every_time_and_escapes():
    table = pd.DataFrame({"claim": ["a < b"], "n": [3]})
    html = show_table(table, caption="Claims").data
    assert html == show_table(table, caption="Claims").data
    assert "a &lt; b" in html and "<caption>Claims</caption>" in html and 'aria-label="Claims"' in html
    assert "caption" not in show_table(table).data


def test_source_is_the_librarys_with_short_docstrings_and_may_be_a_part():
    source = show_source(Decoder).data
    assert source.startswith("class Decoder(nn.Module):")
    assert "Weights are drawn" not in source and "initialise(self, config)" in source
    compile(source, "shown", "exec")
    part = show_source(Decoder.hidden, first="x: Tensor =", last="x = block(x, keep)").data
    assert part.splitlines()[1:] == ["for block in self.h:", "    x = block(x, keep)"]
    with pytest.raises(ValueError, match="stands in"):
        show_source(Decoder.hidden, first="x")


def test_a_mean_has_its_interval_unless_it_is_a_single_value():
    assert mean_in_words([1.0, 2.0, 3.0], digits=2) == "2.00 (-0.48 to 4.48)"
    assert mean_in_words([1.25], digits=2) == "1.25"
