from __future__ import annotations

import subprocess
import sys


def test_without_the_extra_one_sentence_says_what_to_install() -> None:
    code = """
import sys
sys.modules["papermill"] = None  # as if it were not installed
from gptrepro.errors import GptreproError
try:
    import gptrepro.book
except GptreproError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "The book needs papermill" in said
    assert "pip install -e '.[book]'" in said
