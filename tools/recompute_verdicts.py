"""Every trained verdict once more, from `data/claims` and `data/results` alone, with numpy and scipy.

For who does not trust the package: nothing of it is imported. The rules are written down here a second time,
as plainly as possible, and so is what is no data: the check that an experiment must pass, and what guessing
scores. A test holds both to one another. Run it from the repository: `python tools/recompute_verdicts.py`.

Scores whose items were kept are judged over seeds and items by draws of chance; here they are drawn anew, so
that a verdict at the very edge of its level may differ.
"""

from __future__ import annotations

import base64
import json
import math
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from scipy import stats

ROOT = Path(__file__).parent.parent
ALPHA, LEAST_SEEDS, LEAST_ITEMS, LEAST_DISCORDANT = 0.05, 3, 20, 10
SCALES = ("paper", "gpu", "laptop")  # the largest first
TRAINED = ("arm_beats", "equivalent_within", "increases_with")

BELOW_A_PROBE = {"where": {"rows": "largest"}, "arm": {"arm": "full"}, "over": {"arm": "frozen"}}
CHECKS = dict.fromkeys(("gpt1-fine-tuning", "gpt1-fine-tuning-long-rows"), BELOW_A_PROBE)

# Of a heuristic: metric, chance, items of its test set, share of label 1.
HEURISTICS = {
    "acceptability": ("auc", 0.5, 1043, 0.689),
    "sentiment": ("auc", 0.5, 1821, 0.5),
    "questions": ("accuracy", 0.2, 1221, 0.5),
    "referents": ("accuracy", 0.5, 273, 0.5),
    "word_order": ("auc", 0.5, 1488, 0.5),
    "continuation": ("accuracy", 0.5, 490, 0.5),
}
TEST_ROWS = {
    "sst2": 1821, "cola": 1043, "rte": 277, "mrpc": 1725, "stsb": 1379, "sick": 4927, "snli-sample": 9824,
    "commonsenseqa": 1221, "dream": 2040, "novel-word-order": 1488, "novel-continuation": 490,
}  # fmt: skip


class Found(NamedTuple):
    """A verdict, and the test behind it where there was one."""

    verdict: str
    p_value: float | None = None
    interval: tuple[float, float] | None = None
    scale: str | None = None


class Error:
    """The mean of an effect over members, (seeds, items) each, and the law of its error."""

    def __init__(self, effect: list[np.ndarray]):
        by_seed = np.mean([values.mean(axis=1) for values in effect], axis=0)
        n = len(by_seed)
        self.mean, self.df = float(by_seed.mean()), n - 1
        self.se = float(by_seed.std(ddof=1) / math.sqrt(n)) if n > 1 else math.nan
        self.draws = None
        if n == 1:  # items alone replicate
            rng = np.random.default_rng(1)
            self.df, self.draws = math.inf, np.zeros(20_000)
            for values in effect:
                for k in range(0, 20_000, 1000):
                    drawn = rng.choice(values[0] - values.mean(), (1000, values.shape[1])).mean(axis=1)
                    self.draws[k : k + 1000] += drawn / len(effect)
        elif any(values.shape[1] > 1 for values in effect):
            rng = np.random.default_rng(1)
            self.draws = rng.standard_t(self.df, 20_000) * self.se
            for values in effect:
                items = values.mean(axis=0)
                noise = values - values.mean(axis=1, keepdims=True) - items + values.mean()
                own = max(0.0, 1 - noise.var() / (n - 1) / (items.var() or 1.0))
                drawn = rng.choice(items - items.mean(), (20_000, items.size)).mean(axis=1)
                self.draws += math.sqrt(own) * drawn / len(effect)

    def above(self, null: float) -> float:
        """One-sided p-value of a mean above ``null``."""
        if self.draws is not None:
            drawn = np.count_nonzero(np.abs(self.draws) >= abs(self.mean - null))
            beyond = (1 + drawn) / (1 + self.draws.size) / 2
            return float(beyond if self.mean > null else 1 - beyond)
        if self.se == 0:
            return float(self.mean <= null)
        return float(stats.t.sf((self.mean - null) / self.se, self.df))

    def below(self, null: float) -> float:
        """One-sided p-value of a mean below ``null``."""
        return float(self.mean >= null) if self.se == 0 and self.draws is None else 1 - self.above(null)

    def interval(self, alpha: float) -> tuple[float, float]:
        """Two bounds, each missed with probability ``alpha``."""
        half = stats.t.isf(alpha, self.df) * self.se if self.draws is None else 0.0
        if self.draws is not None:
            half = np.quantile(np.abs(self.draws), 1 - 2 * alpha)
        return self.mean - half, self.mean + half


