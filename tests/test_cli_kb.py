"""`r1router index` and `r1router kb` as a person runs them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook
from typer.testing import CliRunner, Result

from r1router.cli import app
from r1router.errors import InputError, QueryError, UnknownName


@pytest.fixture
def kbs(tmp_path: Path) -> Path:
    """Knowledge bases "text" and "table", made by the command from three files."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "oslo.txt").write_text("Oslo is the capital of Norway.")
    (tmp_path / "docs" / "lima.txt").write_text("Lima is the capital of Peru.")
    (tmp_path / "docs" / "rivers.csv").write_text("River,Length\nShannon,360\nDanube,2850\n")
    assert call("index", str(tmp_path / "docs"), "--kbs", str(tmp_path / "kbs")).exit_code == 0
    return tmp_path / "kbs"


def call(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, arguments, input=answer)


def listed(kbs: Path) -> dict[str, int]:
    return {kb["name"]: kb["entries"] for kb in json.loads(call("kb", "list", "--json", "--kbs", str(kbs)).stdout)}


def test_indexing_says_what_was_added_and_then_that_nothing_changed(kbs: Path) -> None:
    again = call("index", str(kbs.parent / "docs"), "--kbs", str(kbs))
    assert "0 files read, 3 unchanged" in again.stdout
    assert listed(kbs) == {"table": 1, "text": 2}


def test_unreadable_files_are_listed_and_only_fatal_when_there_is_nothing_else(kbs: Path) -> None:
    bad = kbs.parent / "docs" / "program.exe"
    bad.write_bytes(b"MZ")
    mixed = call("index", str(kbs.parent / "docs"), "--kbs", str(kbs))
    assert (mixed.exit_code, "no reader for: 1 × .exe" in mixed.stdout) == (0, True)
    assert call("index", str(bad), "--kbs", str(kbs)).exit_code == 1


def test_what_is_told_of_many_files_alike_is_one_line(kbs: Path) -> None:
    for number in range(6):
        page = f"<nav>Spare parts</nav><p>Page {number} of the yard's handbook.</p>"
        (kbs.parent / "docs" / f"{number}.html").write_text(page, encoding="utf-8")
    said = call("index", str(kbs.parent / "docs"), "--kbs", str(kbs)).stdout
    assert [line for line in said.splitlines() if "menus" in line] == [
        "  6 files (docs/0.html, …), its menus: left out"
    ]


