"""Claims and plans, as the command line prints them."""

from __future__ import annotations

import json

import pytest

from gptrepro.claims import load_claims


def test_claims_are_objects_with_every_field(gptrepro):
    status, out, _ = gptrepro("claims", "--json", "--paper", "background")
    rows = json.loads(out)
    assert status == 0 and rows
    expected = (
        "id paper where statement published unit kind verdict measured interval n seeds scale experiment mde "
        "reason stale"
    )
    assert set(expected.split()) <= set(rows[0])


def test_one_claim_is_told_with_what_its_verdict_rests_on(gptrepro):
    _, out, _ = gptrepro("claim", "background-seq2seq-attention-wins")
    assert "\nverdict: trend replicated (rests on: experiment)\n" in out
    assert "\nrecord: background-seq2seq at laptop, " in out
    _, as_json, _ = gptrepro("claim", "background-seq2seq-attention-wins", "--json")
    assert json.loads(as_json)["records"][0]["experiment"] == "background-seq2seq"
    status, _, err = gptrepro("claim", "background-seq2seq-attention-win")
    assert status == 1 and "did you mean background-seq2seq-attention-wins" in err


def test_judging_afresh_gives_the_stored_rows(gptrepro, monkeypatch):
    _, stored, _ = gptrepro("claims", "--json")
    kept = {row["id"]: row for row in json.loads(stored)}
    known = [claim for claim in load_claims() if claim.id == "background-seq2seq-attention-wins"]
    monkeypatch.setattr("gptrepro.claims.load_claims", lambda: known)
    (row,) = json.loads(gptrepro("claims", "--json", "--recompute")[1])
    assert row == kept[row["id"]]


def test_plan_lays_out_every_scale_without_running(gptrepro):
    status, out, _ = gptrepro("plan", "gpt1-pretraining", "--json")
    rows = {row["scale"]: row for row in json.loads(out)}
    assert status == 0
    assert rows["smoke"]["flops"] < rows["laptop"]["flops"] < rows["gpu"]["flops"]
    assert rows["gpu"]["gpus"] == 1 and rows["laptop"]["gpus"] == 0


def test_every_plan_can_be_read_at_eighty_columns(gptrepro):
    _, out, _ = gptrepro("plan")
    *table, _ = out.splitlines()
    assert max(map(len, table)) <= 80
    assert "gpt1-lstm-fine-tuning-settings" in table


@pytest.mark.parametrize(("finishes", "expected"), [(True, 0), (False, 75)])
def test_a_program_can_tell_a_run_whose_time_is_up_from_a_finished_one(
    gptrepro, monkeypatch, finishes, expected
):
    monkeypatch.setattr("gptrepro.results.run_experiments", lambda *_, **__: finishes)
    status, _, _ = gptrepro("run", "background-positions", "--scale", "smoke", "--minutes", "1")
    assert status == expected
