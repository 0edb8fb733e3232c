"""Describes what a folder's table holds, for the card."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from r1router.kb.card import describe_entries
from r1router.kb.rows import ABOUT, BATCH, CELLS, FEW
from r1router.kb.stores.folder.table import read_rows


def describe_table(table: Any, kind: str, about: Collection[int] | None = None) -> str:
    """How many records there are and their titles, in one line. `about`: of entries whose sources these are."""

    def read_first_blocks() -> Iterator[dict[str, Any]]:
        wanted = ["title", "section", "first_row", CELLS, *([ABOUT] if about is not None else [])]
        found = read_rows(table.search().where("first_row = 1").select(wanted), together=FEW)
        return (row for row in found if about is None or row[ABOUT] in about)

    return describe_entries(kind, _read_titles(table, about), read_first_blocks)


def _read_titles(table: Any, about: Collection[int] | None) -> Iterator[tuple[str, str, str]]:
    wanted = ["source", "record", "title", *([ABOUT] if about is not None else [])]
    for batch in table.search().select(wanted).to_batches(BATCH):
        columns = [batch.column(name).to_pylist() for name in wanted]
        for source, record, title, *known in zip(*columns, strict=True):
            if about is None or known[0] in about:
                yield source, record, title