def selected(rows: list[dict[str, Any]], where: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows that a selection by coordinates asks for."""
    for name, wanted in where.items():
        if wanted is None:
            rows = [row for row in rows if name not in row]
        elif isinstance(wanted, dict):
            rows = [row for row in rows if name in row and row[name] > wanted["above"]]
        elif wanted != "largest":
            rows = [
                row for row in rows if row.get(name) in (wanted if isinstance(wanted, list) else [wanted])
            ]
    for name in (name for name, wanted in where.items() if wanted == "largest"):
        alike: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            if name in row:
                alike[frozenset((k, v) for k, v in row.items() if k not in (name, "value"))].append(row)
        rows = [row for some in alike.values() for row in some if row[name] == max(r[name] for r in some)]
    return rows


def items_of(run: dict[str, Any], row: dict[str, Any]) -> np.ndarray | None:
    """What each item gave of the set that a row is the mean of, where that was kept."""
    place = {name: value for name, value in row.items() if name not in ("seed", "value")}
    for kept in run.get("outcomes", []):
        if kept["coordinates"] == place:
            raw = base64.b64decode(kept["packed"])
            bits = np.unpackbits(np.frombuffer(raw, np.uint8), count=kept["items"]).astype(float)
            values = bits if kept["kind"] == "bit" else np.frombuffer(raw, "<f2").astype(float)
            return values * (
                100 if abs(100 * values.mean() - row["value"]) < abs(values.mean() - row["value"]) else 1
            )
    return None


class Side(NamedTuple):
    """Curves (seeds, items, points) of each member, and where their points stand."""

    members: dict[Any, np.ndarray]
    points: list[float]
    scores: dict[Any, str]


def side(record: dict[str, Any], where: dict[str, Any], rule: dict[str, Any], curve: bool = True) -> Side:
    """What ``where`` selects in a record, by the ``along`` and ``mean_over`` of a rule."""
    along, over = rule.get("along") if curve else None, rule.get("mean_over")
    runs = {run["seed"]: run for run in record["runs"]}
    rows = [{"seed": seed} | row for seed, run in runs.items() for row in run["rows"]]
    rows = [row for row in selected(rows, where) if along is None or along in row]
    by_member: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_member[row[over] if over else None].append(row)
    points_of = {member: {row[along] if along else 0 for row in some} for member, some in by_member.items()}
    kept = {
        member: points for member, points in points_of.items() if not along or not over or len(points) > 1
    }
    points = sorted(set.intersection(*kept.values()))
    members, scores = {}, {}
    for member in sorted(kept, key=str):
        cells = {(row["seed"], row[along] if along else 0): row for row in by_member[member]}
        wanted = [(seed, point) for seed in runs for point in points]
        assert sum((row[along] if along else 0) in points for row in by_member[member]) == len(wanted)
        found = [items_of(runs[place[0]], cells[place]) for place in wanted]
        if record["replicated_over"] == "seed" or any(each is None for each in found):
            found = [np.array([cells[place]["value"]]) for place in wanted]
        values = np.stack([each for each in found if each is not None]).reshape(len(runs), len(points), -1)
        members[member] = values.transpose(0, 2, 1)
        (scores[member],) = {row["score"] for row in by_member[member]}
    return Side(members, points, scores)


def reduced(curves: Side, how: str) -> list[np.ndarray]:
    """A number of each curve."""
    x = np.asarray(curves.points, dtype=float)
    if how in ("doubling", "roughness"):
        x = np.log2(x)
    x = x - x.mean()

    def one(values: np.ndarray) -> np.ndarray:
        if how in ("mean", "last", "rise"):
            last = values[..., -1]
            return {"mean": values.mean(axis=-1), "last": last, "rise": last - values[..., 0]}[how]
        slope = values @ x / (x @ x)
        if how != "roughness":
            return slope
        rest = values - values.mean(axis=-1, keepdims=True) - slope[..., None] * x
        return np.sqrt((rest**2).mean(axis=-1))

    return [one(values) for values in curves.members.values()]


def minus(a: Side, b: Side) -> Side:
    """One side less the other, member by member."""
    assert a.points == b.points and list(a.members) == list(b.members) and a.scores == b.scores
    return Side({name: values - b.members[name] for name, values in a.members.items()}, a.points, a.scores)


def guess(record: dict[str, Any], score: str, task: str) -> tuple[float, float]:
    """What guessing scores on a task, and its standard error on the items that were asked."""
    config = record["config"]
    if "items" in config:
        metric, chance, size, share = HEURISTICS[task]
        n, scale = min(config["items"], size), 1 / (1 - chance) if score == "relative" else 1.0
        luck = math.sqrt(chance * (1 - chance) / n)
        if (metric if score == "relative" else score) == "auc":
            luck = math.sqrt((n + 1) / (12 * n * n * share * (1 - share)))
        return (0.0 if score == "relative" else chance), luck * scale
    where = {"task": task, "arm": "majority", "score": score}
    values = [row["value"] for run in record["runs"] for row in selected(run["rows"], where)]
    n, p = min(config["test_rows"], TEST_ROWS[task]), np.mean(values) / 100
    if score == "f1":
        positive = p / (2 - p)
        luck = 2 / (1 + positive) ** 2 * math.sqrt(positive * (1 - positive) / n)
    else:
        luck = math.sqrt(p * (1 - p) / n) if score == "accuracy" else 1 / math.sqrt(n)
    return float(np.mean(values)), 100 * luck


class Test(NamedTuple):
    """What a rule asks of a record: an effect, its region, and steps that may not lose more than ``loss``."""

    effect: Error
    least: float
    most: float
    steps: list[Error]
    loss: float
    support: str

    def p_values(self) -> tuple[float, float]:
        """For the claim (all parts) and against it (any part)."""
        parts = [self.effect.above(self.least), *(step.above(-self.loss) for step in self.steps)]
        fails = [self.effect.below(self.least), *(step.below(-self.loss) for step in self.steps)]
        if math.isfinite(self.most):
            return max(*parts, self.effect.below(self.most)), min(*fails, self.effect.above(self.most))
        return max(parts), min(1.0, len(fails) * min(fails))

    def verdict(self, alpha: float) -> str:
        """At a one-sided level."""
        for_it, against = self.p_values()
        if for_it < alpha:
            return self.support
        if against >= alpha:
            return "inconclusive"
        k = 1 + len(self.steps)
        lost = any(k * step.below(-self.loss) < alpha for step in self.steps)
        below_zero = k * self.effect.below(min(self.least, 0.0)) < alpha
        return "not replicated" if math.isfinite(self.most) or lost or below_zero else "smaller than stated"


def tested(rule: dict[str, Any], record: dict[str, Any], rival: dict[str, Any]) -> Test | str:
    """The test of a rule on a record, or the verdict where the record allows none."""
    name, where, sign = rule["name"], rule.get("where", {}), -1 if rule.get("lower_is_better") else 1
    arm, over = where | rule.get("arm", {}), where | rule.get("over", {})
    rising = name == "increases_with"
    first = side(record, arm, rule)
    sides = [first] if rising and "over" not in rule else [first, side(rival, over, rule)]
    curve = minus(*sides) if len(sides) == 2 else first
    how = rule.get("statistic", "slope" if rising else "mean")
    how = "doubling" if rising and how == "slope" and rule.get("log") else how
    effect = [sign * values for values in reduced(curve, how)]
    if how == "roughness":
        effect = [sign * (a - b) for a, b in zip(*(reduced(each, how) for each in sides), strict=True)]
    if record["replicated_over"] != "item" and len(record["runs"]) < LEAST_SEEDS:
        return "inconclusive"
    drawn = [values for values in effect if values.shape[1] > 1]
    if drawn and (
        min(values.shape[1] for values in drawn) < LEAST_ITEMS
        or sum(np.count_nonzero(values.any(axis=0)) for values in drawn) < LEAST_DISCORDANT
    ):
        return "inconclusive"
    for each in (record, rival):
        if (check := CHECKS.get(each["experiment"])) is not None:
            of_tasks = {"mean_over": "task"}
            full, probe = (side(each, check["where"] | check[role], of_tasks) for role in ("arm", "over"))
            if Error(reduced(minus(full, probe), "mean")).below(0.0) < ALPHA:
                return "void"
    if rule.get("floor") == "guessing":
        scores = [reduced(each, "last" if rising else "mean") for each in sides]
        if "floor_at" in rule:
            scores = [
                reduced(side(each, own | rule["floor_at"], rule, curve=False), "mean")
                for each, own in ((record, arm), (rival, over))
            ]
        tasks = {member: member or where["task"] for member in first.members}
        guesses = [guess(record, first.scores[member], task) for member, task in tasks.items()]
        luck = [
            0 if values.shape[1] > 1 else error for values, (_, error) in zip(scores[0], guesses, strict=True)
        ]
        floor = (sum(value for value, _ in guesses) + sign * 2 * math.sqrt(sum(e * e for e in luck))) / len(
            guesses
        )
        if all(Error([sign * values for values in each]).above(sign * floor) >= ALPHA for each in scores):
            return "inconclusive"
    steps = []
    if "step_loss" in rule:
        gains = [sign * np.diff(values, axis=-1) for values in curve.members.values()]
        steps = [Error([gain[..., i] for gain in gains]) for i in range(len(curve.points) - 1)]
    least, most = rule.get("minimum", 0.0), math.inf
    if name == "equivalent_within":
        least, most = -rule["margin"], rule["margin"]
    return Test(
        Error(effect), least, most, steps, rule.get("step_loss", 0.0), rule.get("support", "trend replicated")
    )


def records() -> dict[str, dict[str, dict[str, Any]]]:
    """The published records by experiment and scale, the largest first."""
    found: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for scale in SCALES:
        for path in sorted((ROOT / "data" / "results" / scale).glob("*.json")):
            found[path.stem][scale] = json.loads(path.read_text())
    return found


def deciding(
    rule: dict[str, Any], known: dict[str, dict[str, Any]]
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The records that decide: of the largest scale with seeds enough, or of the largest there is."""
    ours, theirs = known.get(rule["experiment"], {}), known.get(rule.get("rival", rule["experiment"]), {})
    found = []
    for scale in (scale for scale in ours if scale in theirs):
        pair = (ours[scale], theirs[scale])
        both = set.intersection(*({run["seed"] for run in each["runs"]} for each in pair))
        alike = pair[0]["replicated_over"] == pair[1]["replicated_over"]
        cut = [each | {"runs": [run for run in each["runs"] if run["seed"] in both]} for each in pair]
        found.append([each if alike else each | {"replicated_over": "seed"} for each in cut])
    enough = [
        pair for pair in found if pair[0]["replicated_over"] == "item" or len(pair[0]["runs"]) >= LEAST_SEEDS
    ]
    chosen = next(iter(enough or found), None)
    return (chosen[0], chosen[1]) if chosen else None


def recompute() -> dict[str, Found]:
    """Every trained verdict, by claim."""
    claims = [
        claim
        for path in sorted((ROOT / "data" / "claims").glob("*.yml"))
        for claim in yaml.safe_load(path.read_text())
    ]
    known, found, tests, families = records(), {}, {}, defaultdict(list)
    for claim in claims:
        rule, name = claim.get("rule") or {}, claim["id"]
        if rule.get("name") not in TRAINED:
            continue
        pair = deciding(rule, known)
        outcome = tested(rule, *pair) if pair else "not run"
        scale = pair[0]["scale"] if pair else None
        p_value = min(outcome.p_values()) if isinstance(outcome, Test) else 1.0
        if isinstance(outcome, Test):
            tests[name] = outcome
            found[name] = Found(outcome.verdict(ALPHA), p_value, outcome.effect.interval(ALPHA), scale)
        else:
            found[name] = Found(outcome, scale=scale)
        if not claim.get("primary"):
            families[claim.get("chapter")].append((p_value, name))
    for (
        family
    ) in families.values():  # Holm: the smallest p-value at alpha / m, and so on up to the first that fails
        failed, adjusted, level = False, 0.0, ALPHA
        for rank, (p_value, name) in enumerate(sorted(family)):
            level = level if failed else ALPHA / (len(family) - rank)
            failed = failed or p_value >= level
            adjusted = max(adjusted, min(1.0, (len(family) - rank) * p_value))
            if name in tests:
                test, scale = tests[name], found[name].scale
                found[name] = Found(test.verdict(level), adjusted, test.effect.interval(level), scale)
    upheld = ("replicated", "trend replicated", "mechanism shown")
    opposite = dict.fromkeys(upheld, "not replicated")
    opposite |= dict.fromkeys(("not replicated", "smaller than stated"), "trend replicated")
    for claim in claims:
        if (mirrored := claim.get("mirror_of")) is not None:
            found[claim["id"]] = found[mirrored]._replace(
                verdict=opposite.get(found[mirrored].verdict, found[mirrored].verdict)
            )
    return found


def main() -> None:
    """Print every verdict."""
    for name, each in sorted(recompute().items()):
        test = ""
        if each.p_value is not None and each.interval is not None:
            test = f"  ({each.interval[0]:.3f} to {each.interval[1]:.3f}), p = {each.p_value:.4f}"
        sys.stdout.write(f"{name}: {each.verdict}{test}\n")


if __name__ == "__main__":
    main()
