"""Rules on records: what they conclude, and how often they are wrong when only chance decides."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gptrepro.claims import Evidence, Judgement, Verdict, trained
from gptrepro.claims.rules import apply_rule
from gptrepro.errors import GptreproError
from gptrepro.evaluate.statistics import minimal_detectable_effect
from gptrepro.experiments.gpt1.pretraining import PRETRAINING
from gptrepro.results import DataUsed, Hardware, Record, Run
from gptrepro.results.record import digest_of
from gptrepro.scales import Scale
from gptrepro.sources.corpora import corpus_digest

TRIALS = 300
SEEDS = [3, 5, 8]

FALLS = {"experiment": "e", "before": "b", "after": "a", "minimum": 0.25, "report": "a"}
BEATS = {"experiment": "e", "arm": "a", "over": "b"}
EQUAL = {"experiment": "e", "arm": "a", "other": "b", "margin": 0.2}
RISES = {"experiment": "e", "points": {"p1": 1, "p2": 2, "p3": 3}}


def record_of(
    experiment: str = "e",
    scale: Scale = Scale.LAPTOP,
    seeds: list[int] | None = None,
    **metrics: list[float],
) -> Any:
    """As much of a record as a rule reads: some metrics, one value a seed."""
    chosen = seeds or [100 + i for i, _ in enumerate(next(iter(metrics.values())))]

    def of_seeds(some: list[int]) -> Any:
        kept = {
            name: [value for seed, value in zip(chosen, values, strict=True) if seed in some]
            for name, values in metrics.items()
        }
        return record_of(experiment, scale, some, **kept)

    return SimpleNamespace(
        experiment=experiment, scale=scale, seeds=chosen, metric=metrics.__getitem__, of_seeds=of_seeds
    )


@pytest.fixture(autouse=True)
def _current(monkeypatch, request):
    """Records of the tests' own experiment are never stale."""
    if "real_record" not in request.fixturenames:
        monkeypatch.setattr(trained, "stale_reason", lambda record, experiment: None)
        monkeypatch.setattr(trained, "find_experiment", lambda name: None)


def judge(rule: str, arguments: dict[str, Any], **metrics: list[float]) -> Judgement:
    return apply_rule(rule, None, Evidence(records={"e": record_of(**metrics)}), arguments)


def verdict(rule: str, arguments: dict[str, Any], **metrics: list[float]) -> Verdict:
    return judge(rule, arguments, **metrics).verdict


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([5.0, 5.1, 4.9], [4.0, 4.11, 3.88], Verdict.TREND),
        ([5.0, 5.1, 4.9], [4.9, 5.01, 4.79], Verdict.NOT_REPLICATED),
        ([5.0, 5.1, 4.9], [4.0, 5.3, 4.6], Verdict.INCONCLUSIVE),
        ([5.0, 5.1], [4.0, 4.1], Verdict.INCONCLUSIVE),
    ],
)
def test_a_loss_falls_by_more_than_the_minimum_or_not(before, after, expected):
    assert verdict("loss_falls", FALLS, b=before, a=after) is expected


@pytest.mark.parametrize(
    ("arguments", "a", "b", "expected"),
    [
        ({}, [80.0, 81.0, 82.0], [70.0, 70.5, 72.5], Verdict.TREND),
        ({}, [70.0, 70.5, 72.5], [80.0, 81.0, 82.0], Verdict.NOT_REPLICATED),
        ({"minimum": 15}, [80.0, 81.0, 82.0], [70.0, 70.5, 72.5], Verdict.NOT_REPLICATED),
        ({"lower_is_better": True}, [3.0, 3.1, 2.9], [4.0, 4.0, 4.0], Verdict.TREND),
        ({"support": "mechanism shown"}, [80.0, 81.0, 82.0], [70.0, 70.5, 72.5], Verdict.MECHANISM),
        ({"floor": 50}, [50.1, 49.8, 50.2], [40.0, 40.0, 40.0], Verdict.INCONCLUSIVE),
        ({"floor": 50}, [60.0, 61.0, 60.5], [50.0, 49.0, 50.5], Verdict.TREND),
        ({"floor": 4.0, "lower_is_better": True}, [4.0, 4.1, 3.9], [5.0, 5.0, 5.0], Verdict.INCONCLUSIVE),
    ],
)
def test_an_arm_beats_another_or_not(arguments, a, b, expected):
    assert verdict("arm_beats", BEATS | arguments, a=a, b=b) is expected


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
    assert verdict("equivalent_within", EQUAL, a=a, b=b) is expected


