"""Tests that what stands in every entry of a record is short, and that nothing of it is lost in silence."""

from __future__ import annotations

import json
import weakref
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import r1router as rr
from r1router.ingest import feed
from r1router.ingest.parts.repeated import LONGEST, LONGEST_HEADER, LONGEST_NAME
from r1router.ingest.records import Passage, Problem, Table
from r1router.kb import open_kb
from r1router.kb.details import Counts, write_details
from r1router.types import Query
from reading import read
from small_embedders import HashedWords


def test_a_small_file_with_a_long_title_makes_little_and_all_of_the_title_is_found(tmp_path: Path) -> None:
    """A title of a megabyte stood in each of hundreds of entries, and the server had 1.4 GB when it looked at them."""
    (tmp_path / "a.jsonl").write_text(json.dumps({"title": "t " * 250_000 + "Bergen", "text": "a b " * 20_000}))
    report = rr.index([tmp_path / "a.jsonl"], kbs=tmp_path / "kbs", embedder=HashedWords(), ocr=False)
    assert not report.problems
    kb = open_kb(tmp_path / "kbs" / "text", text_embedder=HashedWords())
    [[found]] = kb.search([Query("Bergen")], k=1, mode="text")
    assert "Bergen" in found.text
    [source] = kb.store.ledger.read()
    rows = [row for rows in kb.store.read_batches(source) for row in rows]
    assert LONGEST - 2 < max(len(row["title"]) for row in rows) <= LONGEST
    assert max(len(row["text"]) for row in rows) < 2 * LONGEST
    assert sum(len(row["text"]) for row in rows) < 50 * (tmp_path / "a.jsonl").stat().st_size


def test_a_long_heading_goes_in_front_of_the_first_of_its_texts_alone(tmp_path: Path) -> None:
    heading = "word " * 1_000 + "Oslo"
    lines = [json.dumps({"section": heading, "text": f"passage {n}"}) for n in range(3)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    passages = [item for item in read(tmp_path / "a.jsonl") if isinstance(item, Passage)]
    assert [passage.text.count("Oslo") for passage in passages] == [1, 0, 0]
    assert {len(passage.section) for passage in passages} <= {LONGEST, LONGEST - 1}


def test_what_is_cut_of_a_table_is_told_once(tmp_path: Path) -> None:
    rows = "".join(f"\n{n},2" for n in range(5_000))  # which come in several records
    (tmp_path / "a.csv").write_text(f"short,{'h' * 10_000}{rows}")
    found = read(tmp_path / "a.csv")
    tables = [item for item in found if isinstance(item, Table)]
    assert len(tables) > 1
    assert {tuple(map(len, table.header)) for table in tables} == {(len("short"), LONGEST_NAME)}
    [problem] = [item for item in found if isinstance(item, Problem)]
    assert problem.read
    assert "10,000 characters" in problem.reason


def test_very_many_long_names_of_columns_share_the_room_and_are_told_in_a_line(tmp_path: Path) -> None:
    """21 MB with 1,000 names of 1,000 characters were two gigabytes of entries: each row repeated its header."""
    names = ["id", *(f"{n} {'h' * 1_000}" for n in range(1_000))]
    (tmp_path / "a.csv").write_text("\n".join([",".join(names), *[",".join(["1"] * 1_001)] * 50]))
    found = read(tmp_path / "a.csv")
    [table] = [item for item in found if isinstance(item, Table)]
    assert table.header[0] == "id"
    assert 0.9 * LONGEST_HEADER < sum(map(len, table.header)) <= LONGEST_HEADER
    assert len(set(table.header)) == len(names)
    [problem] = [item for item in found if isinstance(item, Problem)]
    assert "the names of 1,000 columns have up to 1,004 characters; 49 are kept" in problem.reason


def test_names_that_fit_together_are_kept_as_they_are(tmp_path: Path) -> None:
    names = [f"Question {n}: how satisfied were you with the service that you got from us?" for n in range(600)]
    (tmp_path / "a.csv").write_text("\n".join([",".join(names), *[",".join("5" * 600)] * 30]))
    [table] = read(tmp_path / "a.csv")
    assert isinstance(table, Table)
    assert table.header == tuple(names)


def test_long_notes_below_a_table_are_kept_in_several_records(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    notes = " ".join(f"note{n}" for n in range(2_000))
    for line in (["city", "people"], ["Oslo", 717_710], ["Bergen", 291_940], [], [notes]):
        book.active.append(line)
    book.save(tmp_path / "a.xlsx")
    tables = [item for item in read(tmp_path / "a.xlsx") if isinstance(item, Table)]
    parts = [table for table in tables if not table.rows]
    assert " ".join("".join(table.caption for table in parts).split()).endswith(notes)
    assert max(len(table.caption) for table in parts) <= LONGEST
    assert len({table.id for table in tables}) == len(tables)


def test_a_long_id_is_cut_and_stays_its_own(tmp_path: Path) -> None:
    lines = [json.dumps({"id": "i" * 100_000 + end, "text": end}) for end in "ab"]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    ids = {item.id for item in read(tmp_path / "a.jsonl") if isinstance(item, Passage)}
    assert len(ids) == 2
    assert all(len(id_) < LONGEST_NAME for id_ in ids)


def test_a_row_that_is_too_long_with_the_names_of_its_columns_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MOST_TEXT", 40_000)
    for columns in (50, 100):
        names = ",".join(f"{column} {'h' * 490}" for column in range(columns))
        (tmp_path / f"a{columns}.csv").write_text(f"{names}\n{','.join(['1'] * columns)}\n")
    report = rr.index([tmp_path], kbs=tmp_path / "kbs", embedder=HashedWords(), ocr=False)
    [problem] = report.problems
    assert problem.path.endswith("a100.csv")
    assert "more than 40,000 characters" in problem.reason
    assert report.kbs["table"].added == 1


class _Row(dict[str, Any]):
    """One whose life can be watched."""

    __hash__ = object.__hash__  # type: ignore[assignment]


def test_entries_that_are_described_are_let_go_one_by_one() -> None:
    alive, most = weakref.WeakSet[_Row](), 0

    def make_rows() -> Iterator[_Row]:
        nonlocal most
        for n in range(50):
            row = _Row(title=f"Title {n}", section="", text="x" * 10_000, first_row=None, vector=[1.0, n], cells=None)
            alive.add(row)
            most = max(most, len(alive))
            yield row

    said = write_details("text", make_rows(), Counts(50, 50, Counter(en=50)))
    assert "Title 49" in said or "Title 0" in said
    assert most <= 3
