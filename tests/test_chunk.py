from __future__ import annotations

import tracemalloc
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1router.ingest import chunk
from r1router.ingest.chunk import BLOCK, STRIDE, TAIL, WINDOW, cut_windows
from r1router.ingest.records import Passage, Picture, Record, Table
from r1router.kb.entry import Entry
from r1router.types import Image


def cut(record: Record, **options: Any) -> list[Entry]:
    return list(chunk.cut(record, **options))


def numbered(count: int) -> str:
    return " ".join(f"w{i}" for i in range(count))


def passage(text: str, **fields: str) -> Passage:
    return Passage("p", "a.txt", text, **fields)


def table(rows: int, *, cell: str = "12", **fields: str) -> Table:
    return Table("t", "a.csv", ("Year", "Goals"), tuple((str(i), cell) for i in range(rows)), **fields)


# ── text ───────────────────────────────────────────────────────────────────────────────────────


def test_a_long_text_is_cut_into_windows_of_100_words_that_start_every_50() -> None:
    starts = [window.split()[0] for window in cut_windows(numbered(1000))]
    assert starts == [f"w{i}" for i in range(0, 901, STRIDE)]
    assert {len(window.split()) for window in cut_windows(numbered(1000))} == {WINDOW}


@pytest.mark.parametrize(("words", "lengths"), [(1, [1]), (100, [100]), (125, [125]), (126, [100, 76])])
def test_a_short_tail_joins_the_last_window(words: int, lengths: list[int]) -> None:
    assert [len(window.split()) for window in cut_windows(numbered(words))] == lengths


@settings(deadline=None)
@given(st.integers(0, 700))
def test_windows_hold_every_word_in_order_and_no_window_repeats_another(count: int) -> None:
    cut_up = [window.split() for window in cut_windows(numbered(count))]
    words = [word for window in cut_up for word in window]
    assert set(words) == set(numbered(count).split())
    assert all(len(window) <= WINDOW + TAIL for window in cut_up)
    for before, after in pairwise(cut_up):
        assert set(after) - set(before), "a window adds something"
        assert int(before[-1][1:]) + 1 >= int(after[0][1:]), "nothing is left out between two"


@settings(deadline=None)
@given(st.lists(st.text("ab\n\t é", max_size=40), max_size=30))
def test_white_space_inside_a_window_is_kept(parts: list[str]) -> None:
    text = " ".join(parts)
    assert all(window in text for window in cut_windows(text))


def test_title_and_section_stand_in_front_of_every_window() -> None:
    entries = cut(passage(numbered(300), title="Norway", section="Climate"))
    assert len(entries) > 2
    assert all(entry.text.startswith("Norway — Climate\nw") for entry in entries)
    assert {(entry.title, entry.section) for entry in entries} == {("Norway", "Climate")}


def test_a_record_of_any_length_is_cut_in_little_memory() -> None:
    """A file may be made of one: all windows at once took sixty times its size, beyond every limit on reading it."""
    record = passage("a b " * 250_000, title="t" * 10_000)
    tracemalloc.start()
    try:
        count = sum(1 for _ in chunk.cut(record))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 9_999
    assert most < 1_000_000


def test_a_title_alone_is_an_entry_and_nothing_at_all_is_none() -> None:
    assert [entry.text for entry in cut(passage(" \n", title="Oslo"))] == ["Oslo"]
    assert cut(passage("  \n")) == []


# ── tables ─────────────────────────────────────────────────────────────────────────────────────


def test_a_table_is_cut_by_rows_and_repeats_its_title_and_header() -> None:
    entries = cut(table(200, title="Season", section="Results", caption="of  the\nclub"))
    assert len(entries) > 3
    assert all(entry.text.startswith("Season — Results\nof the club\nYear | Goals\n") for entry in entries)


@settings(deadline=None)
@given(st.integers(1, 120), st.integers(1, 60), st.integers(1, 50))
def test_blocks_of_rows_follow_each_other_without_gap_and_number_rows_from_one(
    rows: int, words: int, first_row: int
) -> None:
    entries = cut(replace(table(rows, cell=numbered(words)), first_row=first_row))
    spans = [entry.rows for entry in entries]
    assert spans[0] is not None
    assert spans[0][0] == first_row
    covered = [row for span in spans if span for row in range(span[0], span[1] + 1)]
    assert covered == list(range(first_row, first_row + rows))
    assert len({entry.id for entry in entries}) == len(entries)


def test_a_block_holds_the_rows_that_its_numbers_say() -> None:
    for entry in cut(table(100)):
        assert entry.rows is not None
        lines = entry.text.splitlines()[1:]
        assert lines == [f"{i - 1} | 12" for i in range(entry.rows[0], entry.rows[1] + 1)]


