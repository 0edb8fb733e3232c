"""Sums up one method on one data set: scores with intervals, routes, cost, seconds, by hops, by type.

A row that stopped with "error" counts 0 under every metric that judges it. What it cost is not known, so costs and
seconds are of the rows that finished.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from r1router.drive.prices import Prices
from r1router.evals import gold
from r1router.evals.metrics import Metric, measure
from r1router.evals.metrics.cost import STAGES, cost
from r1router.evals.metrics.route_accuracy import count_routes, list_confidences
from r1router.evals.run import RunLine
from r1router.evals.statistics import (
    Interval,
    compute_calibration_error,
    compute_interval,
    compute_macro_interval,
    compute_quantile,
)
from r1router.types import Example

ERROR = "error"
UNKNOWN = "?"
"""The group of the questions of which the data set does not say the hops or the type."""
TOTAL = "total"

Values = Mapping[str, float]
"""What the metrics said of one row, by the name of the value."""


@dataclass(frozen=True, slots=True)
class Seconds:
    """Wall seconds of a question."""

    p50: float
    p95: float
    mean: float


@dataclass(frozen=True, slots=True)
class Result:
    """What one method did on one data set."""

    method: str
    """Its name; with the run's where two runs have the same method."""
    questions: int
    errors: int
    scores: Mapping[str, Interval]
    """Every value of the metrics that judge; `n` is the number of judged questions."""
    macro_route_accuracy: Interval | None
    """Mean of the accuracies of each gold route, "none" included."""
    costs: Mapping[str, Interval]
    seconds: Mapping[str, Seconds]
    """By stage, and "total"; empty where no row finished."""
    stops: Mapping[str, int]
    by_hops: Mapping[str, Interval]
    """The primary metric by number of hops; empty where the data set never says."""
    by_type: Mapping[str, Interval]
    confusion: Mapping[str, Mapping[str, int]]
    """Gold route → taken route → gold steps; empty where none is chosen or known."""
    calibration_error: float | None = None
    """Of routes: mean distance of confidence and share of right ones; None without gold routes or confidence."""
    alone: Mapping[str, Seconds] = field(default_factory=dict)
    """Like `seconds`, of a sample of questions that were asked one at a time; empty where none was."""
    best_of: tuple[int, Interval] | None = None
    """pass@k: how many runs there are of this method, and the primary metric of the best answer to each question."""


def measure_row(row: RunLine, judges: Mapping[str, Metric], kinds: Mapping[str, str]) -> Values:
    """What the metrics say of a row, 0 throughout where it failed."""
    values = measure(row.trajectory, row.example, judges, kinds=kinds)
    return dict.fromkeys(values, 0.0) if row.trajectory.stop == ERROR else values


def sum_up(
    method: str,
    rows: Sequence[RunLine],
    values: Sequence[Values],
    *,
    kinds: Mapping[str, str],
    primary: str,
    prices: Prices | None = None,
    alone: Sequence[Mapping[str, float]] = (),
) -> Result:
    """`values` are those of the rows, in the same order; `kinds` are the run's knowledge bases, name → kind.

    `alone`: seconds by stage of questions that were asked one at a time. With `prices` the costs have "money".
    """
    scores = _columns(values)
    routes = [
        {key: value for key, value in of_row.items() if key.startswith("route_accuracy/")}
        for of_row in values
        if "route_accuracy" in of_row
    ]
    finished = [row for row in rows if row.trajectory.stop != ERROR]
    judged = [(row.example, of_row[primary]) for row, of_row in zip(rows, values, strict=True) if primary in of_row]
    return Result(
        method,
        len(rows),
        len(rows) - len(finished),
        {name: compute_interval(column) for name, column in scores.items()},
        compute_macro_interval(routes) if any(routes) else None,
        {
            name: compute_interval(column)
            for name, column in _columns([_cost(row, kinds, prices) for row in finished]).items()
            if not name.startswith("seconds")
        },
        _seconds([row.trajectory.usage.seconds for row in finished]),
        dict(sorted(Counter(row.trajectory.stop or UNKNOWN for row in rows).items())),
        _by(judged, lambda example: str(gold.count_hops(example) or UNKNOWN)),
        _by(judged, lambda example: example.type or UNKNOWN),
        _confusion(rows, kinds),
        compute_calibration_error(
            [pair for row in rows for pair in list_confidences(row.trajectory, row.example, kinds)]
        ),
        _seconds(alone),
    )


def _cost(row: RunLine, kinds: Mapping[str, str], prices: Prices | None) -> dict[str, float]:
    money = {"money": prices.cost(row.trajectory.usage)} if prices else {}
    return cost(row.trajectory, row.example, kinds=kinds) | money


def _columns(values: Sequence[Values]) -> dict[str, list[float]]:
    columns: dict[str, list[float]] = defaultdict(list)
    for of_row in values:
        for name, value in of_row.items():
            columns[name].append(value)
    return dict(columns)


def _seconds(by_stage: Sequence[Mapping[str, float]]) -> dict[str, Seconds]:
    if not by_stage:
        return {}
    stages = dict.fromkeys((*STAGES, *sorted({stage for seconds in by_stage for stage in seconds})))
    columns = {stage: [seconds.get(stage, 0.0) for seconds in by_stage] for stage in stages}
    columns[TOTAL] = [sum(seconds.values()) for seconds in by_stage]
    return {
        stage: Seconds(compute_quantile(column, 0.5), compute_quantile(column, 0.95), sum(column) / len(column))
        for stage, column in columns.items()
    }


def _by(judged: Sequence[tuple[Example, float]], group: Callable[[Example], str]) -> dict[str, Interval]:
    """Intervals of the groups, sorted, the unknown last; none where nothing is known."""
    scores: dict[str, list[float]] = defaultdict(list)
    for example, score in judged:
        scores[group(example)].append(score)
    if scores.keys() <= {UNKNOWN}:
        return {}
    return {
        key: compute_interval(scores[key]) for key in sorted(scores, key=lambda key: (key == UNKNOWN, len(key), key))
    }


def _confusion(rows: Sequence[RunLine], kinds: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """Counts of (gold, taken); empty for a method that always searches several knowledge bases, or none at all."""
    searches = [step.routes for row in rows for step in row.trajectory.steps if step.routes]
    if all(len(routes) > 1 for routes in searches):
        return {}
    counts = Counter(pair for row in rows for pair in count_routes(row.trajectory, row.example, kinds=kinds))
    table: dict[str, dict[str, int]] = defaultdict(dict)
    for (wanted, taken), count in sorted(counts.items()):
        table[wanted][taken] = count
    return dict(table)
