"""Sides of a rule: which values a selection gives, and that nothing ambiguous passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gptrepro.claims.sides import (
    by_seed,
    differences,
    estimate,
    mean,
    roughness,
    side,
    slope,
    slope_a_doubling,
)
from gptrepro.errors import GptreproError
from gptrepro.results import Record
from tests.claims.records import line, record_of

TASKS = record_of(
    line([1.0, 2.0], task="a", arm="full", rows=100),
    line([2.0, 4.0], task="a", arm="full", rows=200),
    line([3.0, 6.0], task="a", arm="full", rows=400),
    line([5.0, 5.0], task="b", arm="full", rows=100),
    line([7.0, 7.0], task="b", arm="full", rows=200),
    line([9.0, 9.0], task="b", arm="full", rows=400),
    line([8.0, 8.0], task="b", arm="full", rows=800),
    line([4.0, 4.0], "f1", task="c", arm="full", rows=50),
    line([0.0, 1.0], task="a", arm="scratch", rows=100),
    line([0.5, 0.5], "loss", arm="full"),
)


def select(own: dict[str, Any], record: Record = TASKS, **options: Any) -> Any:
    where = options.pop("where", {})
    return side(record, where, own, options.pop("labels", {}), field="arm", **options)


def test_a_member_of_an_average_weighs_the_same_whatever_its_rows():
    found = select({"arm": "full", "rows": "largest"}, mean_over="task")
    assert by_seed(found.reduced(mean)) == [5.0, 6.0]  # of 3, 8, 4 and of 6, 8, 4


def test_a_curve_has_the_points_that_all_members_have_and_no_member_of_one_point():
    found = select({"arm": "full"}, along="rows", mean_over="task")
    assert list(found.members) == ["a", "b"] and found.points == (100, 200, 400)
    assert found.members["a"][:, 0].tolist() == [[1, 2, 3], [2, 4, 6]]


def test_rows_without_the_coordinate_are_no_part_of_a_curve():
    lines = [line([float(n)] * 2, letters=n) for n in (4.5, 6.5, 8.5)]
    found = select({}, record_of(line([9.0, 9.0]), *lines), along="letters")
    assert found.members[None].mean(axis=(0, 1)).tolist() == [4.5, 6.5, 8.5]


@pytest.mark.parametrize(
    ("own", "options", "sentence"),
    [
        ({"arm": "none"}, {}, "`arm` of a rule on e: .*no row with arm=none"),
        ({"arn": "full"}, {}, "`arm` .*coordinate 'arn': choose"),
        ({"arm": "full", "task": "a"}, {}, "3 rows for seed 100 differ in rows: say which"),
        ({"arm": "full", "rows": "largest"}, {}, "differ in score, rows, task|differ in score, task, rows"),
        ({"arm": "full"}, {"mean_over": "tsak"}, "`mean_over` is tsak, a coordinate that none"),
        ({"arm": "full"}, {"mean_over": "task"}, "`mean_over` is task, which some of its rows lack"),
        ({"arm": "full", "rows": [100, 200], "task": "a"}, {"along": "rows"}, "with 2 points in common"),
        ({"arm": "full", "rows": 50}, {"along": "rows", "mean_over": "task"}, "with 0 points in common"),
        ({"arm": "full"}, {"along": "layers"}, "`along` is layers, a coordinate that none"),
        ({"score": "accuracy", "rows": 100}, {"along": "task"}, "whose values are no numbers"),
    ],
)
def test_a_selection_that_is_empty_or_ambiguous_is_refused(own, options, sentence):
    with pytest.raises(GptreproError, match=sentence):
        select(own, **options)


def test_a_row_that_one_seed_lacks_is_missed():
    record = record_of(line([1.0, 2.0], arm="x"), line([1.0], arm="y"))
    with pytest.raises(GptreproError, match="no row for seed 101"):
        select({"arm": "y"}, record)


def test_sides_are_paired_member_by_member():
    sick, snli = line([2.0, 3.0], task="sick", arm="x"), line([5.0, 6.0], task="snli", arm="x")
    record = record_of(
        sick, snli, line([4.0, 4.0], task="snli", arm="y"), line([0.0, 1.0], task="sick", arm="y")
    )
    x, y = (select({"arm": name}, record, mean_over="task") for name in "xy")
    found = differences(x, y)
    assert {task: values.ravel().tolist() for task, values in found.members.items()} == {
        "sick": [2.0, 2.0],
        "snli": [1.0, 2.0],
    }


@pytest.mark.parametrize(
    ("other", "options", "sentence"),
    [
        (
            [line([1.0] * 2, task="b", arm="y", rows=9)],
            {"mean_over": "task"},
            "members of `mean_over`: a .* b",
        ),
        ([line([1.0] * 2, task="a", arm="y", rows=8)], {}, "values of rows: 9 against 8"),
        ([line([1.0] * 2, "f1", task="a", arm="y", rows=9)], {}, "values of score: accuracy against f1"),
    ],
)
def test_sides_that_are_no_pair_are_refused(other, options, sentence):
    """The largest number of rows, or the one score of a task, may be another on the other side."""
    record = record_of(line([1.0] * 2, task="a", arm="x", rows=9), *other)
    sides = [select({"arm": n}, record, where={"rows": "largest"}, **options) for n in "xy"]
    with pytest.raises(GptreproError, match=sentence):
        differences(*sides)


def test_a_side_is_called_by_the_labels_of_its_coordinates():
    labels = {"arm": {"full": "pre-trained"}}
    assert (
        select({"arm": "full", "rows": 100}, mean_over="task", labels=labels).name == "pre-trained, 100 rows"
    )
    assert select({"rows": "largest"}, where={"task": "b"}, labels=labels).name == "800 rows"
    assert select({"rows": None}, labels=labels).name == "all rows"


def test_items_are_what_varies_where_the_record_says_so():
    right = [[True, False, True, True], [True, True, True, False]]
    record = record_of(line(right, arm="x"), over="both")
    (values,) = select({"arm": "x"}, record).members.values()
    assert values[..., 0].tolist() == [[1, 0, 1, 1], [1, 1, 1, 0]]


def test_outcomes_are_taken_in_the_unit_of_their_row():
    record = record_of(line([[True, False, True, True]], arm="x"), over="item")
    run = record.runs[0].model_copy(update={"rows": [{"value": 75.0, "score": "accuracy", "arm": "x"}]})
    (values,) = select({"arm": "x"}, record.model_copy(update={"runs": [run]})).members.values()
    assert values.ravel().tolist() == [100.0, 0.0, 100.0, 100.0]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"outcomes": []}, "no outcomes by item"),
        ({"rows": [{"value": 0.3, "score": "accuracy", "arm": "x"}]}, "do not have its value as their mean"),
    ],
)
def test_outcomes_that_are_not_those_of_the_row_are_refused(changes, sentence):
    record = record_of(line([[True, False]], arm="x"), over="item")
    record = record.model_copy(update={"runs": [record.runs[0].model_copy(update=changes)]})
    with pytest.raises(GptreproError, match=sentence):
        select({"arm": "x"}, record)


def test_the_record_says_which_test_judges():
    rng = np.random.default_rng(0)
    effect = [rng.normal(0.5, 1, (1, 40)) + rng.normal(0, 0.1, (3, 40))]
    seeds, items, both = (estimate(effect, over) for over in ("seed", "item", "both"))
    assert (seeds.n, items.n, both.n) == (3, 40, 3)
    assert both.high - both.low > seeds.high - seeds.low


def test_slopes_are_a_unit_or_a_doubling():
    values = np.array([[[1.0, 2.0, 3.0]]])
    assert slope(values, (1, 2, 3)).item() == pytest.approx(1.0)
    assert slope_a_doubling(values, (1, 2, 4)).item() == pytest.approx(1.0)
    with pytest.raises(GptreproError, match="reaches 0, which has no doublings"):
        slope_a_doubling(values, (0, 1, 2))


def test_a_steady_curve_is_not_rough_and_noise_is_as_rough_on_any_slope():
    points = tuple(2.0**i for i in range(-6, 1))
    steady = np.linspace(0.1, 0.7, 7)
    noise = np.array([0.05, -0.05] * 3 + [0.05])
    assert roughness(steady, points) == pytest.approx(0, abs=1e-12)
    assert roughness(noise + steady, points) == pytest.approx(roughness(noise, points))
    assert 0.04 < roughness(noise, points) < 0.05
