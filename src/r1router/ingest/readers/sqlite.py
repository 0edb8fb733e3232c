"""Reads a SQLite data base, opened read-only, as one table for each table or view that a user made in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from r1router.errors import UnreadableFile
from r1router.ingest.parts import tabular
from r1router.ingest.parts.cells import tidy, write_cell
from r1router.ingest.parts.registry import Look
from r1router.ingest.records import Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

PATTERNS = ("*.db", "*.sqlite", "*.sqlite3")
KINDS: tuple[Kind, ...] = ("table", "text")

_MAGIC = b"SQLite format 3\0"
_SHADOWS = ("content", "data", "idx", "docsize", "config", "segments", "segdir", "stat", "node", "rowid", "parent")
"""Ends of the names of tables in which full-text and R-tree indexes keep their innards."""


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    with file.path.open("rb") as stream:
        if stream.read(len(_MAGIC)) != _MAGIC:
            raise UnreadableFile(file.source, "is no SQLite data base, or an encrypted one")
    try:
        with closing(_open(file.path)) as base:
            base.text_factory = lambda data: data.decode("utf-8", "replace")
            for name in _tables(base):
                yield from _table(base, name, file, as_)
    except sqlite3.Error as error:
        raise UnreadableFile(file.source, f"the data base cannot be read ({error})") from error


def look(path: Path, as_: Kind | None) -> Look:
    log = path.with_name(path.name + "-wal")
    return ("table",), (log,) if log.is_file() else ()


def _open(path: Path) -> sqlite3.Connection:
    """Read-only; where SQLite may not even make its lock files (a read-only folder), as an unchanging file."""
    uri = f"file:{quote(str(path.absolute()))}"
    base = sqlite3.connect(f"{uri}?mode=ro", uri=True)
    try:
        base.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError:
        base.close()
        base = sqlite3.connect(f"{uri}?immutable=1", uri=True)
    base.execute("PRAGMA trusted_schema = OFF")
    return base


def _tables(base: sqlite3.Connection) -> list[str]:
    """Names of the tables that hold rows of their own, and of the views, in alphabetical order."""
    made = dict(base.execute("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'view')"))
    virtual = {name for name, sql in made.items() if (sql or "").upper().startswith("CREATE VIRTUAL")}
    shadows = {f"{name}_{end}" for name in virtual for end in _SHADOWS}
    return sorted(name for name in set(made) - shadows if not name.startswith("sqlite_"))


def _table(base: sqlite3.Connection, name: str, file: SourceFile, as_: Kind | None) -> Iterator[Record | Problem]:
    quoted = '"' + name.replace('"', '""') + '"'
    try:
        rows = base.execute(f"SELECT * FROM {quoted}")
        header = tuple(write_cell(column[0]) or f"column {n}" for n, column in enumerate(rows.description, 1))
        write = tabular.Writer(header)
        yield from tabular.make_records(
            tabular.Grid(header, map(write, rows)),
            id=f"{file.source}:{tidy(name)}",
            source=file.source,
            title=write_cell(name.replace("_", " ")),
            as_=as_,
        )
        yield from write.report(file.source, f"table {tidy(name)}")
    except sqlite3.DatabaseError as error:  # damage in one table, or a virtual one whose module is not here
        yield Problem(file.source, f"table {tidy(name)}", str(error))
