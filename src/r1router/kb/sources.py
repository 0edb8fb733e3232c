"""Lists the sources of a knowledge base, or of the part that a filter lets through, with what is known of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from r1router.filters.tree import Fields
from r1router.kb.stores.about import read_bases
from r1router.kb.stores.store import Store


@dataclass(frozen=True, slots=True)
class KnownSource:
    source: str
    entries: int
    complete: bool
    fields: Fields
    """What is known of all of it; what single rows have besides is not listed."""


def list_sources(store: Store, about: Collection[int] | None = None) -> list[KnownSource]:
    """Sorted. `about`: only entries whose sources these are count, and sources without any are left out."""
    counted: dict[str, tuple[int, int | None]] = {}
    for source, id_, entries in store.count_sources():
        if about is None or id_ in about:
            counted[source] = (counted.get(source, (0, None))[0] + entries, id_)
    taken = store.ledger.read()
    fields = read_bases(store.field_sets)
    names = counted.keys() | ({s for s, row in taken.items() if not row.fingerprint} if about is None else set())
    found = []
    for name in sorted(names):
        entries, id_ = counted.get(name, (0, None))
        is_complete = name in taken and bool(taken[name].fingerprint)
        found.append(KnownSource(name, entries, is_complete, fields.get(id_ or 0, {})))
    return found
