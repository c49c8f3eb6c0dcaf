"""The command line: what it prints for a person, for a program, and for a mistake."""

from __future__ import annotations

import json

import pytest

from gptrepro import cli


@pytest.fixture
def gptrepro(monkeypatch, capsys, tmp_path):
    """Run the command with some arguments; returns exit status, output and error output."""
    monkeypatch.setenv("GPTREPRO_HOME", str(tmp_path))

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["gptrepro", *arguments])
        try:
            cli.main()
            status = 0
        except SystemExit as exit_:
            status = int(exit_.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def test_models_lists_all_thirteen_with_exact_counts(gptrepro):
    status, out, _ = gptrepro("models", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert status == 0 and len(rows) == 13
    assert rows["gpt1"]["parameters"] == 116_534_784
    assert [rows[f"gpt2-{size}"]["parameters"] for size in ("124m", "355m", "774m", "1558m")] == [
        124_439_808,
        354_823_168,
        774_030_080,
        1_557_611_200,
    ]
    assert rows["gpt3-175b"]["parameters"] == 174_604_259_328
    assert gptrepro("models")[0] == 0


def test_claims_are_objects_with_every_field(gptrepro):
    status, out, _ = gptrepro("claims", "--json", "--paper", "gpt1")
    rows = json.loads(out)
    assert status == 0 and rows
    expected = (
        "id paper where statement published unit kind verdict measured interval n seeds scale experiment mde "
        "reason stale"
    )
    assert set(expected.split()) <= set(rows[0])


def test_plan_lays_out_every_scale_without_running(gptrepro):
    status, out, _ = gptrepro("plan", "gpt1-pretraining", "--json")
    rows = {row["scale"]: row for row in json.loads(out)}
    assert status == 0
    assert rows["smoke"]["flops"] < rows["laptop"]["flops"] < rows["gpu"]["flops"]
    assert rows["gpu"]["gpus"] == 1 and rows["laptop"]["gpus"] == 0


def test_data_list_names_the_embedded_default(gptrepro):
    status, out, _ = gptrepro("data", "list", "--json")
    assert status == 0
    assert "plays" in {row["name"] for row in json.loads(out)}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("run", "gpt1-pretrainin"), "did you mean gpt1-pretraining"),
        (("run", "gpt1", "--scale", "moon"), "no scale 'moon'"),
        (("claims", "--paper", "gpt9"), "no claims of 'gpt9'"),
        (("claims", "--verdict", "maybe"), "no verdict 'maybe'"),
        (("publish", "gpt1-pretraining", "--scale", "smoke"), "cannot be published"),
        (("data", "fetch", "playz"), "plays"),
        (("data", "verify", "nothing-like-it"), "no text called"),
        (("refresh", "gpt9/99"), "gpt9/99"),
    ],
)
def test_a_mistake_is_one_sentence_without_a_traceback(gptrepro, arguments, sentence):
    status, _, err = gptrepro(*arguments)
    assert status == 1
    assert err.startswith("Error: ") and sentence in err
    assert "Traceback" not in err and len(err.strip().splitlines()) == 1
