"""Remembers what was left out of each file, or read with a guess, because nobody reads a report twice.

One note as JSON beside the knowledge bases: a list of (where, reason, read all the same) for each source.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from r1router.ingest.records import Problem
from r1router.kb.stores.store import Catalog

NOTE = "left_out.json"


def read_left_out(catalog: Catalog) -> dict[str, list[Problem]]:
    """By source; empty where nothing is remembered, or the note is damaged."""
    return _parse(catalog.read_note(NOTE))


def remember(catalog: Catalog, told: Mapping[str, Sequence[Problem]], forgotten: Iterable[str] = ()) -> None:
    """Replaces what is remembered of these sources, and drops the `forgotten` ones. Raises `NotWritten`."""

    def change(written: str) -> str:
        before = _parse(written)
        after = {**before, **{source: list(problems) for source, problems in told.items()}}
        for source in forgotten:
            after.pop(source, None)
        after = {source: problems for source, problems in after.items() if problems}
        return written if after == before else _render(after)

    catalog.change_note(NOTE, change)


def _parse(written: str) -> dict[str, list[Problem]]:
    try:
        return {source: [Problem(source, *item) for item in items] for source, items in json.loads(written).items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def _render(told: Mapping[str, Sequence[Problem]]) -> str:
    rows = {source: [(p.where, p.reason, p.read) for p in problems] for source, problems in sorted(told.items())}
    return json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
