"""Judged claims for tests of what pages show: a built one, a tested one with all its numbers, a denied one, a
text."""

from __future__ import annotations

from gptrepro.claims import Claim, JudgedClaim, Judgement, Verdict
from gptrepro.claims.verdict import AtScale


def judged(paper: str, verdict: Verdict, statement: str = "It holds.", **found: object) -> JudgedClaim:
    claim = Claim(
        id=f"{paper}-{str(verdict).replace(' ', '-')}",
        paper=paper,
        where="§1",
        statement=statement,
        kind="result",
        no_rule="cited",
        because="z",
    )
    return JudgedClaim(claim, Judgement(verdict, "Because.", **found))


ROWS = [
    judged("gpt1", Verdict.AGREES),
    judged(
        "gpt1",
        Verdict.TREND,
        "<b>Bold</b> & true",
        measured=2.1,
        compared={"ours": 2.1, "theirs": 1.5},
        unit="nats",
        effect="margin",
        size=0.6,
        interval=(0.5, 0.75),
        n=3,
        seeds=[100, 101, 102],
        mde=0.1,
        level=0.0125,
        p_value=0.0123,
        scale="laptop",
        experiment="gpt1-pretraining",
        precision="bf16",
        beside=(AtScale("gpu", 2, 0.9, None), AtScale("smoke", 3, 0.05, (0.01, 0.09))),
    ),
    judged("gpt2", Verdict.NOT_REPLICATED, stale="older version", experiment="gpt1-pretraining"),
    judged("popular", Verdict.REFUTED),
]
