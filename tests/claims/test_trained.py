"""Rules on records: what they conclude, and how often they are wrong when only chance decides."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gptrepro.claims import Evidence, Judgement, Verdict, arguments, judging, trained
from gptrepro.claims.judging import judge_within
from gptrepro.claims.rules import apply_rule
from gptrepro.claims.sides import mean, slope
from gptrepro.errors import GptreproError
from gptrepro.evaluate.statistics import minimal_detectable_effect
from gptrepro.results import Record
from gptrepro.scales import Scale
from tests.claims.records import Line, line, record_of

TRIALS = 300
SEEDS = [3, 5, 8]

BEATS = {"experiment": "e", "arm": {"arm": "a"}, "over": {"arm": "b"}}
EQUAL = BEATS | {"margin": 0.2}
RISES = {"experiment": "e", "along": "rows"}
LABELS = {"arm": {"a": "decoder", "b": "LSTM"}}


@pytest.fixture(autouse=True)
def _known(monkeypatch):
    """The tests' own experiments are registered, and their records are never stale."""
    monkeypatch.setattr(judging, "stale_reason", lambda record, experiment: None)
    for module in (arguments, judging, trained):
        monkeypatch.setattr(module, "find_experiment", lambda name: SimpleNamespace(labels=LABELS))


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
        ({"minimum": 15}, [80.0, 81.0, 82.0], [70.0, 70.5, 72.5], Verdict.NOT_REPLICATED),
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


def test_rivals_are_compared_at_the_largest_scale_that_both_have():
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
    assert beats(*gpu[:1], *laptop).verdict is Verdict.NOT_REPLICATED


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
        ({"minimum": 2}, UP, Verdict.NOT_REPLICATED),
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
    assert "slope a row (decoder over LSTM)" in found.reason
    assert judge("increases_with", arguments | {"floor": 1.5}, *a, *b).verdict is Verdict.INCONCLUSIVE


def test_a_trend_that_turns_back_is_broken():
    found = judge("increases_with", RISES, *curve([1.0, 1.1, 0.9], [5.1, 5.0, 5.0], [3.0, 3.1, 3.0]))
    assert found.verdict is Verdict.NOT_REPLICATED
    assert found.reason == "The trend breaks: from 2 rows to 3 rows it goes the other way by 2."


def test_a_slope_can_be_per_doubling():
    points = curve([1.0, 1.0, 1.1], [2.0, 2.1, 2.0], [3.0, 3.0, 3.1], at=(0.25, 0.5, 1))
    found = judge("increases_with", RISES | {"log": True}, *points)
    assert found.interval == pytest.approx((1.0, 1.0), abs=0.05) and found.effect == "slope a doubling"


def test_a_trend_needs_three_points():
    with pytest.raises(GptreproError, match="with 2 points in common"):
        judge("increases_with", RISES, *curve([1.0], [2.0], at=(1, 2)))


def test_a_comparison_is_told_in_the_names_that_readers_know():
    found = judge("arm_beats", BEATS | {"unit": "points"}, *arms([3.0, 3.2, 3.1], [1.0, 1.1, 1.2]))
    assert found.compared == {"decoder": 3.1, "LSTM": 1.1} and found.unit == "points"
    assert (found.effect, found.size) == ("margin", 2.0)
    assert found.reason.startswith("The 95% interval of the margin (decoder over LSTM) lies wholly above")


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
    lines = [line([[1.0] * 20], arm=arm) for arm in "ab"]
    found = judge("arm_beats", BEATS, *lines, over="item")
    assert found.verdict is Verdict.INCONCLUSIVE and "20 items decide nothing" in found.reason


def draws(n: int, shift: float, points: int = 1) -> np.ndarray:
    """(TRIALS, n, 1 item, points) normal values with mean ``shift`` and standard deviation 0.1."""
    return np.random.default_rng(n).normal(shift, 0.1, (TRIALS, n, 1, points))


def rate(support: Verdict, effects: np.ndarray, least: float = 0.0, most: float = math.inf) -> float:
    """How often the core of the rules comes to a verdict: on effects (TRIALS, seeds, items) and a region."""
    record = record_of(line([0.0] * effects.shape[1]))
    found = [
        judge_within(record, [effect], region=(least, most), measured=0.0, effect="margin", compared={})
        for effect in effects
    ]
    return [each.verdict for each in found].count(support) / TRIALS


def beyond_chance(nominal: float) -> float:
    return nominal + 4 * math.sqrt(nominal * (1 - nominal) / TRIALS)


@pytest.mark.parametrize("n", SEEDS)
def test_a_margin_at_the_minimum_passes_as_rarely_as_stated(n):
    """2.5% of the intervals lie wholly above a true difference, and 2.5% wholly below."""
    effects = mean(draws(n, 0.3), ())
    assert rate(Verdict.TREND, effects, least=0.3) < beyond_chance(0.025)
    assert rate(Verdict.NOT_REPLICATED, effects, least=0.3) < beyond_chance(0.025)


@pytest.mark.parametrize("n", SEEDS)
def test_the_smallest_visible_effect_is_seen_four_times_in_five(n):
    effects = mean(draws(n, minimal_detectable_effect(n, 0.1)), ())
    assert rate(Verdict.TREND, effects) == pytest.approx(0.8, abs=4 * math.sqrt(0.8 * 0.2 / TRIALS))


@pytest.mark.parametrize("n", SEEDS)
def test_arms_that_differ_by_the_margin_seldom_pass_for_equivalent(n):
    assert rate(Verdict.TREND, mean(draws(n, 0.2), ()), -0.2, 0.2) < beyond_chance(0.025)


def test_equivalence_is_seen_where_the_margin_allows():
    assert rate(Verdict.TREND, mean(draws(8, 0.0), ()), -0.2, 0.2) > 0.9


@pytest.mark.parametrize("n", SEEDS)
def test_a_flat_score_seldom_passes_for_a_trend(n):
    assert rate(Verdict.TREND, slope(draws(n, 0.0, points=3), (1, 2, 3))) < beyond_chance(0.025)


def test_a_steep_trend_is_seen_and_hardly_ever_broken_by_chance():
    data = draws(5, 0.0, points=3)[:20, :, 0] + np.arange(3) * 0.3
    found = [judge("increases_with", RISES, *curve(*map(list, trial.T))).verdict for trial in data]
    assert found.count(Verdict.TREND) >= 18
