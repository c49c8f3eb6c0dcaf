"""Rules on records: what they conclude."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gptrepro.claims import Evidence, Judgement, Verdict, arguments, floors, judging, trained
from gptrepro.claims.rules import apply_rule
from gptrepro.errors import GptreproError
from gptrepro.experiments.base import Guess, NotBelow, Scored
from gptrepro.results import Record
from gptrepro.scales import Scale
from tests.claims.records import Line, line, record_of

BEATS = {"experiment": "e", "arm": {"arm": "a"}, "over": {"arm": "b"}}
EQUAL = BEATS | {"margin": 0.2}
RISES = {"experiment": "e", "along": "rows"}
LABELS = {"arm": {"a": "decoder", "b": "LSTM"}}


@pytest.fixture(autouse=True)
def _known(monkeypatch):
    """The tests' own experiments are registered, and their records are never stale."""
    monkeypatch.setattr(judging, "stale_reason", lambda record, experiment: None)
    experiment = SimpleNamespace(labels=LABELS, valid_if=None, guessing=None)
    for module in (arguments, judging, trained, floors):
        monkeypatch.setattr(module, "find_experiment", lambda name: experiment)
    return experiment


def judge(rule: str, arguments: dict[str, Any], *lines: Line, **options: Any) -> Judgement:
    return apply_rule(rule, None, Evidence(records={"e": record_of(*lines, **options)}), arguments)


def arms(a: list[float], b: list[float], **coordinates: Any) -> list[Line]:
    return [line(a, arm="a", **coordinates), line(b, arm="b", **coordinates)]


def curve(*points: list[float], at: tuple[float, ...] = (1, 2, 3), **coordinates: Any) -> list[Line]:
    return [line(values, rows=x, **coordinates) for x, values in zip(at, points, strict=True)]


UP = ([1.0, 1.1, 0.9], [2.0, 2.1, 2.0], [3.0, 3.2, 2.9])


@pytest.mark.parametrize(
    ("arguments", "a", "b", "expected"),
    [
        ({}, [80.0, 81.0, 82.0], [70.0, 70.5, 72.5], Verdict.TREND),
        ({}, [70.0, 70.5, 72.5], [80.0, 81.0, 82.0], Verdict.NOT_REPLICATED),
        ({}, [80.0, 71.0, 69.0], [70.0, 70.5, 72.5], Verdict.INCONCLUSIVE),
        ({}, [80.0, 81.0], [70.0, 70.5], Verdict.INCONCLUSIVE),
        ({"minimum": 15}, [80.0, 81.0, 82.0], [70.0, 70.5, 72.5], Verdict.SMALLER),
        ({"minimum": 5}, [70.0, 70.5, 72.5], [80.0, 81.0, 82.0], Verdict.NOT_REPLICATED),
        ({"minimum": -5}, [74.0, 75.0, 76.5], [75.0, 76.0, 77.0], Verdict.TREND),
        ({"minimum": -5}, [64.0, 65.0, 66.5], [75.0, 76.0, 77.0], Verdict.NOT_REPLICATED),
        ({"lower_is_better": True}, [3.0, 3.1, 2.9], [4.0, 4.0, 4.0], Verdict.TREND),
        ({"support": "mechanism shown"}, [80.0, 81.0, 82.0], [70.0, 70.5, 72.5], Verdict.MECHANISM),
        ({"floor": 50}, [50.1, 49.8, 50.2], [40.0, 40.0, 40.0], Verdict.INCONCLUSIVE),
        ({"floor": 50}, [60.0, 61.0, 60.5], [50.0, 49.0, 50.5], Verdict.TREND),
        ({"floor": 4.0, "lower_is_better": True}, [4.0, 4.1, 3.9], [5.0, 5.0, 5.0], Verdict.INCONCLUSIVE),
    ],
)
def test_an_arm_beats_another_or_not(arguments, a, b, expected):
    assert judge("arm_beats", BEATS | arguments, *arms(a, b)).verdict is expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1.0, 1.01, 0.99], [1.0, 1.0, 1.0], Verdict.TREND),
        ([1.5, 1.51, 1.49], [1.0, 1.0, 1.0], Verdict.NOT_REPLICATED),
        ([0.5, 0.51, 0.49], [1.0, 1.0, 1.0], Verdict.NOT_REPLICATED),
        ([1.0, 1.3, 0.7], [1.0, 1.0, 1.0], Verdict.INCONCLUSIVE),
    ],
)
def test_two_arms_are_equivalent_within_a_margin_or_not(a, b, expected):
    """Three noisy seeds that differ by nothing significant are not equivalent: they do not know."""
    assert judge("equivalent_within", EQUAL, *arms(a, b)).verdict is expected


