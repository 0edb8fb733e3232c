"""Files of rows to tables, and to whatever else their columns say that they hold."""

import datetime
import gzip
import json
import re
import sqlite3
from contextlib import closing

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r1router.ingest import readers
from r1router.ingest.chunk import cut
from r1router.ingest.parts import office, tabular
from r1router.ingest.records import Passage, Picture, Problem, Table
from reading import read, reason, records_of, written
from small_embedders import plain_picture

# ── csv, tsv ───────────────────────────────────────────────────────────────────────────────────


def test_a_csv_is_a_table_titled_by_its_file(tmp_path):
    path = written(tmp_path / "largest_cities.csv", "City,Population\nVienna,1900000\nGraz,290000\n")
    source = path.as_posix()
    rows = (("Vienna", "1900000"), ("Graz", "290000"))
    assert read(path) == [Table(source, source, ("City", "Population"), rows, "largest cities")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_even_beside_decimal_commas(tmp_path, delimiter):
    quote = '"' if delimiter == "," else ""
    lines = [
        ["City", "Area", "Note"],
        ["Vienna", f"{quote}414,8{quote}", "big"],
        ["Graz", f"{quote}127,6{quote}", "less big"],
    ]
    path = written(tmp_path / "a.csv", "\n".join(delimiter.join(line) for line in lines))
    [table] = read(path)
    assert table.header == ("City", "Area", "Note")
    assert table.rows[0] == ("Vienna", "414,8", "big")


def test_a_mark_quoted_newlines_and_blank_lines_are_no_data(tmp_path):
    path = written(tmp_path / "a.csv", b'\xef\xbb\xbf"City","Note"\r\n"Vienna","two\r\nlines, ""quoted"""\r\n\r\n,\r\n')
    table, problem = read(path)
    assert (table.header, table.rows) == (("City", "Note"), (("Vienna", 'two lines, "quoted"'),))
    assert problem.reason.startswith("row 1 was taken for the names of the columns (confidence 0.5)")


def test_a_csv_in_an_old_encoding_is_read(tmp_path):
    path = written(tmp_path / "a.csv", "Stadt,Fluss\nKöln,Rhein\nGyőr".replace("ő", "ö").encode("cp1252") + b",Donau\n")
    assert [row[0] for row in read(path)[0].rows] == ["Köln", "Györ"]
    path = written(tmp_path / "b.csv", "Stadt\tFluss\nKöln\tRhein\n".encode("utf-16"))
    assert read(path)[0].rows == (("Köln", "Rhein"),)


def test_ragged_rows_lose_nothing_and_are_reported_once(tmp_path):
    path = written(tmp_path / "a.csv", "a,b,c\n1,2,3\n4,5\n6,7,8,9\n1,2,3\n1,2,3,,\n")
    table, problem = read(path)
    assert table.rows == (("1", "2", "3"), ("4", "5", ""), ("6", "7", "8 9"), ("1", "2", "3"), ("1", "2", "3"))
    assert problem.where == "its rows"
    assert problem.reason == (
        "the header has 3 cells; 1 rows (data row 2) are too short: filled up with empty cells; "
        "1 rows (data row 3) are too long: the surplus joined to their last cell"
    )


def test_lines_above_the_header_are_title_and_caption(tmp_path):
    path = written(
        tmp_path / "a.csv", "Cities of Austria,,\nas of 2021,,\n,,\nCity,Population,Area\nVienna,1,2\nGraz,3,4\n"
    )
    [table] = read(path)
    assert (table.title, table.caption) == ("Cities of Austria", "as of 2021")
    assert (table.header, len(table.rows)) == (("City", "Population", "Area"), 2)


def test_columns_without_a_name_get_their_number(tmp_path):
    path = written(tmp_path / "a.csv", ",name\n0,Vienna\n1,Graz\n")
    assert read(path)[0].header == ("column 1", "name")


def test_a_long_table_comes_in_slices_that_know_their_rows(tmp_path):
    count = tabular.SLICE_ROWS * 2 + 5
    path = written(
        tmp_path / "a.tsv.gz", gzip.compress(("n\tm\n" + "".join(f"{i}\tx\n" for i in range(1, count + 1))).encode())
    )
    tables = read(path)
    assert [table.first_row for table in tables] == [1, 2001, 4001]
    assert {table.id for table in tables} == {path.as_posix()}
    assert all(int(row[0]) == table.first_row + i for table in tables for i, row in enumerate(table.rows))


def test_a_csv_as_text_gives_a_passage_for_each_row(tmp_path):
    path = written(tmp_path / "a.csv", "City,Km,Note\nVienna,1.5,\nGraz,2,small\n")
    source = path.as_posix()
    assert read(path, as_="text") == [
        Passage(f"{source}:row 1", source, "City: Vienna; Km: 1.5", "a"),
        Passage(f"{source}:row 2", source, "City: Graz; Km: 2; Note: small", "a"),
    ]


def test_a_csv_of_passages_is_told_by_its_columns(tmp_path):
    path = written(tmp_path / "psgs.tsv", 'id\ttext\ttitle\n1\t"Words, ""quoted"" ones."\tDanube\n')
    assert readers.find([path])[0].kinds == ("text",)
    assert read(path) == [Passage("1", path.as_posix(), 'Words, "quoted" ones.', "Danube")]
    assert isinstance(read(path, as_="table")[0], Table)
    path = written(tmp_path / "tweets.csv", "id,text,likes\n1,Words,3\n")
    assert isinstance(read(path)[0], Table)


def test_a_page_under_the_name_of_a_csv_is_read_as_one(tmp_path):
    table = "<table><tr><th>Port</th><th>Fare</th></tr><tr><td>Hamn</td><td>20</td></tr></table>"
    found = read(written(tmp_path / "a.csv", f"<!DOCTYPE html><p>Fares of May.</p>{table}"))
    assert [(t.header, t.rows) for t in found if isinstance(t, Table)] == [(("Port", "Fare"), (("Hamn", "20"),))]
    assert [p.text for p in found if isinstance(p, Passage)] == ["Fares of May."]


@pytest.mark.parametrize("content", ["", "\n\n", "City,River\n", ",,,\n,,\n"])
def test_a_csv_without_rows_is_reported(tmp_path, content):
    assert reason(written(tmp_path / "a.csv", content)) in (
        "the file is empty",
        "there is nothing in it to index",
    ) or "and no rows" in reason(written(tmp_path / "a.csv", content))


def test_a_quote_that_is_never_closed_swallows_no_rows(tmp_path):
    path = written(tmp_path / "a.csv", 'item,qty\n"Acme pipe,10\nValve,4\n"Hose, long",5\n"Nut ""M8""\nblue",2\n')
    table, problem = read(path)
    assert table.rows == (('"Acme pipe', "10"), ("Valve", "4"), ("Hose, long", "5"), ('Nut "M8" blue', "2"))
    assert (problem.where, problem.read) == ("line 2", True)
    assert "quote" in problem.reason


def test_quotes_that_are_never_closed_cost_no_more_than_their_number(tmp_path):
    path = written(tmp_path / "a.csv", "a,b\n" + '"x,1\n' * 20_001)
    *tables, _ = (item for item in read(path) if isinstance(item, Table))
    assert tables[0].rows[0] == ('"x', "1")


# ── Excel, Parquet, SQLite ─────────────────────────────────────────────────────────────────────


def test_every_sheet_that_is_not_empty_is_a_table(tmp_path):
    path = tmp_path / "world_data.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Cities"
    sheet.append(["Cities of Austria"])
    sheet.merge_cells("A1:C1")
    sheet.append(["City", "Founded", "Area"])
    sheet.append(["Vienna", datetime.date(1137, 9, 1), 414.8])
    sheet.append([None, None, None])
    sheet.append(["Graz", datetime.datetime(1128, 1, 2, 13, 30), 128.0])
    book.create_sheet("Nothing")
    rivers = book.create_sheet("Rivers")
    rivers.append(["River", "Km"])
    rivers.append(["Danube", 2850])
    book.save(path)
    source = path.as_posix()
    assert read(path) == [
        Table(
            f"{source}:Cities",
            source,
            ("City", "Founded", "Area"),
            (("Vienna", "1137-09-01", "414.8"), ("Graz", "1128-01-02 13:30:00", "128")),
            "Cities of Austria",
            "Cities",
        ),
        Table(f"{source}:Rivers", source, ("River", "Km"), (("Danube", "2850"),), "world data", "Rivers"),
    ]


def test_all_that_stands_in_a_file_without_rows_is_told(tmp_path):
    said = reason(written(tmp_path / "a.csv", "Port,Ship,Berth\n,,\nPier,Crane,Shed\n"))
    assert [word for word in ("Port, Ship, Berth", "Pier, Crane, Shed") if word not in said] == []


def test_formulas_that_nobody_computed_are_reported(tmp_path):
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    for row in (["a", "b", "sum"], [1, 2, "=A2+B2"]):
        book.active.append(row)
    book.save(path)
    table, problem = read(path)
    assert table.rows == (("1", "2", ""),)
    assert problem.where == "formulas"


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(office, "MOST_UNPACKED", 1 << 20)
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["x" * 32_000 + str(n) for n in range(60)])
    book.save(path)
    assert path.stat().st_size < 100_000
    assert re.fullmatch(r"unpacks to \d+ MiB; at most 1 are read", reason(path))


