"""A table stays a table from the file to the prompt and the page, and can be queried whole."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings

from odd_tables import BLOCKS
from r1router.codec import from_dict, to_dict
from r1router.errors import InputError, KnowledgeBaseError, QueryError
from r1router.evidence.shown import focus
from r1router.ingest.chunk import cut
from r1router.ingest.records import Table
from r1router.ingest.run import index
from r1router.kb import open_kb
from r1router.kb.memory import MemoryKnowledgeBase
from r1router.kb.rows import CELLS, read_block, write_cells
from r1router.kb.stored import StoredKnowledgeBase
from r1router.kb.stores.folder.table import open_table
from r1router.table import CELLS as BAR
from r1router.table import TableBlock, join_lines, name_columns
from r1router.types import Card, Evidence, Location, Query, TableKnowledgeBase
from small_embedders import HashedWords

GOLDEN = Path(__file__).parent / "golden" / "tables_shown.json"


def index_files(folder: Path, **files: str) -> StoredKnowledgeBase:
    """The knowledge base of tables that these files make; `_` in a name is the dot."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content, encoding="utf-8")
    index([folder / name.replace("_", ".") for name in files], folder / "kbs", as_="table", embedder=HashedWords())
    return open_kb(folder / "kbs" / "table", text_embedder=HashedWords())


def search(kb: StoredKnowledgeBase, question: str, k: int = 5) -> list[Evidence]:
    return kb.search([Query(question)], k=k)[0]


def shown(question: str, evidence: list[Evidence]) -> str:
    return "\n".join(text for _, text in focus(question, evidence, 1000))


# ── what a policy is shown ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("case", json.loads(GOLDEN.read_text(encoding="utf-8")), ids=lambda case: case["question"])
def test_tables_without_bars_or_odd_cells_are_embedded_and_shown_in_the_same_bytes_as_ever(case) -> None:
    """The file was written by the version that guessed the cells back from the text."""
    records = [
        Table(**{**record, "header": tuple(record["header"]), "rows": tuple(map(tuple, record["rows"]))})
        for record in case["records"]
    ]
    entries = [entry for record in records for entry in cut(record)]
    assert [entry.text for entry in entries] == case["texts"]
    evidence = [Evidence("table", e.id, e.text, title=e.title, record=e.record, table=e.table) for e in entries]
    assert [[e.id, text] for e, text in focus(case["question"], evidence, case["chars"])] == case["shown"]


def test_a_bar_in_the_title_of_a_page_names_no_column(tmp_path: Path) -> None:
    rows = "".join(f"<tr><td>{city}</td><td>{n}</td></tr>" for city, n in (("Oslo", 5), ("Bergen", 3)))
    page = f"<title>Courts | Ministry of Justice</title><table><tr><th>City</th><th>Judges</th></tr>{rows}</table>"
    question = "How many judges are in Oslo?"
    said = shown(question, search(index_files(tmp_path, courts_html=page), question))
    assert "Oslo | Judges: 5" in said
    assert "Ministry of Justice: 5" not in said


def test_a_bar_in_a_cell_shifts_no_column(tmp_path: Path) -> None:
    bridges = "Bridge,Material,Length (m)\nAlt,stone,900\nNeu,steel | wood,1200\n"
    kb = index_files(tmp_path, bridges_csv=bridges)
    said = shown("Which bridge is the longest?", search(kb, "Which bridge is the longest?"))
    assert said.split("\n")[1:] == [
        "Alt | Material: stone | Length (m): 900",
        "Neu | Material: steel | wood | Length (m): 1200",
    ]
    [hit] = search(kb, "bridge", k=1)
    assert kb.compute(hit.id, 'SELECT "Bridge" FROM t ORDER BY "Length (m)" DESC LIMIT 1').rows == (("Neu",),)


def test_the_id_of_a_hit_opens_the_rows_that_it_shows(tmp_path: Path) -> None:
    rows = "".join(f"River {n} of Ostland with a name of some length,{n * 37 % 400}\n" for n in range(400))
    kb = index_files(tmp_path, rivers_csv="River,Length\n" + rows)
    hits = search(kb, "Which river of Ostland is the longest?")
    assert len(hits) == 5
    for hit in hits:
        opened = kb.entry(hit.id)
        assert opened == replace(hit, score=0.0, similarity=None)


# ── whatever the table ─────────────────────────────────────────────────────────────────────────


@given(BLOCKS)
@settings(deadline=None)
def test_each_shown_cell_stands_under_its_own_column_whatever_the_table(block: TableBlock) -> None:
    evidence = [Evidence("t", "1", block.text, table=block)]
    lines = [line for _, text in focus("a", evidence, 10**6) for line in text.split("\n")]
    names = [
        name if join_lines(own) else "" for own, name in zip(block.header, name_columns(block.header), strict=True)
    ]
    for row in block.rows:
        expected = []
        for place, cell in enumerate(map(join_lines, row)):
            name = names[place] if place < len(names) else ""
            bare = not name or (place == 0 and not cell[:1].isdigit())
            expected += [cell if bare else f"{name}: {cell}"] if cell else []
        if expected:
            assert BAR.join(expected) in lines