def test_two_arms_that_learned_nothing_are_not_equivalent():
    lines = arms([1.0, 1.01, 0.99], [1.0, 1.01, 1.0])
    found = judge("equivalent_within", EQUAL | {"floor": 1.0}, *lines)
    assert found.verdict is Verdict.INCONCLUSIVE and "floor of 1" in found.reason


def test_an_average_is_judged_over_its_members_and_paired_by_seed():
    """Seeds and tasks differ by far more than the arms: only the pairing shows the margin of one."""
    lines = [
        line([base + task + gain for base in (0, 30, 70)], task=str(task), arm=arm)
        for task in (10, 50)
        for arm, gain in (("a", 1), ("b", 0))
    ]
    found = judge("arm_beats", BEATS | {"mean_over": "task"}, *lines)
    assert found.verdict is Verdict.TREND and found.interval == (1.0, 1.0)
    assert found.compared == {"decoder": 64.33, "LSTM": 63.33}


ROUGH = {"statistic": "roughness", "along": "rows"}


def rough(a: float = 0.3, b: float = 0.01, level: float = 0.5) -> list[Line]:
    """A jagged and a steady curve that end at ``level``, with some spread between seeds."""
    return [
        line([level + (size * jump + 0.001) * scale for scale in (1.0, 1.1, 0.9)], arm=arm, rows=x)
        for arm, size in (("a", a), ("b", b))
        for x, jump in ((1, 1), (2, -1), (4, 1), (8, 0))
    ]


def test_the_rougher_curve_beats_the_steady_one_whatever_their_height():
    assert judge("arm_beats", BEATS | ROUGH, *rough()).verdict is Verdict.TREND
    assert judge("arm_beats", BEATS | ROUGH, *rough(a=0.01, b=0.3)).verdict is Verdict.NOT_REPLICATED


