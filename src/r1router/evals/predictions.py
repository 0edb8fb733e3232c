"""Scores predictions made elsewhere: one `{"id", "prediction"}` a line, matched with the examples by id."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from r1router.errors import InputError
from r1router.evals.metrics import DEFAULT, load_metrics, load_score, measure
from r1router.evals.statistics import Interval, compute_interval
from r1router.types import Answer, Example, Trajectory


@dataclass(frozen=True, slots=True)
class Scored:
    questions: int
    missing: int
    """Questions without a prediction; they count as an empty one, which is right about nothing."""
    scores: Mapping[str, Interval]


def read_predictions(path: str | Path, examples: Sequence[Example]) -> dict[str, str]:
    """Id to prediction. Raises `InputError` with the line of an unknown or doubled id or of a row that does not fit."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no file of predictions {path}")
    known = {example.id for example in examples}
    found: dict[str, str] = {}
    lines: dict[str, int] = {}
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            id_, prediction = _row(line, f"{path}:{number}")
            if id_ not in known:
                near = difflib.get_close_matches(id_, known, n=1, cutoff=0.6)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise InputError(f"{path}:{number}: the data set has no question {id_!r}{hint}")
            if id_ in found:
                raise InputError(f"{path}:{number}: {id_!r} already has a prediction at line {lines[id_]}")
            found[id_], lines[id_] = prediction, number
    return found


def _row(line: str, place: str) -> tuple[str, str]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(f"{place}: not a line of JSON: {error}") from error
    match row:
        case {"id": str() | int() as id_, "prediction": str() | int() | float() as prediction}:
            return str(id_), str(prediction)
        case _:
            raise InputError(f'{place}: expected {{"id": …, "prediction": "…"}}, found {line.strip()[:80]}')


def list_answer_metrics(names: Sequence[str] | None = None) -> list[str]:
    """The metrics that judge an answer by itself: those of `names`, which all have to, or all there are."""
    if names is None:
        return [name for name in DEFAULT if load_score(name)]
    for name in names:
        if not load_score(name):
            judging = ", ".join(list_answer_metrics())
            raise InputError(f"the metric {name!r} judges more than an answer; of predictions there are: {judging}")
    return list(names)


def score_predictions(
    predictions: Mapping[str, str], examples: Sequence[Example], *, metrics: Sequence[str] | None = None
) -> Scored:
    """Every example's prediction by the metrics, a missing one as an empty one. What a metric raises is raised."""
    judges = load_metrics(list_answer_metrics(metrics))
    columns: dict[str, list[float]] = {}
    for example in examples:
        trajectory = Trajectory(example.question, answer=Answer("", predictions.get(example.id, "")))
        for name, value in measure(trajectory, example, judges).items():
            columns.setdefault(name, []).append(value)
    scores = {name: compute_interval(columns[name]) for name in judges if name in columns}
    return Scored(len(examples), sum(example.id not in predictions for example in examples), scores)
