"""Lists the sources of a knowledge base, or of the part that a filter lets through, with what is known of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from r1router.filters.tree import Fields
from r1router.kb.about import About
from r1router.kb.ledger import Ledger
from r1router.kb.table import ABOUT, open_table


@dataclass(frozen=True, slots=True)
class KnownSource:
    source: str
    entries: int
    complete: bool
    fields: Fields
    """What is known of all of it; what single rows have besides is not listed."""


def list_sources(folder: Path, about: Collection[int] | None = None) -> list[KnownSource]:
    """Sorted. `about`: only entries whose sources these are count, and sources without any are left out."""
    counted: dict[str, tuple[int, int | None]] = {}
    table = open_table(folder)
    wanted = [name for name in ("source", ABOUT) if table is not None and name in table.schema.names]
    for batch in table.search().select(wanted).to_batches() if table is not None else ():
        known = batch.column(ABOUT).to_pylist() if ABOUT in wanted else [None] * len(batch)
        for source, id_ in zip(batch.column("source").to_pylist(), known, strict=True):
            if about is None or id_ in about:
                counted[source] = (counted.get(source, (0, None))[0] + 1, id_)
    taken = Ledger(folder).read()
    fields = About(folder).read_bases()
    names = counted.keys() | ({s for s, row in taken.items() if not row.fingerprint} if about is None else set())
    found = []
    for name in sorted(names):
        entries, id_ = counted.get(name, (0, None))
        is_complete = name in taken and bool(taken[name].fingerprint)
        found.append(KnownSource(name, entries, is_complete, fields.get(id_ or 0, {})))
    return found
