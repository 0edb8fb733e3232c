"""Keeps a long table in one Parquet file of typed columns, so that a query reads only the columns that it needs.

    r               1-based number of the row
    v0, v1, …       value of each column: integer, decimal, date, time stamp or text
    t0, t1, …       original text of its cells, for the columns that are not text
    metadata        title, header, columns and whose table it is, as JSON

A short table needs no file: its rows are in the index, cell by cell, and are read as columns when it is asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from r1router.errors import KnowledgeBaseError
from r1router.table import TableBlock, TableColumn, name_columns
from r1router.tables.columns import REMEMBERED, ColumnReader

GROUP_ROWS = 20_000
"""Rows written, and held in memory, together; of wide rows or long cells fewer."""
GROUP_BYTES = 64_000_000
"""Of memory that these take, reckoned by their cells and characters."""
_CELL_BYTES = 64
"""What a cell takes beside its characters."""
_CELLS_REMEMBERED = 1 << 19
"""Different cells of which the columns together keep in memory how they read."""
_KEY = b"r1router"
SUFFIX = ".parquet"


@dataclass(frozen=True, slots=True)
class TableInfo:
    """What a stored table is, without its rows."""

    source: str
    record: str
    title: str
    section: str
    caption: str
    header: tuple[str, ...]
    columns: tuple[TableColumn, ...]
    rows: int


def read_table_info(path: Path) -> TableInfo:
    """Raises `KnowledgeBaseError` for a file that is missing or not a stored table."""
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    try:
        told = json.loads((pq.read_schema(path).metadata or {})[_KEY])
        columns = tuple(TableColumn(**column) for column in told.pop("columns"))
        return TableInfo(**{**told, "header": tuple(told["header"]), "columns": columns})
    except (OSError, pa.ArrowInvalid, KeyError, TypeError, ValueError) as error:
        raise KnowledgeBaseError(
            f"{path} is not a stored table: {error}; index the file that it came from again"
        ) from error


def name_table_file(source: str, record: str) -> str:
    """The name of the file of a long table, which follows from where it came from."""
    return hashlib.sha256(f"{source}\0{record}".encode("utf-8", "surrogatepass")).hexdigest()[:32] + SUFFIX


class TableFile:
    """A long table on its way to `path`: `add` its rows as they come, then `finish`, or `give_up`.

    Rows wait as text in a file beside it until the last one is known, since only then the columns' types are. Until
    `finish`, whatever was at `path` stays.
    """

    def __init__(self, path: Path, *, source: str, record: str, block: TableBlock) -> None:
        """`block`: what stands around the rows; its own rows are not added."""
        self._path = path
        self._told = {
            "source": source, "record": record, "title": block.title, "section": block.section,
            "caption": block.caption, "header": list(block.header),
        }  # fmt: skip
        names = name_columns(block.header)
        remembered = min(REMEMBERED, _CELLS_REMEMBERED // max(1, len(names)))
        self._readers = [ColumnReader(name, remembered=remembered) for name in names]
        self._waiting = path.with_suffix(".rows")
        self._rows = 0
        self._writer: Any = None
        self._held: list[Sequence[str]] = []
        self._held_bytes = 0

    def add(self, rows: Sequence[Sequence[str]]) -> None:
        for row in rows:
            for reader, cell in zip(self._readers, row, strict=True):
                reader.look(cell)
            self._held.append(row)
            self._held_bytes += _CELL_BYTES * len(row) + sum(map(len, row))
            if len(self._held) >= GROUP_ROWS or self._held_bytes >= GROUP_BYTES:
                self._write_held()
        self._rows += len(rows)

    def finish(self) -> TableInfo:
        """The table is whole: it is at `path` now, in place of what was there."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._write_held()
        self._close()
        columns = [reader.settle() for reader in self._readers]
        told = {**self._told, "columns": [asdict(column) for column in columns], "rows": self._rows}
        types = {
            "integer": pa.int64(), "decimal": pa.float64(), "date": pa.date32(), "moment": pa.timestamp("s"),
            "text": pa.string(),
        }  # fmt: skip
        fields = [pa.field("r", pa.int64())]
        for place, reader in enumerate(self._readers):
            fields.append(pa.field(f"v{place}", types[reader.stored]))
            if reader.stored != "text":
                fields.append(pa.field(f"t{place}", pa.string()))
        schema = pa.schema(fields, metadata={_KEY: json.dumps(told, ensure_ascii=False)})
        scratch = self._path.with_suffix(".new")
        with pq.ParquetWriter(scratch, schema, compression="zstd") as writer:
            first = 1
            for texts in self._groups():
                arrays: list[Any] = [range(first, first + len(texts[0]))] if texts else []
                for reader, cells in zip(self._readers, texts, strict=True):
                    arrays.append([reader.read(cell) for cell in cells])
                    if reader.stored != "text":
                        arrays.append(cells)
                first += len(texts[0])
                columns_ = [pa.array(list(a), f.type) for a, f in zip(arrays, schema, strict=True)]
                writer.write_table(pa.Table.from_arrays(columns_, schema=schema))
        scratch.replace(self._path)
        self._waiting.unlink(missing_ok=True)
        return read_table_info(self._path)

    def give_up(self) -> None:
        """Leaves what was at `path` as it is."""
        self._close()
        self._waiting.unlink(missing_ok=True)

    def _write_held(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        names = [f"c{place}" for place in range(len(self._readers))]
        if self._writer is None:
            self._path.parent.mkdir(exist_ok=True)
            schema = pa.schema([(name, pa.string()) for name in names])
            self._writer = pq.ParquetWriter(self._waiting, schema, compression="zstd")
        if self._held:
            cells = [[row[place] for row in self._held] for place in range(len(names))]
            self._writer.write_table(pa.table(dict(zip(names, cells, strict=True)), schema=self._writer.schema))
        self._held, self._held_bytes = [], 0

    def _groups(self) -> Iterator[list[list[str]]]:
        """The cells of each column, group by group."""
        import pyarrow.parquet as pq

        with closing(pq.ParquetFile(self._waiting)) as file:
            for number in range(file.num_row_groups):
                yield [column.to_pylist() for column in file.read_row_group(number).columns]

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