def test_a_spread_is_judged_only_where_the_scores_are_above_their_floor():
    floor = BEATS | ROUGH | {"floor": 0.2, "floor_at": {"rows": 8}}
    assert judge("arm_beats", floor, *rough(level=0.1)).verdict is Verdict.INCONCLUSIVE
    assert judge("arm_beats", floor, *rough(level=0.3)).verdict is Verdict.TREND


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"statistic": "skewness"}, "`statistic` should be 'mean' or 'roughness', not 'skewness'"),
        ({"statistic": "roughness"}, "say `along`"),
        (ROUGH | {"floor": 0.1}, "`floor_at` says where"),
        ({"floor_at": {"rows": 8}, "along": "rows"}, "`floor_at` says where"),
        ({"along": "rows", "over": {"arm": "a"}}, "`arm` and `over` .* select the same rows"),
        ({"along": "rows", "support": "proved"}, "not 'proved'"),
        ({"along": "rows", "over": {"arm": "c"}}, "`over` of a rule on e: .*no row with arm=c"),
        ({"along": "rows", "measured": {"score": "f1"}}, "`measured` of a rule on e"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(arguments, sentence):
    with pytest.raises(GptreproError, match=sentence):
        judge("arm_beats", BEATS | arguments, *rough())


def test_the_roughness_of_single_items_is_refused():
    lines = [line([[1.0] * 40] * 3, arm=arm, rows=x) for arm in "ab" for x in (1, 2, 4)]
    with pytest.raises(GptreproError, match="one a seed"):
        judge("arm_beats", BEATS | ROUGH, *lines, over="both")


def test_another_figure_may_stand_beside_the_published_one():
    arguments = BEATS | {"where": {"score": "nll"}, "measured": {"score": "perplexity"}, "unit": "nats"}
    lines = [
        line([1.0, 1.1, 0.9], "nll", arm="a"),
        line([2.0, 2.11, 1.88], "nll", arm="b"),
        line([54.0, 60.0, 49.0], "perplexity"),
    ]
    found = judge("arm_beats", arguments | {"lower_is_better": True}, *lines)
    assert found.measured == 54.33 and not found.compared and found.unit is None
    assert (found.effect, found.size) == ("margin in nats", 0.997)


RIVALS = {"experiment": "e", "arm": {"arm": "a"}, "over": {"arm": "b"}, "rival": "f"}


def of(name: str, values: list[float], scale: Scale = Scale.LAPTOP, **options: Any) -> Record:
    arm = {"e": "a", "f": "b"}[name]
    return record_of(line(values, arm=arm), experiment=name, scale=scale, **options)


def beats(*records: Record) -> Judgement:
    """Judge ``e`` against ``f`` on published records of one or several scales."""
    evidence = Evidence()
    for name in ("e", "f"):
        found = [record for record in records if record.experiment == name]
        largest = sorted(found, key=lambda record: list(Scale).index(record.scale), reverse=True)
        evidence._records[name] = {record.scale: record for record in largest}
    return apply_rule("arm_beats", None, evidence, RIVALS)


def test_an_arm_is_compared_with_an_arm_of_another_experiment():
    found = beats(of("e", [2.0, 2.1, 1.9]), of("f", [1.0, 1.0, 1.0]))
    assert found.verdict is Verdict.TREND and found.compared == {"decoder": 2.0, "LSTM": 1.0}


def test_rivals_that_nothing_else_tells_apart_are_called_by_their_experiments():
    records = {
        name: record_of(line([level] * 3), experiment=name) for name, level in (("e", 2.0), ("f", 1.0))
    }
    arguments = {"experiment": "e", "over": {"score": "accuracy"}, "rival": "f"}
    found = apply_rule(
        "arm_beats", None, Evidence(records=records), arguments | {"arm": {"score": "accuracy"}}
    )
    assert found.compared == {"e": 2.0, "f": 1.0}


def test_rivals_are_paired_on_the_seeds_that_both_have():
    """Paired by seed the margin is always 1; by place, or on all seeds, it is not."""
    ours = of("e", [9.0, 2.0, 3.0, 4.0], seeds=[100, 101, 102, 103])
    theirs = of("f", [1.0, 2.0, 3.0, 50.0], seeds=[101, 102, 103, 104])
    found = beats(ours, theirs)
    assert found.verdict is Verdict.TREND and found.interval == (1.0, 1.0)
    assert (found.n, found.seeds) == (3, [101, 102, 103])
    assert found.measured == 3.0 and found.compared == {"decoder": 3.0, "LSTM": 2.0}


def test_the_largest_scale_that_both_have_decides_and_others_stand_beside_it():
    gpu, laptop, paper = [
        [of(name, [level, level + 1, level + 2], scale) for name, level in levels.items()]
        for scale, levels in (
            (Scale.GPU, {"e": 3.0, "f": 2.0}),
            (Scale.LAPTOP, {"e": 1.0, "f": 2.0}),
            (Scale.PAPER, {"e": 1.0}),
        )
    ]
    found = beats(*gpu, *laptop, *paper)
    assert (found.verdict, found.scale) == (Verdict.TREND, "gpu")
    assert [(each.scale, each.n, each.size) for each in found.beside] == [("laptop", 3, -1.0)]
    assert beats(*gpu[:1], *laptop).verdict is Verdict.NOT_REPLICATED


def test_a_larger_scale_with_few_seeds_is_shown_and_does_not_decide():
    few = [of(name, [level, level + 0.5], Scale.GPU) for name, level in (("e", 3.0), ("f", 1.0))]
    many = [of(name, [level, level + 1, level + 2]) for name, level in (("e", 1.0), ("f", 2.0))]
    found = beats(*few, *many)
    assert (found.verdict, found.scale, found.n) == (Verdict.NOT_REPLICATED, "laptop", 3)
    (beside,) = found.beside
    assert (beside.scale, beside.n, beside.size, beside.interval) == ("gpu", 2, 2.0, None)
    assert beats(*few).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("ours", "theirs", "needs"),
    [
        ((Scale.GPU, 3), (Scale.LAPTOP, 3), "`gptrepro run e --scale laptop`, then `gptrepro publish e`"),
        ((Scale.LAPTOP, 3), (Scale.GPU, 3), "`gptrepro run f --scale laptop`, then `gptrepro publish f`"),
        ((Scale.GPU, 3), None, "`gptrepro run f --scale gpu`, then `gptrepro publish f --scale gpu`"),
        (None, (Scale.LAPTOP, 3), "`gptrepro run e --scale laptop`, then `gptrepro publish e`"),
    ],
)
def test_rivals_without_a_common_scale_say_which_to_run(ours, theirs, needs):
    there = [(name, *given) for name, given in (("e", ours), ("f", theirs)) if given]
    found = beats(*(of(name, [1.0] * n, scale) for name, scale, n in there))
    assert found.verdict is Verdict.NOT_RUN and found.reason == f"Needs {needs}."