def test_a_damaged_workbook_is_reported(tmp_path):
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.save(path)
    whole = path.read_bytes()
    assert "has names of columns (a, b) and no rows" in reason(path)
    path.write_bytes(whole[: len(whole) // 2])
    assert "damaged, cut off or no xlsx file" in reason(path)
    path.write_bytes(whole.replace(b"PK\x05\x06", b"PK\x05\x07"))
    assert "damaged" in reason(path)


def test_a_parquet_file_is_a_table_read_in_batches(tmp_path):
    path = tmp_path / "a.parquet"
    data = {
        "n": list(range(2500)),
        "day": [datetime.date(2020, 1, 1)] * 2500,
        "tags": [["x", "y"]] * 2500,
        "f": [0.5] * 2500,
    }
    pq.write_table(pa.table(data), path, row_group_size=700)
    first, second = read(path)
    assert (first.header, first.rows[0]) == (("n", "day", "tags", "f"), ("0", "2020-01-01", "x, y", "0.5"))
    assert (second.first_row, second.rows[-1][0]) == (2001, "2499")


def test_a_parquet_file_with_a_name_twice_keeps_both_columns(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array(["Ada"]), pa.array(["Bo"])], names=["who", "who"]), path)
    [table] = read(path)
    assert (table.header, list(table.rows)) == (("who", "who#2"), [("Ada", "Bo")])


