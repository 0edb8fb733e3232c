"""Loads metrics by name: `--metric f1_recall` is `metrics/f1_recall.py`, `package.module:name` is anybody's.

A metric is a plain function

    metric(trajectory: Trajectory, example: Example) -> float | Mapping[str, float] | None

A float is the row's value under the metric's name; a mapping gives several, each under its own key; None, and a
key that a mapping lacks, mean that the row is not judged, which is not the same as 0. Averages are over judged
rows. A metric with a keyword `kinds` is given the run's knowledge bases, name → kind ("text", "image", "table").
A metric that raises fails the run.

A file that judges answers also has the inner `score(prediction, answers, *, question="") -> float | None` on
strings in [0, 1]: what `r1router score` and the training reward call. `Example.answers` holds accepted answers, any
one of which is right; `r1router.evals.answers` says how a numeric range is written among them.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

from r1router.errors import InputError
from r1router.evals.answers import Score
from r1router.registry import list_entries, load
from r1router.types import Example, Trajectory

Metric = Callable[..., float | Mapping[str, float] | None]

DEFAULT = (
    "f1_recall",
    "length_aware",
    "exact_match",
    "token_f1",
    "contains",
    "numeric",
    "yes_no",
    "evidence_recall",
    "route_accuracy",
    "cost",
    "stop",
    "format_errors",
    "abstention",
)
"""Every metric that needs no model, in the order of a report."""


def names() -> list[str]:
    """The metrics that come with the package."""
    return list_entries(__file__)


def load_metric(name: str) -> Metric:
    """Raises `UnknownName` for a name that is not known, `InputError` for a module that cannot be imported."""
    metric = load("metric", name, package=__name__, known=names(), attribute=name)
    if not callable(metric):
        raise InputError(f"metric {name!r} is not a function (trajectory, example) -> float, mapping or None")
    return metric  # type: ignore[no-any-return]


def load_score(name: str) -> Score | None:
    """The metric's `score` on strings; None for one that does not judge answers. Raises as `load_metric`."""
    metric = load_metric(name)
    score: Score | None = getattr(importlib.import_module(metric.__module__), "score", None)
    return score


def measure(
    trajectory: Trajectory, example: Example, metrics: Mapping[str, Metric], *, kinds: Mapping[str, str] | None = None
) -> dict[str, float]:
    """All values of one row. What a metric raises is raised, with a note that says which metric and which row."""
    values: dict[str, float] = {}
    for name, metric in metrics.items():
        try:
            value = bind(metric, kinds or {})(trajectory, example)
        except Exception as error:
            error.add_note(f"while the metric {name!r} judged {example.id!r}")
            raise
        if value is not None:
            values |= value if isinstance(value, Mapping) else {name: value}
    return values


def bind(metric: Metric, kinds: Mapping[str, str]) -> Metric:
    """The metric with the run's knowledge bases given to it, where it asks for them."""
    return partial(metric, kinds=kinds) if _wants_kinds(metric) else metric


@cache
def _wants_kinds(metric: Metric) -> bool:
    return "kinds" in inspect.signature(metric).parameters


def load_metrics(names: Sequence[str] = DEFAULT) -> dict[str, Metric]:
    """Name → metric. An own metric, `package.module:name`, is known by its last part in results."""
    return {name.rpartition(":")[2]: load_metric(name) for name in names}