def test_a_spread_is_judged_only_where_the_scores_are_above_their_floor():
    rough = {"a": [0.3, 0.31, 0.29], "b": [0.1, 0.1, 0.1]}
    arguments = BEATS | {"floor": 0.0, "floor_of": ["s", "t"]}
    at_floor = {"s": [0.01, -0.02, 0.01], "t": [-0.01, 0.01, 0.0]}
    assert verdict("arm_beats", arguments, **rough, **at_floor) is Verdict.INCONCLUSIVE
    one_above = at_floor | {"s": [0.2, 0.21, 0.19]}
    assert verdict("arm_beats", arguments, **rough, **one_above) is Verdict.TREND


def test_an_arm_is_compared_with_an_arm_of_another_experiment_on_the_same_seeds():
    records = {"e": record_of(a=[2.0, 2.1, 1.9]), "f": record_of(a=[1.0, 1.0, 1.0])}
    arguments = {
        "experiment": "e",
        "arm": "a",
        "over": "a",
        "rival": "f",
        "names": {"e": "ours", "f": "theirs"},
    }
    found = apply_rule("arm_beats", None, Evidence(records=records), arguments)
    assert found.verdict is Verdict.TREND
    assert dict(found.compared) == {"ours": 2.0, "theirs": 1.0}
    without = apply_rule("arm_beats", None, Evidence(records={"e": records["e"]}), arguments)
    assert without.verdict is Verdict.NOT_RUN and "gptrepro run f" in without.reason


RIVALS = BEATS | {"over": "a", "rival": "f"}


def beats(*records: Any) -> Judgement:
    """Judge ``e`` against ``f`` on published records of one or several scales."""
    evidence = Evidence()
    for name in ("e", "f"):
        found = [record for record in records if record.experiment == name]
        largest = sorted(found, key=lambda record: list(Scale).index(record.scale), reverse=True)
        evidence._records[name] = {record.scale: record for record in largest}
    return apply_rule("arm_beats", None, evidence, RIVALS)


def test_rivals_are_paired_on_the_seeds_that_both_have():
    """Paired by seed the margin is always 1; by place, or on all seeds, it is not."""
    ours = record_of("e", seeds=[100, 101, 102, 103], a=[9.0, 2.0, 3.0, 4.0])
    theirs = record_of("f", seeds=[101, 102, 103, 104], a=[1.0, 2.0, 3.0, 50.0])
    found = beats(ours, theirs)
    assert found.verdict is Verdict.TREND and found.interval == (1.0, 1.0)
    assert (found.n, found.seeds) == (3, [101, 102, 103])
    assert found.measured == 3.0 and dict(found.compared) == {"e": 3.0, "f": 2.0}


