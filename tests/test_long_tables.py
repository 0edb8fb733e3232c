"""Long tables: every row can be queried and found by its words, whatever interrupts indexing."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from r1router.ingest import chunk
from r1router.ingest.run import IndexReport, index
from r1router.kb import open_kb
from r1router.kb.stored import StoredKnowledgeBase
from r1router.kb.stores.folder.long_tables import FOLDER, TableFiles
from r1router.kb.writer import open_writer
from r1router.table import TableBlock
from r1router.tables import store
from r1router.types import Query
from small_embedders import HashedWords

ROWS = 4_500


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "docs" / "orders.csv"
    path.parent.mkdir()
    write(path, ROWS)
    return path


def write(path: Path, rows: int) -> None:
    lines = (f"{n},{'Norway' if n % 3 else 'Peru'},${n * 1.5:,.2f}" for n in range(1, rows + 1))
    path.write_text("\n".join(["Order;Country;Price", *(line.replace(",", ";", 2) for line in lines)]))


def run(tmp_path: Path, **options: object) -> IndexReport:
    return index(tmp_path / "docs", tmp_path / "kbs", embedder=HashedWords(), **options)  # type: ignore[arg-type]


def kb(tmp_path: Path) -> StoredKnowledgeBase:
    return open_kb(tmp_path / "kbs" / "table", text_embedder=HashedWords())


def files(tmp_path: Path) -> list[str]:
    folder = tmp_path / "kbs" / "table" / FOLDER
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def count(tmp_path: Path, record: str = "docs/orders.csv") -> str:
    return kb(tmp_path).compute(record, "SELECT count(*) FROM t").rows[0][0]


def test_a_long_table_is_queried_whole_and_found_by_the_words_of_any_row(
    tmp_path: Path, file: Path, monkeypatch
) -> None:
    monkeypatch.setattr(chunk, "EMBEDDED", 20)
    report = run(tmp_path)
    [told] = report.problems
    assert told.read
    assert told.where.endswith(f"to {ROWS:,}")
    assert "by their words and by queries" in told.reason
    assert len(files(tmp_path)) == 1
    base = kb(tmp_path)
    [[last]] = base.search([Query(str(ROWS))], k=1, mode="text")
    assert last.table is not None
    assert last.table.rows[-1][0] == str(ROWS)
    assert [c.kind for c in base.columns(last.id)] == ["number", "text", "number"]
    result = base.compute(last.id, 'SELECT "Order" FROM t WHERE "Price" > 6000 ORDER BY "Price" DESC LIMIT 1')
    assert (result.rows, result.source_rows) == ((("4500",),), (4500,))
    assert sum(len(entry.table.rows) for entry in base.record(last.id) if entry.table) == ROWS
    [near] = base.search([Query("orders from Norway")], k=3, mode="vector")
    assert all(int(hit.id.rpartition("#")[2]) < 20 for hit in near)
    assert len(near) == 3


def test_a_short_table_has_no_file(tmp_path: Path, file: Path) -> None:
    write(file, 100)
    run(tmp_path)
    assert files(tmp_path) == []
    assert count(tmp_path) == "100"


def test_a_table_that_changes_is_replaced_and_one_that_becomes_short_or_goes_leaves_no_file(
    tmp_path: Path, file: Path
) -> None:
    run(tmp_path)
    before = files(tmp_path)
    write(file, ROWS + 1)
    run(tmp_path)
    assert files(tmp_path) == before
    assert count(tmp_path) == str(ROWS + 1)
    write(file, 10)
    run(tmp_path)
    assert files(tmp_path) == []
    assert count(tmp_path) == "10"
    write(file, ROWS)
    run(tmp_path)
    file.unlink()
    (tmp_path / "docs" / "other.csv").write_text("a,b\n1,2\n")
    run(tmp_path, prune=True)
    assert files(tmp_path) == []


def test_removing_a_source_removes_its_file_and_leaves_the_others(tmp_path: Path, file: Path) -> None:
    write(file.with_name("sales.csv"), ROWS)
    run(tmp_path)
    assert len(files(tmp_path)) == 2
    base = kb(tmp_path)
    with open_writer(base.store, base.manifest) as writer:
        writer.drop_source("docs/orders.csv")
        writer.finish()
    assert [info.source for info in TableFiles(tmp_path / "kbs" / "table").list_all()] == ["docs/sales.csv"]
    assert count(tmp_path, "docs/sales.csv") == str(ROWS)


def test_a_file_that_cannot_be_read_to_its_end_leaves_the_table_before(tmp_path: Path, file: Path) -> None:
    packed = file.with_suffix(".csv.gz")
    packed.write_bytes(gzip.compress(file.read_bytes()))
    file.unlink()
    run(tmp_path)
    packed.write_bytes(gzip.compress(random.Random(0).randbytes(9) + b"x;y;z\n" * 9_000)[:-20])
    report = run(tmp_path)
    assert "damaged" in report.problems[0].reason
    assert count(tmp_path, "docs/orders.csv.gz") == str(ROWS)
    assert len(files(tmp_path)) == 1


def test_what_a_killed_run_left_is_removed_by_the_next_one(tmp_path: Path, file: Path) -> None:
    run(tmp_path)
    folder = tmp_path / "kbs" / "table" / FOLDER
    (folder / "x.rows").write_text("half")
    (folder / "x.new").write_text("half")
    run(tmp_path)
    assert len(files(tmp_path)) == 1


def test_without_its_file_a_long_table_is_put_together_from_the_index(tmp_path: Path, file: Path) -> None:
    run(tmp_path)
    (tmp_path / "kbs" / "table" / FOLDER / files(tmp_path)[0]).unlink()
    assert count(tmp_path) == str(ROWS)


def test_of_wide_rows_and_long_cells_few_are_held_and_written_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A csv of 21 MB with 1,000 columns took a gigabyte while it was written as one group."""
    monkeypatch.setattr(store, "GROUP_BYTES", 100_000)
    path = tmp_path / "wide.parquet"
    header = tuple(f"c{n}" for n in range(100))
    file = store.TableFile(path, source="a.csv", record="a", block=TableBlock(header=header))
    rows = [[str(row * column) for column in range(100)] for row in range(300)]
    for start in range(0, 300, 60):
        file.add(rows[start : start + 60])
    assert file.finish().rows == 300
    written = pq.ParquetFile(path)
    assert written.num_row_groups > 10
    assert written.read(["v99"])["v99"].to_pylist() == [row * 99 for row in range(300)]