@given(BLOCKS)
@settings(deadline=None)
def test_every_cell_is_kept_from_the_store_to_the_evidence_to_the_page(block: TableBlock) -> None:
    stored = {"title": block.title, "section": block.section, "first_row": block.first_row, CELLS: write_cells(block)}
    assert read_block(stored) == block
    evidence = Evidence("t", "1", block.text, table=block)
    assert from_dict(Evidence, json.loads(json.dumps(to_dict(evidence)))) == evidence


def test_odd_tables_go_through_files_and_store_unchanged(tmp_path: Path) -> None:
    header = ["Name", "", 'a | "b"', "Name"]
    rows = [["x | y", "it's", '"quoted"; --', "1"], ["", "short"], ["two\nlines", "东", "<ret>", "2"]]
    kb = index_files(tmp_path, odd_jsonl=json.dumps({"id": "odd", "title": "T | U", "header": header, "rows": rows}))
    [entry] = kb.record("odd")
    assert entry.table is not None
    assert entry.table.header == ("Name", "column 2", 'a | "b"', "Name")
    assert entry.table.rows[0] == tuple(rows[0])
    assert entry.table.rows[1] == ("", "short", "", "")
    assert [column.name for column in kb.columns("odd")] == ["Name", "column 2", 'a | "b"', "Name (2)"]
    assert kb.compute("odd", 'SELECT "a | ""b""" FROM t WHERE "Name (2)" = 1').rows == (('"quoted"; --',),)


# ── whole tables ───────────────────────────────────────────────────────────────────────────────

PLANTS = [[f"Plant {n} with quite a long name", str(n * 10), "Norway" if n % 3 else "Peru"] for n in range(1, 61)]


def on_disk(folder: Path) -> TableKnowledgeBase:
    told = {"id": "plants", "title": "Plants", "header": ["Plant", "Power", "Country"], "rows": PLANTS}
    other = {"id": "other", "title": "Other", "header": ["A", "B"], "rows": [["1", "2"]]}
    text = "\n".join(map(json.dumps, (told, other)))
    return index_files(folder, plants_jsonl=text)


def in_memory(folder: Path) -> TableKnowledgeBase:
    entries = cut(Table("plants", "p", ("Plant", "Power", "Country"), tuple(map(tuple, PLANTS)), "Plants"))
    entries = [*entries, *cut(Table("other", "p", ("A", "B"), (("1", "2"),), "Other"))]
    pieces = [
        Evidence("", e.id, e.text, title=e.title, location=Location("p", rows=e.rows), record=e.record, table=e.table)
        for e in entries
    ]
    return MemoryKnowledgeBase(Card("table", "table", ""), [*pieces, Evidence("", "prose#0", "No table.")])


