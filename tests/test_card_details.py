"""What a knowledge base says of its content beside its one line: as long for a large one as for a small one."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import r1router as rr
from r1router.cli import app
from r1router.errors import InputError
from r1router.filters.parse import parse
from r1router.kb import open_kb
from r1router.kb.details import BUDGET
from r1router.kb.naming import change_kb

BOATS = "The ferry leaves the harbour at {n} and its captain counts the ropes and sails of the boat number {n}."
BREAD = "The baker kneads dough from flour and yeast, and oven number {n} bakes the bread for {n} minutes in 2021."


def call(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def write_tables(folder: Path, count: int) -> None:
    folder.mkdir()
    for n in range(count):
        (folder / f"stock {n}.csv").write_text(f"part {n},price,weight\nbolt,1.20 €,3 kg\nnut,0.90 €,1 kg\n")


def test_texts_are_told_by_topics_with_titles_from_each(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for n in range(12):
        (tmp_path / "docs" / f"ferry {n}.txt").write_text(BOATS.format(n=n))
        (tmp_path / "docs" / f"bakery {n}.txt").write_text(BREAD.format(n=n))
    rr.index([tmp_path / "docs"], kbs=tmp_path / "kbs")
    counts, topics, titles = open_kb(tmp_path / "kbs" / "text").card.details.split("\n")
    assert counts == "24 entries from 24 files; English; year 2021"
    assert all(any(word in topics for word in words) for words in (("ferry", "harbour"), ("baker", "dough")))
    assert "ferry" in titles
    assert "bakery" in titles


def test_every_table_shows_columns_with_units_until_together_they_are_too_many(tmp_path: Path) -> None:
    for count in (5, 7, 9, 40):
        write_tables(tmp_path / str(count), count)
        rr.index([tmp_path / str(count)], kbs=tmp_path / f"kbs{count}", as_="table")
    few, more, most, many = (open_kb(tmp_path / f"kbs{count}" / "table").card.details for count in (5, 7, 9, 40))
    for said, count in ((few, 5), (more, 7), (most, 9)):
        assert all(f"stock {n} (part {n}, " in said for n in range(count)), said
    assert "price in €, weight in kg" in few
    assert "Columns: price in €, weight in kg, part 0" in many
    assert all(0 < len(said) <= BUDGET for said in (few, more, most, many))


def test_tables_of_which_none_has_a_row_are_counted(tmp_path: Path) -> None:
    (tmp_path / "note.csv").write_text("The ferry leaves at nine.\n")
    rr.index([tmp_path / "note.csv"], kbs=tmp_path / "kbs")
    assert open_kb(tmp_path / "kbs" / "table").card.details == "1 entry from 1 file"


def test_a_person_changes_the_lines_and_gets_those_of_the_content_back(tmp_path: Path) -> None:
    write_tables(tmp_path / "a", 2)
    rr.index([tmp_path / "a"], kbs=tmp_path / "kbs")
    kbs = tmp_path / "kbs"
    own = open_kb(kbs / "table").card.details
    assert change_kb(kbs, "table", details="  All parts\n\n of the  yard ").details == "All parts\nof the yard"
    write_tables(tmp_path / "b", 3)
    rr.index([tmp_path / "b"], kbs=kbs)
    assert open_kb(kbs / "table").card.details == "All parts\nof the yard"
    made = change_kb(kbs, "table", details="").details
    assert own.startswith("2 entries from 2 files")
    assert made.startswith("5 entries from 5 files")
    with pytest.raises(InputError, match="use 600 at most"):
        change_kb(kbs, "table", details="x" * 601)


def test_several_are_described_by_a_file_or_none_where_one_is_not_there(tmp_path: Path) -> None:
    write_tables(tmp_path / "a", 1)
    (tmp_path / "a" / "notes.txt").write_text("The yard closes at noon.")
    kbs = str(tmp_path / "kbs")
    rr.index([tmp_path / "a"], kbs=kbs)
    said = json.loads(call("kb", "describe", "--kbs", kbs, "--json"))
    assert said["text"]["details"].startswith("1 entry from 1 file")
    said["text"]["holds"], said["table"]["details"] = "Notes of the yard", "Parts and prices"
    (tmp_path / "cards.json").write_text(json.dumps(said))
    shown = call("kb", "describe", "--from", str(tmp_path / "cards.json"), "--kbs", kbs)
    assert "text: Notes of the yard" in shown
    assert "  Parts and prices" in shown
    assert "  Parts and prices" in call("kb", "describe", "table", "--kbs", kbs)
    (tmp_path / "cards.json").write_text(json.dumps({"text": {"holds": "Other"}, "gone": {"holds": "Other"}}))
    refused = CliRunner().invoke(app, ["kb", "describe", "--from", str(tmp_path / "cards.json"), "--kbs", kbs])
    assert refused.exit_code != 0
    assert "Notes of the yard" in call("kb", "describe", "text", "--kbs", kbs)


def test_a_part_that_a_filter_lets_through_tells_nothing_of_the_rest(tmp_path: Path) -> None:
    write_tables(tmp_path / "a", 3)
    rr.index([tmp_path / "a"], kbs=tmp_path / "kbs")
    kb = open_kb(tmp_path / "kbs" / "table").narrow(parse('path like "%stock 1%"'))
    assert kb.card.details == ""


def test_our_prompts_show_the_lines_and_those_of_the_small_router_do_not() -> None:
    cards = {"text": rr.Card("text", "text", "Notes", details="12 entries from 3 files\nTopics: ferry, harbour")}
    question = rr.Trajectory(rr.Question("When does the ferry leave?"))
    shown = rr.Prompts().next_step(question, cards).messages[0].content
    assert "- text: Notes\n  12 entries from 3 files\n  Topics: ferry, harbour\n" in shown
    short = Path(rr.__file__).parent / "prompt_sets" / "short"
    assert "harbour" not in rr.Prompts(short).next_step(question, cards).messages[0].content