def test_the_folder_may_come_from_the_environment(kbs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R1ROUTER_KBS", str(kbs))
    assert "2 passages" in call("kb", "list").stdout


def test_showing_a_knowledge_base_names_its_embedder_and_sources(kbs: Path) -> None:
    shown = call("kb", "show", "text", "--kbs", str(kbs)).stdout
    assert "minilm:" in shown
    assert "docs/oslo.txt  1 entry" in shown
    as_json = json.loads(call("kb", "show", "table", "--json", "--kbs", str(kbs)).stdout)
    assert (as_json["kind"], as_json["sources"][0]["source"]) == ("table", "docs/rivers.csv")


def test_searching_shows_the_evidence_and_where_it_is_from(kbs: Path) -> None:
    shown = call("kb", "search", "table", "length of the Shannon", "--kbs", str(kbs)).stdout
    assert "docs/rivers.csv, rows 1–2" in shown
    assert "Shannon | 360" in shown
    best, *_ = json.loads(call("kb", "search", "text", "Which city governs Peru?", "--json", "--kbs", str(kbs)).stdout)
    assert best["text"].endswith("Lima is the capital of Peru.")


def test_a_search_needs_words_or_a_picture_and_a_known_name(kbs: Path) -> None:
    assert isinstance(call("kb", "search", "text", "--kbs", str(kbs)).exception, InputError)
    unknown = call("kb", "search", "tabel", "Peru", "--kbs", str(kbs)).exception
    assert isinstance(unknown, UnknownName)
    assert "did you mean 'table'" in str(unknown)


def test_removing_asks_first(kbs: Path) -> None:
    assert call("kb", "rm", "text", "--kbs", str(kbs), answer="n\n").exit_code == 1
    assert "text" in listed(kbs)
    assert call("kb", "rm", "text", "--kbs", str(kbs), answer="y\n").exit_code == 0
    assert listed(kbs) == {"table": 1}


def test_one_source_is_removed_from_a_knowledge_base(kbs: Path) -> None:
    arguments = ("kb", "rm", "text", "--source", "docs/lima.txt", "--yes", "--kbs", str(kbs))
    assert call(*arguments).exit_code == 0
    assert listed(kbs) == {"table": 1, "text": 1}
    assert isinstance(call(*arguments).exception, InputError)


# ── tables ─────────────────────────────────────────────────────────────────────────────────────


def test_showing_a_table_kb_lists_tables_with_columns_types_and_rows(kbs: Path) -> None:
    shown = call("kb", "show", "table", "--kbs", str(kbs)).stdout
    assert "rivers  2 rows" in shown
    assert "River (text), Length (number)" in shown
    as_json = json.loads(call("kb", "show", "table", "--json", "--kbs", str(kbs)).stdout)
    [table] = as_json["tables"]
    assert (table["title"], table["rows"]) == ("rivers", 2)
    assert [(column["name"], column["kind"]) for column in table["columns"]] == [
        ("River", "text"),
        ("Length", "number"),
    ]


def test_a_query_shows_its_result_and_the_rows_that_it_rests_on(kbs: Path) -> None:
    sql = 'SELECT "River" FROM t ORDER BY "Length" DESC LIMIT 1'
    shown = call("kb", "query", "table", sql, "--kbs", str(kbs)).stdout
    assert "Danube" in shown
    assert "rivers, 1 rows: 2" in shown
    as_json = json.loads(call("kb", "query", "table", sql, "--json", "--kbs", str(kbs)).stdout)
    assert (as_json["rows"], as_json["source_rows"]) == ([["Danube"]], [2])
    wrong = call("kb", "query", "table", "DROP TABLE t", "--kbs", str(kbs)).exception
    assert isinstance(wrong, QueryError)


def test_of_several_tables_one_is_named_and_those_of_one_file_are_joined(kbs: Path) -> None:
    book = Workbook()
    book.active.title = "plants"
    other = book.create_sheet("grid")
    for sheet, rows in ((book.active, ["Alta Norway", "Aura Peru"]), (other, ["Norway 230", "Peru 220"])):
        sheet.append(["Plant", "Country"] if sheet is book.active else ["Country", "Volt"])
        for row in rows:
            sheet.append(row.split())
    book.save(kbs.parent / "docs" / "power.xlsx")
    call("index", str(kbs.parent / "docs"), "--kbs", str(kbs))
    some = call("kb", "query", "table", "SELECT 1", "--kbs", str(kbs)).exception
    assert isinstance(some, InputError)
    assert "there are 3 tables; name one" in str(some)
    sql = 'SELECT "Plant" FROM t JOIN "grid" USING ("Country") WHERE "Volt" > 225'
    shown = call("kb", "query", "table", sql, "--table", "Plants", "--kbs", str(kbs)).stdout
    assert "Alta" in shown
    assert "Aura" not in shown
    unknown = call("kb", "query", "table", sql, "--table", "rivets", "--kbs", str(kbs)).exception
    assert isinstance(unknown, UnknownName)
    assert "did you mean 'rivers'" in str(unknown)


def test_what_was_left_out_of_each_file_is_shown_until_it_is_read_otherwise(kbs: Path) -> None:
    page = kbs.parent / "docs" / "scan.csv"
    page.write_bytes("id,name\n1,Größe und Weite\n".encode("cp850") + b'2,"open\n')
    assert call("index", str(kbs.parent / "docs"), "--kbs", str(kbs)).exit_code == 0
    shown = call("kb", "sources", "--kbs", str(kbs)).stdout
    assert "scan.csv" in shown
    assert "a quote is opened here and not closed" in shown
    as_json = json.loads(call("kb", "sources", "--json", "--kbs", str(kbs)).stdout)
    assert [row["source"] for row in as_json["sources"] if row["left_out"]] == ["docs/scan.csv"]
    page.write_text("id,name\n1,Breite\n")
    (kbs.parent / "docs" / "program.exe").write_bytes(b"MZ")
    (kbs.parent / "docs" / "torn.pdf").write_bytes(b"no")
    assert call("index", str(kbs.parent / "docs"), "--kbs", str(kbs)).exit_code == 0
    shown = call("kb", "sources", "--kbs", str(kbs)).stdout
    assert "quote" not in shown
    assert "–  docs/torn.pdf  not indexed" in shown
    assert "no reader for 1 × .exe: program.exe" in shown


def test_watching_takes_in_what_changes_and_removes_what_is_gone(tmp_path: Path) -> None:
    docs, kbs = tmp_path / "docs", tmp_path / "kbs"
    docs.mkdir()
    (docs / "oslo.txt").write_text("Oslo is the capital of Norway.")
    command = [sys.executable, "-m", "r1router", "index", str(docs), "--kbs", str(kbs), "--watch"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_until(lambda: sources_of(kbs) == {"docs/oslo.txt"})
        number = 0

        def change() -> bool:
            nonlocal number  # again and again: nobody knows when it began to watch
            number += 1
            (docs / "lima.txt").write_text(f"Lima is the capital of Peru, {number}.")
            return sources_of(kbs) == {"docs/oslo.txt", "docs/lima.txt"}

        wait_until(change)
        (docs / "oslo.txt").unlink()
        wait_until(lambda: sources_of(kbs) == {"docs/lima.txt"})
        process.send_signal(signal.SIGINT)
        assert "Traceback" not in process.communicate(timeout=60)[0]
    finally:
        process.kill()
        process.communicate()


def sources_of(kbs: Path) -> set[str]:
    shown = call("kb", "show", "text", "--json", "--kbs", str(kbs))
    return {row["source"] for row in json.loads(shown.stdout)["sources"]} if shown.exit_code == 0 else set()


def wait_until(is_so: Callable[[], bool]) -> None:
    """Looks twice a second, for up to two minutes."""
    for _ in range(240):
        if is_so():
            return
        time.sleep(0.5)
    raise AssertionError("it did not come to be so in two minutes")