@pytest.mark.parametrize(
    ("ours", "theirs", "needs"),
    [
        ([100, 101, 102], [103, 104, 105], "report seeds 100, 101, 102 of f, to be paired with e"),
        ([100, 101, 102], [100, 101, 103], "report seeds 102 of f, to be paired with e"),
        ([100, 101], [100, 101, 102, 103], "report seeds 102, 103 of e, to be paired with f"),
    ],
)
def test_rivals_with_too_few_seeds_in_common_say_which_to_run(ours, theirs, needs):
    found = beats(*(of(name, [1.0] * len(s), seeds=s) for name, s in (("e", ours), ("f", theirs))))
    assert found.verdict is Verdict.NOT_RUN and found.p_value is None
    assert found.reason.startswith(f"Needs {needs}: `gptrepro run ")


def test_rivals_with_the_same_two_seeds_decide_nothing():
    found = beats(of("e", [2.0, 2.0]), of("f", [1.0, 1.0]))
    assert found.verdict is Verdict.INCONCLUSIVE and found.n == 2


def test_rivals_that_replicate_over_different_things_are_refused():
    items = record_of(line([[1.0] * 40], arm="b"), experiment="f", over="item")
    with pytest.raises(GptreproError, match="over seed and its `rival` f over item"):
        beats(of("e", [1.0] * 3), items)


def test_a_stale_rival_makes_the_verdict_stale(monkeypatch):
    monkeypatch.setattr(
        judging, "stale_reason", lambda record, _: "old" if record.experiment == "f" else None
    )
    found = beats(of("e", [2.0, 2.1, 1.9]), of("f", [1.0, 1.0, 1.0]))
    assert found.verdict is Verdict.TREND
    assert str(found.stale).startswith("old; renew it with `gptrepro run f")


@pytest.mark.parametrize(
    ("arguments", "points", "expected"),
    [
        ({}, UP, Verdict.TREND),
        ({"minimum": 2}, UP, Verdict.SMALLER),
        ({"statistic": "rise", "minimum": 1.5}, UP, Verdict.TREND),
        ({}, UP[::-1], Verdict.NOT_REPLICATED),
        ({"lower_is_better": True}, UP[::-1], Verdict.TREND),
        ({}, ([1.0, 3.0, 2.0], [2.0, 1.0, 3.0], [3.0, 1.0, 2.0]), Verdict.INCONCLUSIVE),
        ({"floor": 5}, UP, Verdict.INCONCLUSIVE),
    ],
)
def test_a_score_rises_along_its_points_or_not(arguments, points, expected):
    assert judge("increases_with", RISES | arguments, *curve(*points)).verdict is expected


def test_a_margin_may_be_what_rises():
    """Both arms fall, the second faster; the floor is held against the arms and not against their margin."""
    a, b = curve(*UP[::-1], arm="a"), curve([3.0] * 3, [1.0] * 3, [-1.0] * 3, arm="b")
    arguments = RISES | {"arm": {"arm": "a"}, "over": {"arm": "b"}}
    found = judge("increases_with", arguments, *a, *b)
    assert found.verdict is Verdict.TREND and found.compared == {"1 row": 0.03, "3 rows": 2.0}
    assert "overall slope per row (decoder over LSTM)" in found.reason
    assert judge("increases_with", arguments | {"floor": 1.5}, *a, *b).verdict is Verdict.INCONCLUSIVE


DIP = ([1.0, 1.1, 0.9], [5.1, 5.0, 5.0], [3.0, 3.1, 3.0])


def test_a_curve_with_a_dip_rises_overall_and_not_at_every_step():
    assert judge("increases_with", RISES, *curve(*DIP)).verdict is Verdict.TREND
    found = judge("increases_with", RISES | {"step_loss": 0.5}, *curve(*DIP))
    assert found.verdict is Verdict.NOT_REPLICATED
    assert found.reason == "Not every step helps: from 2 rows to 3 rows more than 0.5 is lost."
    assert judge("increases_with", RISES | {"step_loss": 2.5}, *curve(*DIP)).verdict is Verdict.TREND


