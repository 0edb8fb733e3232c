"""Draws what runs of training have logged as curves, because a mean at the end does not say how it came about."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from r1router.charts.figures import Figure, draw_lines
from r1router.errors import InputError
from r1router.train import run_folder

Log = Mapping[str, Any]
Points = list[tuple[float, float]]

_ONE = (
    ("reward", "Reward", "weighted sum of a reply's rewards"),
    ("ties", "Ties", "share of groups that teach nothing"),
    ("entropy", "Entropy", "nats per token"),
    ("kl", "KL to the start", "nats per token"),
    ("format_valid", "Readable replies", "share"),
    ("loss", "Loss", "as the trainer has it"),
    ("rehearsal_loss", "Loss of what is rehearsed", "nats per token"),
    ("eval_score", "Score on dev", "mean that checkpoints are chosen by"),
)
"""(key in the logs, title, what the numbers are) of figures with a line for each run."""
_PARTS = (
    ("Rewards by kind of step", "mean", lambda key: key.startswith("rewards/") and not key.endswith(("/mean", "/std"))),
    ("Scores on dev", "share or mean", lambda key: key.startswith("eval_") and key != "eval_score"),
)
"""(title, what the numbers are, which keys) of figures of each run, with a line for each key."""


def read_curves(run: Path) -> list[Log]:
    """What a run has logged up to its last checkpoint. Raises `InputError` where there is none."""
    logs: list[Log] = [*run_folder.read_logs(run)]
    if not logs:
        raise InputError(f"{run} is no training run with a checkpoint; the logs stand in checkpoint-N")
    return logs


def draw_curves(runs: Mapping[str, Sequence[Log]], *, window: int = 5) -> list[Figure]:
    """Figures of these runs' logs by name; each point of training is the mean of the last `window` logs."""
    figures = []
    for key, title, what in _ONE:
        found = {name: _points(logs, key, window) for name, logs in runs.items()}
        figures += _draw({name: points for name, points in found.items() if points}, title, what)
    for title, what, wanted in _PARTS:
        for name, logs in runs.items():
            keys = _keys(logs, wanted)
            own = title if len(runs) == 1 else f"{title}: {name}"
            figures += _draw({_shorten(key): _points(logs, key, window) for key in keys}, own, what)
    return figures


def write_points(runs: Mapping[str, Sequence[Log]], file: Path) -> None:
    """The logs themselves as JSON, by run, to draw with anything."""
    file.write_text(json.dumps({name: list(logs) for name, logs in runs.items()}) + "\n", encoding="utf-8")


def _keys(logs: Sequence[Log], wanted: Callable[[str], bool]) -> list[str]:
    return sorted({key for log in logs for key, value in log.items() if wanted(key) and _is_number(value)})


def _points(logs: Sequence[Log], key: str, window: int) -> Points:
    """(optimizer step, value); of training the mean of the last few, of an evaluation as it is."""
    found = [(float(log["step"]), float(log[key])) for log in logs if _is_number(log.get(key))]
    if key.startswith("eval_"):
        return found
    kept = [[value for _, value in found[max(0, at + 1 - window) : at + 1]] for at in range(len(found))]
    return [(step, sum(values) / len(values)) for (step, _), values in zip(found, kept, strict=True)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and value == value


def _shorten(key: str) -> str:
    return key.removeprefix("rewards/").removeprefix("eval_")


def _draw(series: Mapping[str, Points], title: str, what: str) -> list[Figure]:
    if not series:
        return []
    marked = any(len(points) < 12 for points in series.values())
    return [draw_lines(series, title=title, x_label="optimizer step", y_label=what, marked=marked)]