def test_rivals_are_compared_at_the_largest_scale_that_both_have():
    gpu, laptop, paper = [
        [record_of(name, scale, a=[level, level + 1, level + 2]) for name, level in levels.items()]
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
    found = beats(*(record_of(name, scale, a=[1.0] * n) for name, scale, n in there))
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
    records = [record_of(n, seeds=s, a=[1.0] * len(s)) for n, s in (("e", ours), ("f", theirs))]
    found = beats(*records)
    assert found.verdict is Verdict.NOT_RUN and found.p_value is None
    assert found.reason.startswith(f"Needs {needs}: `gptrepro run ")


def test_rivals_with_the_same_two_seeds_decide_nothing():
    found = beats(record_of("e", a=[2.0, 2.0]), record_of("f", a=[1.0, 1.0]))
    assert found.verdict is Verdict.INCONCLUSIVE and found.n == 2


def test_a_stale_rival_makes_the_verdict_stale(monkeypatch):
    records = {"e": record_of(a=[2.0, 2.1, 1.9]), "f": record_of(a=[1.0, 1.0, 1.0])}
    records["f"].experiment = "f"
    monkeypatch.setattr(
        trained, "stale_reason", lambda record, _: "old" if record.experiment == "f" else None
    )
    found = apply_rule(
        "arm_beats",
        None,
        Evidence(records=records),
        {"experiment": "e", "arm": "a", "over": "a", "rival": "f"},
    )
    assert "old" in str(found.stale) and "run f" in str(found.stale)


def test_two_arms_that_learned_nothing_are_not_equivalent():
    found = judge("equivalent_within", EQUAL | {"floor": 1.0}, a=[1.0, 1.01, 0.99], b=[1.0, 1.01, 1.0])
    assert found.verdict is Verdict.INCONCLUSIVE and "floor of 1" in found.reason


@pytest.mark.parametrize(
    ("arguments", "points", "expected"),
    [
        ({}, ([1.0, 1.1, 0.9], [2.0, 2.1, 2.0], [3.0, 3.2, 2.9]), Verdict.TREND),
        ({"minimum": 2}, ([1.0, 1.1, 0.9], [2.0, 2.1, 2.0], [3.0, 3.2, 2.9]), Verdict.NOT_REPLICATED),
        ({}, ([3.0, 3.2, 2.9], [2.0, 2.1, 2.0], [1.0, 1.1, 0.9]), Verdict.NOT_REPLICATED),
        ({"lower_is_better": True}, ([3.0, 3.2, 2.9], [2.0, 2.1, 2.0], [1.0, 1.1, 0.9]), Verdict.TREND),
        ({}, ([1.0, 3.0, 2.0], [2.0, 1.0, 3.0], [3.0, 1.0, 2.0]), Verdict.INCONCLUSIVE),
        ({"floor": 5}, ([1.0, 1.1, 0.9], [2.0, 2.1, 2.0], [3.0, 3.2, 2.9]), Verdict.INCONCLUSIVE),
    ],
)
def test_a_score_rises_along_its_points_or_not(arguments, points, expected):
    metrics = dict(zip(("p1", "p2", "p3"), points, strict=True))
    assert verdict("increases_with", RISES | arguments, **metrics) is expected


def test_a_trend_that_turns_back_is_broken():
    found = judge("increases_with", RISES, p1=[1.0, 1.1, 0.9], p2=[5.1, 5.0, 5.0], p3=[3.0, 3.1, 3.0])
    assert found.verdict is Verdict.NOT_REPLICATED
    assert found.reason == "The trend breaks: from p2 to p3 it goes the other way by 2."


def test_a_comparison_is_told_in_the_names_that_readers_know():
    names = {"a": "decoder", "b": "LSTM"}
    found = judge(
        "arm_beats", BEATS | {"names": names, "unit": "points"}, a=[3.0, 3.2, 3.1], b=[1.0, 1.1, 1.2]
    )
    assert found.compared == {"decoder": 3.1, "LSTM": 1.1} and found.unit == "points"
    assert (found.effect, found.size) == ("margin", 2.0)
    assert found.reason.startswith("The 95% interval of the margin (decoder over LSTM) lies wholly above")
    equal = judge("equivalent_within", EQUAL, a=[1.0, 1.1, 1.2], b=[1.0, 1.0, 1.3])
    assert list(equal.compared) == ["a", "b"] and equal.effect == "difference"


def test_a_slope_tells_its_first_and_its_last_point():
    points = {"p1": [1.0, 1.1, 0.9], "p2": [2.0, 2.1, 2.0], "p3": [3.0, 3.2, 2.8]}
    found = judge("increases_with", RISES | {"per": "letter", "names": {"p1": "short words"}}, **points)
    assert found.compared == {"short words": 1.0, "p3": 3.0}
    assert (found.effect, found.size) == ("slope a letter", 1.0)


def test_a_fall_shows_the_reported_metric_and_no_sides():
    found = judge(
        "loss_falls", FALLS | {"report": "r"}, b=[5.0, 5.1, 4.9], a=[4.0, 4.11, 3.88], r=[54.0, 60.0, 49.0]
    )
    assert found.measured == 54.33 and not found.compared
    assert (found.effect, found.size) == ("fall in nats", 1.003)


def test_a_slope_can_be_per_doubling():
    points = {"p1": 1, "p2": 2, "p3": 4}
    metrics = {"p1": [1.0, 1.0, 1.1], "p2": [2.0, 2.1, 2.0], "p3": [3.0, 3.0, 3.1]}
    found = judge("increases_with", RISES | {"points": points, "log": True}, **metrics)
    assert found.interval == pytest.approx((1.0, 1.0), abs=0.05)


@pytest.mark.parametrize("points", [{"p1": 1, "p2": 2}, {"p1": 1, "p2": 3, "p3": 2}])
def test_a_trend_needs_points_in_order(points):
    with pytest.raises(GptreproError, match="three points in ascending order"):
        judge("increases_with", RISES | {"points": points}, p1=[1.0], p2=[1.0], p3=[1.0])


def test_an_unknown_support_is_one_sentence():
    with pytest.raises(GptreproError, match="not 'proved'"):
        judge("arm_beats", BEATS | {"support": "proved"}, a=[1.0] * 3, b=[0.0] * 3)


@pytest.mark.parametrize(
    ("rule", "arguments"), [("arm_beats", BEATS), ("equivalent_within", EQUAL), ("increases_with", RISES)]
)
def test_without_a_record_the_judgement_says_what_to_run(rule, arguments):
    found = apply_rule(rule, None, Evidence(records={}), arguments)
    assert found.verdict is Verdict.NOT_RUN
    assert "gptrepro run e" in found.reason


def draws(n: int, shift: float, points: int = 1) -> np.ndarray:
    """(TRIALS, points, n) normal values with mean ``shift`` and standard deviation 0.1."""
    return np.random.default_rng(n).normal(shift, 0.1, (TRIALS, points, n))


def within_simulation_error(rate: float, nominal: float) -> bool:
    return rate < nominal + 4 * math.sqrt(nominal * (1 - nominal) / TRIALS)


@pytest.mark.parametrize("n", SEEDS)
def test_a_margin_at_the_minimum_passes_as_rarely_as_stated(n):
    """2.5% of the intervals lie wholly above a true difference, and 2.5% wholly below."""
    found = [verdict("arm_beats", BEATS | {"minimum": 0.3}, a=list(d[0]), b=[0.0] * n) for d in draws(n, 0.3)]
    assert within_simulation_error(found.count(Verdict.TREND) / TRIALS, 0.025)
    assert within_simulation_error(found.count(Verdict.NOT_REPLICATED) / TRIALS, 0.025)


@pytest.mark.parametrize("n", SEEDS)
def test_the_smallest_visible_effect_is_seen_four_times_in_five(n):
    effect = minimal_detectable_effect(n, 0.1)
    found = [verdict("arm_beats", BEATS, a=list(d[0]), b=[0.0] * n) for d in draws(n, effect)]
    error = 4 * math.sqrt(0.8 * 0.2 / TRIALS)
    assert found.count(Verdict.TREND) / TRIALS == pytest.approx(0.8, abs=error)


@pytest.mark.parametrize("n", SEEDS)
def test_arms_that_differ_by_the_margin_seldom_pass_for_equivalent(n):
    found = [verdict("equivalent_within", EQUAL, a=list(d[0]), b=[0.0] * n) for d in draws(n, 0.2)]
    assert within_simulation_error(found.count(Verdict.TREND) / TRIALS, 0.025)


def test_equivalence_is_seen_where_the_margin_allows():
    found = [verdict("equivalent_within", EQUAL, a=list(d[0]), b=[0.0] * 8) for d in draws(8, 0.0)]
    assert found.count(Verdict.TREND) / TRIALS > 0.9


@pytest.mark.parametrize("n", SEEDS)
def test_a_flat_score_seldom_passes_for_a_trend(n):
    found = [
        verdict("increases_with", RISES, **{f"p{i}": list(points) for i, points in enumerate(d, start=1)})
        for d in draws(n, 0.0, points=3)
    ]
    assert within_simulation_error(found.count(Verdict.TREND) / TRIALS, 0.025)


def test_a_steep_trend_is_seen():
    steps = np.arange(3)[None, :, None] * 0.3
    found = [
        verdict("increases_with", RISES, **{f"p{i}": list(points) for i, points in enumerate(d, start=1)})
        for d in draws(5, 0.0, points=3) + steps
    ]
    assert found.count(Verdict.TREND) / TRIALS > 0.9


@pytest.fixture
def real_record():
    """A record of ``gpt1-pretraining`` as it is published, with its configuration changed at will."""

    def build(**changes: object) -> Record:
        config = PRETRAINING.config(Scale.LAPTOP)
        settings = config.model_dump(mode="json") | changes
        data = [
            DataUsed(name=c.name, split=c.split, digest=corpus_digest(c.name, c.split), tier="mirror")
            for c in PRETRAINING.corpora(config)
        ]
        hardware = Hardware(processor="abacus", cores=1, threads=1, accelerator=None)
        losses = [(5.0, 4.0), (5.1, 4.11), (4.9, 3.88)]
        return Record(
            experiment="gpt1-pretraining",
            version=PRETRAINING.version,
            scale=Scale.LAPTOP,
            config=settings,
            data=data,
            tokenizer="a" * 64,
            digest=digest_of("gpt1-pretraining", PRETRAINING.version, settings, data, "a" * 64),
            runs=[
                Run(
                    seed=100 + i,
                    metrics={"b": before, "a": after},
                    history=[],
                    tokens=1,
                    flops=1.0,
                    wall_seconds=1.0,
                    hardware=hardware,
                    versions={},
                    commit="0" * 40,
                    finished="2026-01-01",
                )
                for i, (before, after) in enumerate(losses)
            ],
        )

    return build


def test_a_stale_record_keeps_its_verdict_and_names_its_renewal(real_record):
    arguments = FALLS | {"experiment": "gpt1-pretraining"}
    evidence = Evidence(records={"gpt1-pretraining": real_record(dropout=0.3)})
    found = apply_rule("loss_falls", None, evidence, arguments)
    assert found.verdict is Verdict.TREND
    assert found.stale is not None and "gptrepro publish gpt1-pretraining --scale laptop" in found.stale
    fresh = Evidence(records={"gpt1-pretraining": real_record()})
    assert apply_rule("loss_falls", None, fresh, arguments).stale is None


def test_a_missing_metric_says_how_to_get_it(real_record):
    arguments = FALLS | {"experiment": "gpt1-pretraining", "before": "elsewhere"}
    evidence = Evidence(records={"gpt1-pretraining": real_record()})
    with pytest.raises(GptreproError, match="no metric 'elsewhere'"):
        apply_rule("loss_falls", None, evidence, arguments)


def test_a_record_of_some_seeds_keeps_their_order_and_is_as_fresh(real_record):
    """`arm_beats` pairs what `Record.of_seeds` leaves."""
    some = real_record().of_seeds([102, 100])
    assert some.seeds == [100, 102] and some.metric("b") == [5.0, 4.9]
    assert Record.model_validate(some.model_dump()) == some