def test_a_step_whose_loss_is_not_excluded_leaves_every_step_open():
    wild = ([1.0, 1.1, 0.9], [2.0, 4.0, 0.0], [6.0, 6.1, 5.9])
    assert judge("increases_with", RISES, *curve(*wild)).verdict is Verdict.TREND
    found = judge("increases_with", RISES | {"step_loss": 0.5}, *curve(*wild))
    assert found.verdict is Verdict.INCONCLUSIVE and "from 1 row to 2 rows 0.5 may be lost" in found.reason


def test_a_slope_can_be_per_doubling():
    points = curve([1.0, 1.0, 1.1], [2.0, 2.1, 2.0], [3.0, 3.0, 3.1], at=(0.25, 0.5, 1))
    found = judge("increases_with", RISES | {"log": True}, *points)
    assert (
        found.interval == pytest.approx((1.0, 1.0), abs=0.05) and found.effect == "overall slope per doubling"
    )


def test_a_trend_needs_three_points():
    with pytest.raises(GptreproError, match="with 2 points in common"):
        judge("increases_with", RISES, *curve([1.0], [2.0], at=(1, 2)))


def test_a_comparison_is_told_in_the_names_that_readers_know():
    found = judge("arm_beats", BEATS | {"unit": "points"}, *arms([3.0, 3.2, 3.1], [1.0, 1.1, 1.2]))
    assert found.compared == {"decoder": 3.1, "LSTM": 1.1} and found.unit == "points"
    assert (found.effect, found.size) == ("margin", 2.0)
    assert found.reason.startswith("The 90% interval of the margin (decoder over LSTM) lies wholly above")


@pytest.mark.parametrize(
    ("rule", "arguments"), [("arm_beats", BEATS), ("equivalent_within", EQUAL), ("increases_with", RISES)]
)
def test_without_a_record_the_judgement_says_what_to_run(rule, arguments):
    found = apply_rule(rule, None, Evidence(records={}), arguments)
    assert found.verdict is Verdict.NOT_RUN
    assert "gptrepro run e" in found.reason


def by_item(seeds: int, items: int, shift: float = 0.5, steps: int = 1) -> np.ndarray:
    """(steps, seeds, items) with items that all seeds find hard or easy."""
    rng = np.random.default_rng(seeds)
    hard = rng.normal(0, 1, items)
    return np.stack([hard + shift * i + rng.normal(0, 0.1, (seeds, items)) for i in range(1, steps + 1)])


def test_released_weights_are_judged_over_items_alone():
    a, b = by_item(1, 400), np.zeros((1, 400))
    found = judge("arm_beats", BEATS, line(list(a[0]), arm="a"), line(list(b), arm="b"), over="item")
    assert found.verdict is Verdict.TREND and (found.n, found.seeds) == (400, [])


def test_items_that_all_seeds_find_hard_widen_the_interval():
    """Seeds that agree to a tenth say nothing about other items."""
    (values,) = by_item(3, 60, shift=0.1)
    zero = np.zeros(60)
    seeds = judge("arm_beats", BEATS, *arms(list(values.mean(axis=1)), [0.0] * 3))
    both = judge("arm_beats", BEATS, line(list(values), arm="a"), line([zero] * 3, arm="b"), over="both")
    assert seeds.verdict in (Verdict.TREND, Verdict.NOT_REPLICATED) and both.verdict is Verdict.INCONCLUSIVE
    assert both.size == pytest.approx(seeds.size, abs=0.002) and both.n == 3


def test_a_trend_is_judged_item_by_item():
    lines = [line(list(values), rows=x) for x, values in enumerate(by_item(3, 200, steps=3), start=1)]
    found = judge("increases_with", RISES, *lines, over="both")
    assert found.verdict is Verdict.TREND and found.interval == pytest.approx((0.5, 0.5), abs=0.05)


def test_few_items_decide_nothing():
    for over, seeds in (("item", 1), ("both", 3)):
        lines = [line([[gain] * 19] * seeds, arm=arm) for arm, gain in (("a", 1.0), ("b", 0.0))]
        found = judge("arm_beats", BEATS, *lines, over=over)
        assert found.verdict is Verdict.INCONCLUSIVE and "19 items decide nothing" in found.reason