def test_a_long_cell_is_whole_in_its_table_and_cut_into_windows_for_search() -> None:
    entries = cut(table(3, cell=numbered(BLOCK * 2)))
    rows = [entry for entry in entries if entry.rows]
    assert [entry.rows for entry in rows] == [(1, 1), (2, 2), (3, 3)]
    assert all(entry.table and entry.table.rows[0][1] == numbered(BLOCK * 2) for entry in rows)
    assert all(entry.text.endswith("w99 …") for entry in rows)
    rest = [entry for entry in entries if not entry.rows and entry.section.endswith("row 2")]
    assert {entry.record for entry in rest} == {"t:row 2"}
    assert f"w{BLOCK * 2 - 1}" in rest[-1].text
    assert all("Year: 1" in entry.text for entry in rest)
    assert max(len(entry.text) for entry in entries) < 1_500


def test_a_cell_without_a_blank_is_cut_too() -> None:
    entries = cut(table(1, cell="Zm9v" * 7_500))
    assert max(len(entry.text) for entry in entries) < 4_000
    assert sum(entry.text.count("Zm9v") for entry in entries) > 7_400


def test_the_names_of_very_many_columns_stand_in_the_text_of_the_first_entry_alone() -> None:
    """Each of 20,000 rows repeated 50,000 characters; an embedder saw the names of columns and no row."""
    names = tuple(f"How satisfied were you with service {n}?" for n in range(600))
    rows = tuple((f"answer{row}", *["5"] * 599) for row in range(4))
    whole = Table("t", "a.csv", names, rows)
    first, second, *_ = cut(whole)
    assert all(name in first.text for name in names)
    assert names[-1] not in second.text
    assert "answer1" in second.text[:600]
    assert [entry.table and entry.table.header for entry in cut(whole)] == [names] * 4
    assert names[-1] not in cut(whole, first=4)[0].text  # a long table comes in several records


def test_a_table_without_rows_is_found_by_its_header() -> None:
    [entry] = cut(table(0, title="Season"))
    assert (entry.text, entry.rows) == ("Season\nYear | Goals", None)


def test_a_block_keeps_its_cells_apart_below_the_text_that_is_searched() -> None:
    [entry] = cut(replace(table(1), header=("a", "b|c"), rows=(("1 | 2", "two\nlines"),), first_row=9))
    assert entry.text.endswith("a | b|c\n1 | 2 | two lines")
    assert entry.table is not None
    assert (entry.table.header, entry.table.rows) == (("a", "b|c"), (("1 | 2", "two\nlines"),))
    assert (entry.table.first_row, entry.rows) == (9, (9, 9))


# ── pictures ───────────────────────────────────────────────────────────────────────────────────


def picture(**fields: str) -> Picture:
    return Picture("i", "flag.png", Image(b"bytes", name="flag.png"), **fields)


def test_a_picture_is_one_entry_of_title_caption_and_words() -> None:
    [entry] = cut(picture(title="A sign", caption="beside the road", words="STOP"))
    assert entry.text == "A sign\nbeside the road\nSTOP"
    assert entry.image == Image(b"bytes", name="flag.png")


def test_a_title_that_the_caption_begins_with_is_not_said_twice() -> None:
    [entry] = cut(picture(title="Flag of Peru", caption="Flag of Peru: three bands"))
    assert entry.text == "Flag of Peru: three bands"


def test_a_picture_without_words_goes_by_its_file_name() -> None:
    assert cut(picture())[0].text == "flag.png"


# ── what changes an entry ──────────────────────────────────────────────────────────────────────


def test_ids_count_the_entries_of_a_record() -> None:
    assert [entry.id for entry in cut(passage(numbered(200)))] == ["p#0", "p#1", "p#2"]
    assert cut(passage(numbered(200)), key="b.txt:p", first=7)[0].id == "b.txt:p#7"


def test_a_digest_follows_the_content_and_not_the_id() -> None:
    first, second = cut(passage("one"))[0], cut(passage("one"), key="other")[0]
    assert first.digest == second.digest
    changes = [passage("two"), passage("one", title="t"), replace(passage("one"), page=2)]
    assert len({first.digest, *(cut(change)[0].digest for change in changes)}) == 4
    assert cut(picture())[0].digest != cut(replace(picture(), image=Image(b"other", name="flag.png")))[0].digest


def test_changing_one_row_changes_one_block() -> None:
    before = table(200)
    rows = list(before.rows)
    rows[100] = ("100", "13")
    after = replace(before, rows=tuple(rows))
    old, new = {e.id: e.digest for e in cut(before)}, {e.id: e.digest for e in cut(after)}
    assert old.keys() == new.keys()
    assert sum(old[id_] != new[id_] for id_ in old) == 1