@pytest.fixture(scope="module", params=[on_disk, in_memory])
def plants(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TableKnowledgeBase:
    kb: TableKnowledgeBase = request.param(tmp_path_factory.mktemp("plants"))
    assert isinstance(kb, TableKnowledgeBase)
    return kb


def test_a_record_gives_its_entries_in_order(plants: TableKnowledgeBase) -> None:
    entries = plants.record("plants")
    assert len(entries) > 2
    assert [entry.id for entry in entries] == [f"plants#{n}" for n in range(len(entries))]
    assert [row for entry in entries if entry.table for row in entry.table.rows] == list(map(tuple, PLANTS))
    assert plants.record("plants#1") == entries
    assert plants.record("nothing") == []


def test_a_query_sees_every_row_of_the_table_whichever_entry_was_found(plants: TableKnowledgeBase) -> None:
    for id in ("plants", "plants#0", "plants#2"):
        result = plants.compute(id, 'SELECT count(*), sum("Power") FROM t WHERE "Country" = \'Peru\'')
        assert result.rows == (("20", "6300"),)
        assert result.source_rows == tuple(range(3, 61, 3))
    assert [column.kind for column in plants.columns("plants#1")] == ["text", "number", "text"]
    assert plants.compute("other", "SELECT * FROM t").rows == (("1", "2"),)


def write_shop(path: Path, tables: int) -> None:
    with closing(sqlite3.connect(path)) as shop:
        for n in range(tables):
            shop.execute(f"CREATE TABLE year_{n} (country TEXT, amount INTEGER)")
            shop.executemany(f"INSERT INTO year_{n} VALUES (?, ?)", [("Norway", n), ("Peru", 10 * n)])
        shop.commit()


def test_the_tables_of_one_file_are_told_and_joined(tmp_path: Path) -> None:
    write_shop(tmp_path / "shop.sqlite", 3)
    kb = index_files(tmp_path, cities_csv="city,country\nOslo,Norway\n")
    index([tmp_path / "shop.sqlite"], tmp_path / "kbs", as_="table", embedder=HashedWords())
    id = kb.tables.find("year_1").id
    view = kb.inspect(id, "What came from Norway?", joined=True)
    assert [(other.name, other.count) for other in view.others] == [("year_0", 2), ("year_2", 2)]
    assert [(column.name, column.kind) for column in view.others[0].columns] == [
        ("country", "text"), ("amount", "number"),
    ]  # fmt: skip
    assert kb.inspect(id, "What came from Norway?").others == ()
    sql = "SELECT sum(t.amount + year_2.amount) FROM t JOIN year_2 USING (country) WHERE country = 'Peru'"
    assert kb.compute(id, sql, joined=True).rows == (("30",),)


def test_a_sheet_is_found_by_its_name_also_where_the_file_has_it_too(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    for name in ("Pumps", "Stock"):
        sheet = workbook.create_sheet(name)
        for row in (("Pump", "Pieces"), ("P1", 5), ("P2", 7)):
            sheet.append(row)
    workbook.remove(workbook.worksheets[0])
    workbook.save(tmp_path / "pumps.xlsx")
    index([tmp_path / "pumps.xlsx"], tmp_path / "kbs", embedder=HashedWords())
    tables = open_kb(tmp_path / "kbs" / "table", text_embedder=HashedWords()).tables
    assert tables.find("Pumps").section == "Pumps"
    assert tables.find("pumps — Stock").section == "Stock"
    with pytest.raises(InputError, match="2 tables are called 'PUMPS'"):
        tables.find("PUMPS")


def test_of_very_many_tables_none_is_told_and_a_query_has_those_that_it_names(tmp_path: Path) -> None:
    write_shop(tmp_path / "shop.sqlite", 30)
    index([tmp_path / "shop.sqlite"], tmp_path / "kbs", as_="table", embedder=HashedWords())
    kb = open_kb(tmp_path / "kbs" / "table", text_embedder=HashedWords())
    id = kb.tables.find("year_1").id
    assert kb.inspect(id, "Norway?", joined=True).others == ()
    sql = "SELECT year_29.amount FROM t JOIN year_29 USING (country) WHERE country = 'Peru'"
    assert kb.compute(id, sql, joined=True).rows == (("290",),)


def test_a_query_that_cannot_be_answered_says_why(plants: TableKnowledgeBase) -> None:
    with pytest.raises(QueryError, match="Powr"):
        plants.compute("plants", 'SELECT "Powr" FROM t')
    with pytest.raises(KnowledgeBaseError, match="there is no table 'nothing'"):
        plants.compute("nothing", "SELECT 1")


def test_what_is_no_table_cannot_be_queried() -> None:
    kb = MemoryKnowledgeBase(Card("text", "text", ""), [Evidence("", "prose#0", "No table.")])
    with pytest.raises(KnowledgeBaseError, match="is no table"):
        kb.compute("prose#0", "SELECT 1")


def test_a_table_of_which_a_block_is_missing_is_not_counted_wrong() -> None:
    entries = cut(Table("plants", "p", ("Plant", "Power", "Country"), tuple(map(tuple, PLANTS)), "Plants"))
    pieces = [Evidence("", e.id, e.text, record=e.record, table=e.table) for e in entries if e.id != "plants#1"]
    with pytest.raises(KnowledgeBaseError, match="a part of 'plants' is missing"):
        MemoryKnowledgeBase(Card("table", "table", ""), pieces).compute("plants", "SELECT count(*) FROM t")


def test_an_index_from_before_is_searched_as_ever_and_says_to_index_again_for_queries(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kb = index_files(tmp_path, a_csv="City,Judges\nOslo,5\nBergen,3\n")
    open_table(tmp_path / "kbs" / "table").drop_columns([CELLS])
    kb = open_kb(tmp_path / "kbs" / "table", text_embedder=HashedWords())
    [hit] = search(kb, "judges in Oslo", k=1)
    assert hit.text == "a\nCity | Judges\nOslo | 5\nBergen | 3"
    assert hit.table is None
    assert "index its files again" in caplog.text
    with pytest.raises(KnowledgeBaseError, match=r"a\.csv was indexed before .* index its file again"):
        kb.compute(hit.id, "SELECT count(*) FROM t")
    (tmp_path / "a.csv").write_text("City,Judges\nOslo,5\nBergen,4\n")
    index([tmp_path / "a.csv"], tmp_path / "kbs", as_="table", embedder=HashedWords())
    kb = open_kb(tmp_path / "kbs" / "table", text_embedder=HashedWords())
    assert kb.compute(hit.id, 'SELECT sum("Judges") FROM t').rows == (("9",),)
