"""Keeps the long tables of one knowledge base as files of typed columns, each named by where it came from.

    kbs/<name>/tables/<hash of source and record>.parquet

Short tables have no file: their rows are in the index, and reading them takes no longer than opening a file.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from r1router.errors import KnowledgeBaseError
from r1router.table import TableBlock
from r1router.tables.store import SUFFIX, TableFile, TableInfo, name_table_file, read_table_info

FOLDER = "tables"


class TableFiles:
    """What `store.LongTables` says: the folder of these files, in one knowledge base."""

    def __init__(self, folder: Path) -> None:
        """`folder`: of the knowledge base."""
        self._folder = folder / FOLDER
        self._known: dict[Path, tuple[str, str]] | None = None
        """Source and record of each file, once one is to be removed."""

    def find(self, source: str, record: str) -> Path | None:
        """The file of a table; None where it has none."""
        path = self._path(source, record)
        return path if path.exists() else None

    def list_all(self) -> Iterator[TableInfo]:
        """What each file holds; those that cannot be read are left out."""
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            if info := _read(path):
                yield info

    def list_records(self) -> list[tuple[str, str]]:
        return [(info.source, info.record) for info in self.list_all()]

    def take(self, source: str, record: str, file: Path) -> None:
        path = self._path(source, record)
        self._of_files()[path] = (source, record)
        path.parent.mkdir(exist_ok=True)
        scratch = path.with_suffix(".new")
        shutil.copyfile(file, scratch)
        scratch.replace(path)

    def begin(self, source: str, record: str, block: TableBlock) -> TableFile:
        """A new file for a table, which takes the place of the one before once it is finished."""
        path = self._path(source, record)
        self._of_files()[path] = (source, record)
        return TableFile(path, source=source, record=record, block=block)

    def drop(self, source: str, *, but: Collection[str] = ()) -> None:
        """Removes the files of a source, `but` those of these records."""
        files = self._of_files()
        for path in [path for path, (of, record) in files.items() if of == source and record not in but]:
            path.unlink(missing_ok=True)
            del files[path]

    def tidy(self) -> None:
        """Removes what an interrupted run has left behind."""
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                if path.suffix != SUFFIX:
                    path.unlink()

    def _of_files(self) -> dict[Path, tuple[str, str]]:
        if self._known is None:
            infos = {path: _read(path) for path in self._folder.glob(f"*{SUFFIX}")}
            self._known = {path: (info.source, info.record) for path, info in infos.items() if info}
        return self._known

    def _path(self, source: str, record: str) -> Path:
        return self._folder / name_table_file(source, record)


def _read(path: Path) -> TableInfo | None:
    try:
        return read_table_info(path)
    except KnowledgeBaseError:
        return None
