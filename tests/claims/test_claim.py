"""Claims are complete and unambiguous; mistakes in their files get one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from gptrepro import storage
from gptrepro.claims import load_claims
from gptrepro.claims.claim import read_table
from gptrepro.errors import GptreproError
from gptrepro.experiments import EXPERIMENTS

CITED = "where: x, statement: y, kind: result, no_rule: cited, because: z"


def test_chapters_named_by_claims_exist():
    notebooks = storage.project_root() / "notebooks"
    for claim in load_claims():
        assert claim.chapter is None or (notebooks / f"{claim.chapter}.ipynb").exists(), (
            f"{claim.id} names the chapter {claim.chapter}: correct the name or write that notebook"
        )


def test_a_claim_that_an_experiment_judges_names_its_chapter():
    for claim in load_claims():
        tried = claim.rule is not None and "experiment" in claim.rule.arguments
        assert claim.chapter or not tried, (
            f"{claim.id} is judged by an experiment and has no chapter: name the notebook that discusses it"
        )


def test_experiments_named_by_rules_exist():
    for claim in load_claims():
        for role in ("experiment", "rival"):
            name = claim.rule.arguments.get(role) if claim.rule else None
            assert name is None or name in EXPERIMENTS, (
                f"the rule of {claim.id} names the experiment {name}, which is not registered: correct it"
            )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- {id: a, where: x, statement: y, kind: result}", "one of rule, no_rule .* and mirror_of"),
        ("- {id: a, where: x, statement: y, kind: result, no_rule: cited}", "says why"),
        ("- {id: a, where: x, statement: y, kind: gossip, no_rule: cited, because: z}", "kind"),
        ("- {id: a, where: x, kind: result, no_rule: cited, because: z}", "it lacks statement, fill it in"),
        ("- {id: a, where: '', statement: y, kind: result, no_rule: cited, because: z}", "it lacks where"),
        ("- {id: a, where: [", "not valid YAML"),
        (f"- {{id: A B, {CITED}}}", "claim A B: id"),
        (f"- {{id: a, table: absent, {CITED}}}", "no table .*absent"),
        (f"- {{id: a, table: t, published: 1, {CITED}}}", "either a published value or a table"),
    ],
)
def test_a_damaged_file_is_named_with_its_claim(tmp_path: Path, text, sentence):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "t.csv").write_text("id,score\nx,1\n")
    (tmp_path / "gpt9.yml").write_text(text)
    with pytest.raises(GptreproError, match=sentence):
        load_claims(tmp_path)


TRIED = "where: x, statement: y, kind: result, chapter: c, rule: {name: arm_beats, over: {arm: b}, "


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("[{id: a, where: x, statement: y, kind: result, mirror_of: b}]", "names b, which is no claim"),
        (f"[{{id: a, primary: true, {CITED}}}]", "a primary claim has a rule that an experiment answers"),
        (
            str([f"{{id: {name}, primary: true, {TRIED}experiment: gpt1-pretraining}}}}" for name in "abc"]),
            "Chapter c has 3 primary claims: choose 2 at most",
        ),
        (
            f"[{{id: a, {CITED.replace('cited', 'refuted')}}}]",
            "reading settles claims of popular and contradictions",
        ),
    ],
    ids=["mirror of nothing", "primary without a test", "all primary", "reading a paper"],
)
def test_claims_that_do_not_go_together_are_refused(tmp_path: Path, rows, sentence):
    (tmp_path / "gpt9.yml").write_text(rows.replace("'", ""))
    with pytest.raises(GptreproError, match=sentence):
        load_claims(tmp_path)


def test_two_claims_of_one_name_are_refused(tmp_path: Path):
    (tmp_path / "gpt8.yml").write_text(f"- {{id: a, {CITED}}}\n")
    (tmp_path / "gpt9.yml").write_text(f"- {{id: a, {CITED}}}\n")
    with pytest.raises(GptreproError, match="Two claims are called a"):
        load_claims(tmp_path)


def test_a_claim_is_found_under_all_its_names(tmp_path: Path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "t.csv").write_text("id,score\nrow-1,1\nrow-1,2\nrow-2,3\n")
    (tmp_path / "gpt9.yml").write_text(f"- {{id: a, table: t, covers: [b], {CITED}}}")
    (claim,) = load_claims(tmp_path)
    assert claim.facts == {"a", "b", "row-1", "row-2"}
    assert [row["score"] for row in claim.figures] == [1, 2, 3]


def test_cells_are_numbers_text_or_nothing(tmp_path: Path):
    (tmp_path / "t.csv").write_text("a,b,c,d\n1,2.5,x,\n")
    assert read_table(tmp_path / "t.csv") == ({"a": 1, "b": 2.5, "c": "x", "d": None},)


def test_a_ragged_table_is_named_with_its_line(tmp_path: Path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n1\n")
    with pytest.raises(GptreproError, match="line 3: 1 cells under 2 headings"):
        read_table(tmp_path / "t.csv")
