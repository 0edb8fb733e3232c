"""Reads and writes sampled groups and pairs of replies, a JSON line each, because they are to be looked at too."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from r1router.codec import from_dict
from r1router.errors import InputError
from r1router.train.steps.step_file import TrainingStep


@dataclass(frozen=True, slots=True)
class Group:
    """One decision, several replies to it, and what each of them earned."""

    step: TrainingStep
    """What the policy saw, and what would have been right."""
    replies: tuple[str, ...]
    values: tuple[float | None, ...]
    """Weighted sums of the rewards; None for a reply that none applies to."""
    parts: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    """Of each reward by its spec, unweighted."""
    task: str = ""
    """The question that was worked; empty where the step stood for itself."""
    chosen: int = -1
    """The reply that carried the question on; -1 where none did."""
    right: float | None = None
    """What the question's final answer scored in the end, in [0, 1]; None where there was none, or none is known."""


def find_most(group: Group, weights: Mapping[str, float]) -> float:
    """What a reply of this group can earn: the positive weights of the rewards that apply to it."""
    applies = {name for name, column in group.parts.items() if any(value is not None for value in column)}
    return sum(weight for name, weight in weights.items() if weight > 0 and (name in applies or not group.parts))


@dataclass(frozen=True, slots=True)
class Pair:
    """Two replies to one decision, of which one earned more."""

    step: TrainingStep
    chosen: str
    rejected: str
    gap: float
    """How much more."""


T = TypeVar("T", Group, Pair)


def read_groups(file: Path) -> list[Group]:
    """Raises `InputError` with file and line for what is none."""
    return list(_read(Group, file, "`r1router train sample` writes one"))


def read_pairs(*files: Path) -> list[Pair]:
    """Those of all files. Raises `InputError` with file and line for what is none, and where there are none."""
    pairs = [pair for file in files for pair in _read(Pair, file, "`r1router train sample` writes pairs.jsonl")]
    if not pairs:
        raise InputError(f"no pairs in {', '.join(map(str, files))}; no two replies to a step earned differently")
    return pairs


def _read(kind: type[T], file: Path, help: str) -> Iterator[T]:
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error}; {help}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield from_dict(kind, json.loads(line))
        except (json.JSONDecodeError, InputError) as error:
            raise InputError(f"{file}:{number}: not a sampled {kind.__name__.lower()}: {error}") from error
