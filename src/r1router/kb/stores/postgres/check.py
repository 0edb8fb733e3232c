"""Checks that the parts of a knowledge base in PostgreSQL agree, since other hands than ours may write there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from r1router.kb.stores.postgres.tables import State
from r1router.kb.stores.store import Finding, Ledger


def check(db: Any, state: State, ledger: Ledger, *, repair: bool) -> Iterator[Finding]:
    """What is wrong; with `repair`, a source that is not whole is to be read again by the next run."""
    if state.dim is None:
        return
    table = state.entries_table
    held: dict[str, int] = dict(db.execute(f"select source, count(*) from {table} group by source").fetchall())
    known = ledger.read()
    lost = db.execute(
        f"select distinct source from {table} where (about is not null and about not in "
        "(select id from about where kb = %(kb)s)) or (image is not null and image not in "
        "(select name from files where kb = %(kb)s))",
        {"kb": state.id},
    )
    apart = {row[0] for row in lost} & known.keys()
    apart |= {source for source, taken in known.items() if taken.fingerprint and taken.entries != held.get(source, 0)}
    if apart:
        if repair:
            ledger.put(replace(known[source], fingerprint="", entries=held.get(source, 0)) for source in apart)
        more = f" (and {len(apart) - 1} more)" if len(apart) > 1 else ""
        yield Finding(f"{min(apart)}{more} is not whole; index it again", mended=repair)
    counted = db.execute(f"select count(*), coalesce(sum(length), 0)::bigint from {table}").fetchone()
    if counted != (state.entries, state.terms):
        if repair:
            db.execute("update kbs set entries = %s, terms = %s where id = %s", [*counted, state.id])
        yield Finding("the number of entries that is written down is another one", mended=repair)
