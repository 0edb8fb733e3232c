"""A record is no larger than what takes it in can hold, however long the text or the rows of a file are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from r1router.errors import UnreadableFile
from r1router.ingest.parts import read as reading
from r1router.ingest.parts import tabular
from r1router.ingest.parts.read import read
from r1router.ingest.records import Passage, Table
from r1router.ingest.sources import SourceFile


def test_a_passage_of_any_length_comes_in_parts_that_hold_every_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LONG", 1_000)
    words = " ".join(f"word{n}" for n in range(900))
    path = tmp_path / "a.jsonl"
    path.write_text(
        "".join(json.dumps({"id": id_, "text": text}) + "\n" for id_, text in (("a", words), ("b", "x" * 2500)))
    )
    found = [item for item in read(SourceFile(path, path.name, ("text",))) if isinstance(item, Passage)]
    assert max(len(passage.text) for passage in found) <= 1_000
    assert " ".join(p.text for p in found if p.id.startswith("a")).split() == words.split()
    assert [p.id for p in found if p.id.startswith("b")] == ["b", "b:part 2", "b:part 3"]
    assert "".join(p.text for p in found if p.id.startswith("b")) == "x" * 2500


def test_a_table_of_more_columns_than_any_has_is_refused_before_it_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",".join(["x"] * 100_001))
    with pytest.raises(UnreadableFile, match="row 1 has 100,001 columns"):
        list(read(SourceFile(path, path.name, ("table",))))


def test_rows_of_long_cells_come_in_shorter_slices_and_keep_their_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tabular, "SLICE_TEXT", 1_000)
    path = tmp_path / "a.csv"
    path.write_text("name,story\n" + "".join(f"n{n},{'y' * 300}\n" for n in range(10)))
    tables = [item for item in read(SourceFile(path, path.name, ("table",))) if isinstance(item, Table)]
    assert [(table.first_row, len(table.rows)) for table in tables] == [(1, 4), (5, 4), (9, 2)]
    assert [row[0] for table in tables for row in table.rows] == [f"n{n}" for n in range(10)]
