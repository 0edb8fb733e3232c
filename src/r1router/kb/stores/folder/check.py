"""Checks that the parts of a folder agree, because a full disk or a failing one leaves them apart.

    kb.json          readable, of our format
    index.lance      every row readable, with its full-text index; else an earlier version is taken
    pictures/        one for every entry that shows one; else the entry goes, and its source is to be read again
    about.sqlite     readable, with what is known of every entry's source; else the source is to be read again
    sources.sqlite   readable, and as many entries of each source as the table has; else the source is to be read again

What is mended is complete after the next `r1router index` of the same files.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from r1router.errors import KnowledgeBaseError, write_short
from r1router.kb import manifest as manifests
from r1router.kb.rows import ABOUT, PICTURES, TERMS
from r1router.kb.stores.folder.field_sets import FILE as ABOUT_FILE
from r1router.kb.stores.folder.field_sets import SqliteFieldSets
from r1router.kb.stores.folder.ledger import FILE as LEDGER
from r1router.kb.stores.folder.ledger import SqliteLedger
from r1router.kb.stores.folder.table import (
    drop_index,
    find_index,
    index_words,
    open_table,
    quote,
    write_any_of,
)
from r1router.kb.stores.folder.writer import hold_lock
from r1router.kb.stores.store import Finding, Taken

_HINT = "remove it with `r1router kb rm`, and index the files again"
_BROKEN = (OSError, RuntimeError, ValueError)
"""How LanceDB says that a file is missing or damaged."""


def check(folder: Path, *, repair: bool = False) -> list[Finding]:
    """What is wrong with a knowledge base; nothing where it is whole. With `repair`, what can be mended is.

    Raises `Busy` while another process writes to it.
    """
    with hold_lock(folder):
        return list(_check(folder, repair))


def _check(folder: Path, repair: bool) -> Iterator[Finding]:
    try:
        manifests.read(folder)
    except KnowledgeBaseError as error:
        yield Finding(f"{error}; {_HINT}", mended=False)
        return
    try:
        table = open_table(folder)
        rows = _rows(table)
    except _BROKEN as error:
        version = _restore(folder) if repair else None
        mended = f"; version {version} is taken again" if version else f"; {_HINT}, where --repair finds no earlier one"
        yield Finding(f"index.lance cannot be read: {write_short(error)}{mended}", mended=version is not None)
        if version is None:
            return
        table = open_table(folder)
        rows = _rows(table)
    if table is not None and (wrong := _try_words(table)):
        if repair:
            drop_index(table, TERMS)
            index_words(table)
        yield Finding(f"index.lance {wrong}", mended=repair)
    pictureless = [row for row in rows if row["image"] and not (folder / PICTURES / Path(row["image"]).name).is_file()]
    if pictureless:
        if repair and table is not None:
            for start in range(0, len(pictureless), 1000):
                ids = ", ".join(quote(row["id"]) for row in pictureless[start : start + 1000])
                table.delete(f"id in ({ids})")
        yield Finding(f"{len(pictureless)} pictures are missing, such as {pictureless[0]['image']}", mended=repair)
        gone = {row["id"] for row in pictureless}
        rows = [row for row in rows if row["id"] not in gone]
    again = {row["source"] for row in pictureless}
    undescribed = yield from _check_about(folder, rows, repair)
    yield from _check_ledger(folder, rows, again | undescribed, repair)


def _check_about(folder: Path, rows: list[dict[str, Any]], repair: bool) -> Generator[Finding, None, set[str]]:
    """The sources of which nothing is known any more."""
    try:
        known = {stored.id for stored in SqliteFieldSets(folder).read()}
    except (KnowledgeBaseError, ValueError) as error:
        if repair:
            (folder / ABOUT_FILE).rename((folder / ABOUT_FILE).with_suffix(".damaged"))
        yield Finding(f"{error}", mended=repair)
        known = set()
    sources = {row["source"] for row in rows if row.get(ABOUT) is not None and row[ABOUT] not in known}
    if sources:
        more = f" (and {len(sources) - 1} more)" if len(sources) > 1 else ""
        yield Finding(f"{min(sources)}{more}: what was known of it is gone; index it again", mended=repair)
    return sources


def _check_ledger(folder: Path, rows: list[dict[str, Any]], again: set[str], repair: bool) -> Iterator[Finding]:
    held = Counter(row["source"] for row in rows)
    ledger = SqliteLedger(folder)
    try:
        known = ledger.read()
    except KnowledgeBaseError as error:
        if repair:
            (folder / LEDGER).rename((folder / LEDGER).with_suffix(".damaged"))
        yield Finding(f"{error}", mended=repair)
        known = {}
    finished = {source: taken for source, taken in known.items() if taken.fingerprint}
    apart = {source for source, taken in finished.items() if taken.entries != held[source]} | again
    unknown = held.keys() - known.keys()
    if repair:
        with suppress(sqlite3.Error):
            ledger.put(replace(known[source], fingerprint="", entries=held[source]) for source in apart & known.keys())
            ledger.put(Taken(source, source, "", held[source], ()) for source in sorted(unknown))
    for sources, what in ((apart, "is not whole in the table"), (unknown, f"is not in {LEDGER}")):
        if sources:
            more = f" (and {len(sources) - 1} more)" if len(sources) > 1 else ""
            yield Finding(f"{min(sources)}{more} {what}; index it again", mended=repair)


def _rows(table: Any) -> list[dict[str, Any]]:
    """The id, source and picture of every entry; every other column is read too, and not kept."""
    if table is None:
        return []
    found = []
    for batch in table.search().to_batches():
        wanted = [name for name in ("id", "source", "image", ABOUT) if name in batch.schema.names]
        found += batch.select(wanted).to_pylist()
    return found


def _try_words(table: Any) -> str:
    """What is wrong with the full-text index; empty where a search by words that are there gives something."""
    if find_index(table, TERMS) is None:
        return "has no full-text index"
    try:
        first = table.search().select([TERMS]).limit(1).to_list()
        terms = " ".join(first[0][TERMS].split()[:100]) if first and first[0][TERMS] else ""
        if terms:
            table.search(write_any_of(terms), query_type="fts").limit(1).to_list()
    except _BROKEN as error:
        return f"has a full-text index that cannot be read: {write_short(error)}"
    return ""


def _restore(folder: Path) -> int | None:
    """The newest version of the table that can be read is the newest again; None where none can."""
    with suppress(*_BROKEN):
        table = open_table(folder)
        if table is None:
            return None
        for version in sorted((int(v["version"]) for v in table.list_versions()), reverse=True):
            with suppress(*_BROKEN):
                table.checkout(version)
                _rows(table)
                table.restore()
                return version
    return None