@pytest.mark.parametrize(("differing", "expected"), [(9, Verdict.INCONCLUSIVE), (10, Verdict.TREND)])
def test_few_items_on_which_the_sides_differ_decide_nothing(differing, expected):
    right = [[True] * differing + [False] * (40 - differing)]
    found = judge("arm_beats", BEATS, line(right, arm="a"), line([[False] * 40], arm="b"), over="item")
    assert found.verdict is expected
    assert ("9 items on which the sides differ" in found.reason) == (differing == 9)


def test_seeds_whose_items_were_not_kept_are_judged_over_seeds():
    """Scores that are no mean of items have none; nor do runs from before items were kept."""
    record = record_of(
        line([[1.0] * 40, [0.9] * 40, [1.1] * 40], arm="a"), line([[0.0] * 40] * 3, arm="b"), over="both"
    )
    bare = record.model_copy(
        update={"runs": [run.model_copy(update={"outcomes": []}) for run in record.runs]}
    )
    found = apply_rule("arm_beats", None, Evidence(records={"e": bare}), BEATS)
    seeds = judge("arm_beats", BEATS, *arms([1.0, 0.9, 1.1], [0.0] * 3))
    assert found.interval == pytest.approx(seeds.interval, abs=0.002)


def guessing_half(scored: Scored) -> Guess:
    """Half, give or take what the settings of the record allow for luck."""
    return Guess(0.5, scored.config["luck"] if scored.items is None else 1 / 0)


@pytest.mark.parametrize(("luck", "expected"), [(0.02, Verdict.TREND), (0.06, Verdict.INCONCLUSIVE)])
def test_the_floor_of_guessing_follows_the_record(_known, luck, expected):
    """Two standard errors above chance: 0.54 of many items, 0.62 of few."""
    _known.guessing = guessing_half
    record = record_of(*arms([0.6, 0.61, 0.6], [0.5, 0.5, 0.49], task="t"))
    evidence = Evidence(records={"e": record.model_copy(update={"config": {"luck": luck}})})
    rule = BEATS | {"where": {"task": "t"}, "floor": "guessing"}
    assert apply_rule("arm_beats", None, evidence, rule).verdict is expected


def test_the_luck_of_tasks_cancels_in_their_average(_known):
    """Four tasks, each with as much luck, have half of it on the average."""
    _known.guessing = guessing_half
    lines = [
        line([0.6, 0.61, 0.6] if arm == "a" else [0.5] * 3, task=f"t{i}", arm=arm)
        for i in range(4)
        for arm in "ab"
    ]
    evidence = Evidence(records={"e": record_of(*lines).model_copy(update={"config": {"luck": 0.06}})})
    rule = BEATS | {"mean_over": "task", "floor": "guessing"}
    assert apply_rule("arm_beats", None, evidence, rule).verdict is Verdict.TREND


def test_the_floor_of_guessing_needs_one_task_and_an_experiment_that_knows(_known):
    with pytest.raises(GptreproError, match="does not say what guessing scores"):
        judge(
            "arm_beats",
            BEATS | {"floor": "guessing", "where": {"task": "t"}},
            *arms([1.0] * 3, [0.0] * 3, task="t"),
        )
    with pytest.raises(GptreproError, match="is of one task"):
        judge("arm_beats", BEATS | {"floor": "guessing"}, *arms([1.0] * 3, [0.0] * 3))


@pytest.mark.parametrize(
    ("probe", "expected"), [([1.4, 1.5, 1.6], Verdict.VOID), ([1.0, 1.2, 1.2], Verdict.TREND)]
)
def test_an_experiment_that_fails_its_own_check_says_nothing(_known, probe, expected):
    _known.valid_if = NotBelow(arm={"arm": "a"}, over={"arm": "probe"})
    found = judge("arm_beats", BEATS, *arms([1.0, 1.1, 1.2], [0.0, 0.1, 0.0]), line(probe, arm="probe"))
    assert found.verdict is expected
    assert ("decoder scores 0.4 below probe" in found.reason) == (expected is Verdict.VOID)


def test_a_verdict_that_another_machine_might_turn_says_so():
    """The scatter of this score between processors is 0.0023 nats."""
    rule = BEATS | {"minimum": 0.02, "where": {"score": "heldout_nll"}}
    turned = [
        "Another machine"
        in judge(
            "arm_beats", rule, line(a, "heldout_nll", arm="a"), line([0.0] * 3, "heldout_nll", arm="b")
        ).reason
        for a in ([0.029, 0.023, 0.025], [0.069, 0.063, 0.065])
    ]
    assert turned == [True, False]
