"""Keeps long tables where a store keeps files: written on this machine, and sent once they are finished."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Protocol

from r1router.table import TableBlock
from r1router.tables.store import TableFile, TableInfo, name_table_file

FOLDER = "tables"


class Files(Protocol):
    """Files of one knowledge base by their names; copied into the cache of this machine when they are read."""

    def fetch(self, name: str) -> Path | None:
        """The copy of a file; None where there is none of this name."""
        ...

    def store(self, name: str, file: Path, *, source: str = "", record: str = "") -> None:
        """Replaces what has this name, at once."""
        ...

    def list_tables(self) -> list[tuple[str, str]]:
        """Source and record of each long table."""
        ...

    def drop_table_files(self, source: str, *, but: Collection[str]) -> None:
        """Those of the long tables of a source, but those of these records."""
        ...


class SentTables:
    """What `store.LongTables` says: Parquet files, written on this machine and kept with the others."""

    def __init__(self, files: Files, scratch: Path | None = None) -> None:
        """`scratch`: a folder of the writer's."""
        self._files, self._scratch = files, scratch

    def find(self, source: str, record: str) -> Path | None:
        return self._files.fetch(_name(source, record))

    def list_records(self) -> list[tuple[str, str]]:
        return self._files.list_tables()

    def take(self, source: str, record: str, file: Path) -> None:
        self._files.store(_name(source, record), file, source=source, record=record)

    def begin(self, source: str, record: str, block: TableBlock) -> TableFile:
        assert self._scratch is not None, "tables are written by a writer"
        name = _name(source, record)
        path = self._scratch / name
        path.parent.mkdir(exist_ok=True)
        send = partial(self._files.store, name, source=source, record=record)
        return _Sent(path, send, source=source, record=record, block=block)

    def drop(self, source: str, *, but: Collection[str] = ()) -> None:
        self._files.drop_table_files(source, but=but)

    def tidy(self) -> None:
        """Nothing is left behind: a file is stored whole or not at all."""


class _Sent(TableFile):
    """A file that is sent once it is finished."""

    def __init__(
        self, path: Path, send: Callable[[Path], None], *, source: str, record: str, block: TableBlock
    ) -> None:
        super().__init__(path, source=source, record=record, block=block)
        self._send = send

    def finish(self) -> TableInfo:
        info = super().finish()
        self._send(self._path)
        self._path.unlink()
        return info


def _name(source: str, record: str) -> str:
    return f"{FOLDER}/{name_table_file(source, record)}"
