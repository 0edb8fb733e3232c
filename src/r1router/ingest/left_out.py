"""Remembers what was left out of each file, or read with a guess, because nobody reads a report twice.

One JSON file beside the knowledge bases: a list of (where, reason, read all the same) for each source.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import filelock

from r1router.ingest.records import Problem
from r1router.kb.writer import explain_refusals

FILE = "left_out.json"


def read_left_out(kbs: Path) -> dict[str, list[Problem]]:
    """By source; empty where nothing is remembered, or the file is damaged."""
    try:
        told = json.loads((kbs / FILE).read_text(encoding="utf-8"))
        return {source: [Problem(source, *item) for item in items] for source, items in told.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def remember(kbs: Path, told: Mapping[str, Sequence[Problem]], forgotten: Iterable[str] = ()) -> None:
    """Replaces what is remembered of these sources, and drops the `forgotten` ones. Raises `NotWritten`."""
    if kbs.is_dir():
        with (
            explain_refusals(kbs),
            filelock.FileLock(kbs / f".{FILE}.lock"),
        ):  # runs into several knowledge bases end at once
            _remember(kbs, told, forgotten)


def _remember(kbs: Path, told: Mapping[str, Sequence[Problem]], forgotten: Iterable[str]) -> None:
    before = read_left_out(kbs)
    after = {**before, **{source: list(problems) for source, problems in told.items()}}
    for source in forgotten:
        after.pop(source, None)
    after = {source: problems for source, problems in after.items() if problems}
    if after == before:
        return
    rows = {source: [(p.where, p.reason, p.read) for p in problems] for source, problems in sorted(after.items())}
    scratch = kbs / f".{FILE}.{os.getpid()}"
    scratch.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    scratch.replace(kbs / FILE)