def test_a_parquet_file_of_passages_is_told_by_its_columns(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": ["w1"], "title": ["Danube"], "text": ["A river."]}), path)
    assert readers.find([path])[0].kinds == ("text",)
    assert read(path) == [Passage("w1", path.as_posix(), "A river.", "Danube")]


def test_a_damaged_parquet_file_is_reported(tmp_path):
    path = written(tmp_path / "a.parquet", b"PAR1 and nothing else")
    assert "damaged, cut off or no Parquet file" in reason(path)


def test_every_table_of_a_data_base_is_a_table(tmp_path):
    path = tmp_path / "my base?.db"
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("CREATE TABLE large_cities (name TEXT, people INTEGER, area REAL, flag BLOB)")
        base.execute("INSERT INTO large_cities VALUES ('Vienna', 1900000, 414.8, x'ff00'), (NULL, 3, 1.0, NULL)")
        base.execute('CREATE TABLE "odd ""name" (a)')
        base.execute('INSERT INTO "odd ""name" VALUES (CAST(x\'4bf6\' AS TEXT))')
        base.execute("CREATE TABLE empty (a)")
        base.execute("CREATE VIEW crowded AS SELECT name AS city FROM large_cities WHERE people > 1000")
        base.execute("CREATE VIEW broken AS SELECT gone FROM large_cities")
        base.execute("CREATE VIRTUAL TABLE words USING fts5(body)")
        base.execute("INSERT INTO words VALUES ('found by words')")
    source = path.as_posix()
    header = ("name", "people", "area", "flag")
    rows = (("Vienna", "1900000", "414.8", ""), ("", "3", "1", ""))
    assert read(path) == [
        Table(f"{source}:crowded", source, ("city",), (("Vienna",),), "crowded"),
        Table(f"{source}:large_cities", source, header, rows, "large cities"),
        Table(f'{source}:odd "name', source, ("a",), (("K\ufffd",),), 'odd "name'),
        Table(f"{source}:words", source, ("body",), (("found by words",),), "words"),
        Problem(source, "table broken", "no such column: gone"),
        Problem(source, "table empty", "has names of columns (a) and no rows", read=True),
        Problem(source, "table large_cities", "1 binary value of flag left out", read=True),
    ]


def test_a_data_base_is_read_while_another_program_writes_to_it(tmp_path):
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as base:
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("CREATE TABLE a (x)")
        base.execute("INSERT INTO a VALUES (1)")
        base.commit()
        [file] = readers.find([tmp_path])
        assert [part.name for part in file.parts] == ["a.db-wal"]
        assert [table.rows for table in records_of(file)] == [(("1",),)]


def test_a_file_that_only_looks_like_a_data_base_is_reported(tmp_path):
    assert reason(written(tmp_path / "a.db", b"no data base")) == "is no SQLite data base, or an encrypted one"
    assert "cannot be read" in reason(written(tmp_path / "b.db", b"SQLite format 3\0" + b"\1" * 4000))


# ── json lines ─────────────────────────────────────────────────────────────────────────────────


def test_rows_with_a_header_are_tables_of_their_own(tmp_path):
    row = {"id": "t1", "title": "Austria", "section": "Cities", "caption": "Largest", "header": ["City", "n"]}
    row |= {"rows": [["Vienna", 1900000], ["Graz", None], ["Linz"]]}
    path = written(tmp_path / "a.jsonl", json.dumps(row) + "\n" + json.dumps(row | {"rows": ["no row"]}) + "\n")
    table, plain, ragged = read(path)
    rows = (("Vienna", "1900000"), ("Graz", ""), ("Linz", ""))
    assert table == Table("t1", path.as_posix(), ("City", "n"), rows, "Austria", "Cities", "Largest")
    assert (ragged.where, plain.title) == ("line 1", "Austria")
    assert plain.text == "id: t1; title: Austria; section: Cities; caption: Largest; header: City, n; rows: no row"


def test_a_table_of_objects_has_columns_for_names_that_its_header_lacks_and_keeps_its_other_fields(tmp_path):
    row = {"header": ["City", 2020], "rows": [{"City": "Graz", "2020": 1, "River": "Mur"}], "data": "revised"}
    [table] = read(written(tmp_path / "a.jsonl", row))
    assert (table.header, table.rows) == (("City", "2020", "River"), (("Graz", "1", "Mur"),))
    [kept] = [item for item in readers.read(*readers.find([tmp_path])) if isinstance(item, Table)]
    assert kept.about == {"data": "revised"}


def test_a_list_in_a_json_file_is_called_as_the_file_calls_it(tmp_path):
    rows = [{"port": "Oslo", "ships": 7}, {"port": "Moss", "ships": 2}]
    [table] = read(written(tmp_path / "a.json", {"north": {"harbours": rows}}))
    assert table.section == "north.harbours"


def test_flat_objects_are_one_table_whose_header_keeps_their_names(tmp_path):
    lines = [{"City": "Vienna", "People": 1900000}, {"City": "Graz", "River": "Mur", "at": {"lat": 47}}]
    path = written(tmp_path / "cities.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    [table] = read(path)
    assert (table.header, table.title) == (("City", "People", "River", "at"), "cities")
    assert table.rows == (("Vienna", "1900000", "", ""), ("Graz", "", "Mur", '{"lat": 47}'))
    assert read(path, as_="text")[0].text == "City: Vienna; People: 1900000"


def test_a_field_that_comes_late_in_a_long_file_is_reported(tmp_path):
    lines = [{"n": n} for n in range(tabular.SLICE_ROWS)] + [{"n": 0, "late": 1}]
    path = written(tmp_path / "a.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    *tables, problem = read(path)
    assert sum(len(table.rows) for table in tables) == tabular.SLICE_ROWS + 1
    assert (problem.where, problem.reason) == ("line 2001", "late left out: not among the fields of the first rows")


def test_passages_as_a_table_are_one_table(tmp_path):
    path = written(tmp_path / "a.jsonl", '{"id": 1, "text": "one"}\n{"id": 2, "text": "two"}\n')
    [table] = read(path, as_="table")
    assert (table.header, table.rows) == (("id", "text"), (("1", "one"), ("2", "two")))


# ── one field name does not decide ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("image", ["bolt.jpg", "https://example.org/bolt.jpg"])
def test_a_list_of_products_stays_a_table_whatever_its_pictures(tmp_path, image):
    path = written(tmp_path / "a.csv", f"sku,name,price,image\nA1,Brass bolt,0.40,{image}\nB2,Lamp,12.50,\n")
    [table] = read(path)
    assert table.rows == (("A1", "Brass bolt", "0.40", image), ("B2", "Lamp", "12.50", ""))
    path = written(tmp_path / "b.csv", f"image,caption\n{image},A bolt\n")
    assert isinstance(read(path)[0], Table)


def test_the_fields_beside_a_text_are_kept_with_it(tmp_path):
    rows = [{"id": 1, "text": "Heating is cold.", "town": "Lund", "tags": ["a", "b"], "notes": "n " * 200, "url": "u"}]
    path = written(tmp_path / "a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    [passage] = read(path)
    assert passage.fields == (("town", "Lund"), ("tags", "a, b"), ("url", "u"))
    assert passage.text.startswith("Heating is cold.\n\nnotes: n n")
    [first, *_] = cut(passage)
    assert first.text.startswith("town: Lund; tags: a, b\nHeating is cold.")


def test_a_row_without_a_text_among_others_is_kept(tmp_path):
    path = written(tmp_path / "a.jsonl", '{"text": null, "town": "Oslo"}\n{"text": "Rain.", "town": "Lund"}\n')
    assert [item.text for item in read(path)] == ["town: Oslo", "Rain."]


def test_pictures_inside_a_parquet_file_are_pictures(tmp_path):
    picture = plain_picture("red").data
    rows = [{"image": {"bytes": picture, "path": "red.png"}, "label": "a stop sign"}, {"image": None, "label": "none"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    [found] = read(tmp_path)
    assert isinstance(found, Picture)
    assert (found.image.data, found.caption) == (picture, "label: a stop sign")


def test_a_reason_that_repeats_the_file_is_short_and_on_one_line(tmp_path):
    told = reason(written(tmp_path / "a.tsv", "\t".join(f"column {n}" for n in range(300)) + "\n"))
    assert len(told) < 600
    assert "\n" not in told
