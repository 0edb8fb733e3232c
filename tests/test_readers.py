"""Which files are found, and text and JSON lines to passages, with everything that can be wrong with them."""

import gzip
import json
import os
from pathlib import Path

import pytest

from r1router.errors import InputError, UnreadableFile
from r1router.ingest import readers
from r1router.ingest.parts import files
from r1router.ingest.parts import read as reading_file
from r1router.ingest.readers import text
from r1router.ingest.records import Passage, Problem
from r1router.ingest.sources import SourceFile
from r1router.kb.manifest import Manifest, write
from reading import lines, read, reason, written


def sources(files: list[SourceFile]) -> list[str]:
    return [file.source for file in files]


# ── which files ────────────────────────────────────────────────────────────────────────────────


def test_a_folder_is_walked_in_order_and_hidden_things_are_left_out(tmp_path):
    docs = tmp_path / "docs"
    for name in ("b.txt", "a.md", "sub/c.txt", ".git/x.txt", ".hidden.txt", "~$a.docx", "sub/__pycache__/d.txt"):
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("words")
    assert sources(readers.find([docs])) == ["docs/a.md", "docs/b.txt", "docs/sub/c.txt"]


def test_a_file_keeps_the_name_it_was_given_by(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("words")
    monkeypatch.chdir(tmp_path)
    assert sources(readers.find(["docs/a.md"])) == ["docs/a.md"]
    assert sources(readers.find([Path("docs")])) == ["docs/a.md"]
    monkeypatch.chdir(tmp_path / "docs")
    assert sources(readers.find(["."])) == ["docs/a.md"]


def test_a_file_given_twice_is_found_once(tmp_path):
    (tmp_path / "a.txt").write_text("words")
    assert len(readers.find([tmp_path, tmp_path / "a.txt", tmp_path])) == 1


def test_folders_of_the_same_name_are_told_apart(tmp_path, monkeypatch):
    for parent in ("x", "y"):
        (tmp_path / parent / "docs").mkdir(parents=True)
        (tmp_path / parent / "docs" / "a.txt").write_text("words")
    monkeypatch.chdir(tmp_path)
    assert sources(readers.find(["x/docs", "y/docs"])) == ["x/docs/a.txt", "y/docs/a.txt"]


def test_links_that_lead_in_circles_end(tmp_path):
    (tmp_path / "docs" / "sub").mkdir(parents=True)
    (tmp_path / "docs" / "sub" / "a.txt").write_text("words")
    os.symlink(tmp_path / "docs", tmp_path / "docs" / "sub" / "up")
    os.symlink(tmp_path / "nothing", tmp_path / "docs" / "gone.txt")
    assert sources(readers.find([tmp_path / "docs"])) == ["docs/sub/a.txt"]


def test_a_knowledge_base_is_not_indexed_into_another(tmp_path):
    (tmp_path / "kbs" / "text").mkdir(parents=True)
    write(tmp_path / "kbs" / "text", Manifest("text", "text", "minilm:"))
    (tmp_path / "kbs" / "text" / "notes.txt").write_text("words")
    (tmp_path / "a.txt").write_text("words")
    assert sources(readers.find([tmp_path])) == [f"{tmp_path.name}/a.txt"]


def test_a_path_that_does_not_exist_is_said(tmp_path):
    with pytest.raises(InputError, match="nothing here does not exist"):
        readers.find([tmp_path / "nothing here"])


def test_a_file_of_an_unknown_kind_is_told_what_is_supported(tmp_path):
    (tmp_path / "a.xyz").write_text("words")
    [file] = readers.find([tmp_path])
    assert file.kinds == ()
    with pytest.raises(UnreadableFile, match=r"no reader for this kind of file; supported: .*\*\.csv.*\*\.pdf"):
        list(readers.read(file))


def test_a_text_cannot_be_read_as_a_picture(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("words")
    assert reason(path, as_="image") == "cannot be read as image; it holds text or table"


def test_what_a_file_holds_is_known_before_it_is_read(tmp_path):
    (tmp_path / "a.html").write_text("<p>Words")
    (tmp_path / "b.html").write_text("<table><tr><td>a<td>b<tr><td>1<td>2</table>")
    (tmp_path / "c.docx").write_bytes(b"damaged")
    (tmp_path / "d.jsonl").write_text(lines({"text": "x"}, {"header": ["a"], "rows": [["1"]]}))
    (tmp_path / "e.jsonl").write_text(lines({"city": "Graz"}, {"city": "Linz", "image": "linz.png"}))
    (tmp_path / "f.xlsx").write_bytes(b"damaged")
    assert [file.kinds for file in readers.find([tmp_path])] == [
        ("text",),
        ("text", "table"),
        ("text",),
        ("text", "table"),
        ("table",),
        ("table",),
    ]
    assert [file.kinds for file in readers.find([tmp_path], as_="table")] == [("table",)] * 6


# ── plain text ─────────────────────────────────────────────────────────────────────────────────


def test_a_text_file_is_one_passage_titled_by_its_name(tmp_path):
    path = tmp_path / "river_notes-2.txt"
    path.write_text("The Danube.\n\nIt is long.\n")
    source = path.as_posix()
    assert read(path) == [Passage(source, source, "The Danube.\n\nIt is long.", "river notes 2")]


def test_a_long_text_is_cut_at_blank_lines_without_losing_a_word(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "PART", 1000)
    path = tmp_path / "long.txt"
    words = "\n\n".join(f"paragraph {i} " + "x" * 100 for i in range(50))
    path.write_text(words + "\n")
    parts = read(path)
    assert len(parts) > 3
    assert "\n\n".join(part.text for part in parts) == words
    assert [part.id for part in parts[:2]] == [path.as_posix(), f"{path.as_posix()}:part 2"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "cp1252"])
def test_text_is_read_in_its_encoding(tmp_path, encoding):
    path = tmp_path / "a.txt"
    path.write_bytes("Die Straße führt nach Köln und weiter bis an das Meer".encode(encoding))
    assert read(path)[0].text == "Die Straße führt nach Köln und weiter bis an das Meer"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b" \n\t\n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"abc\0\0\0\1def", "NUL bytes"),
    ],
)
def test_a_text_file_that_is_none_is_told_why(tmp_path, content, said):
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    assert said in reason(path)


def test_a_few_wrong_bytes_do_not_turn_the_other_letters_into_others(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("Straße, Köln, Győr ".encode() + b"\xff")
    passage, problem = read(path)
    assert passage.text == "Straße, Köln, Győr \ufffd"
    assert "byte 0xff near position 22" in problem.reason


def test_a_compressed_text_is_read_and_a_cut_off_one_reported(tmp_path):
    path = tmp_path / "a.txt.gz"
    whole = gzip.compress(os.urandom(2000).hex().encode())
    path.write_bytes(whole)
    assert read(path)[0].title == "a"
    path.write_bytes(whole[:-200])
    assert "damaged or cut off" in reason(path)
    path.write_bytes(b"no gzip")
    assert "damaged or cut off" in reason(path)


# ── json lines, WikiExtractor ──────────────────────────────────────────────────────────────────


def test_rows_with_text_are_passages_under_their_own_ids(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(
        gzip.compress(
            lines(
                {"id": "w1", "title": "Danube", "text": "A river.", "section": "Course"},
                {"_id": 7, "contents": '"Rhine"\nAnother river.'},
                {"passage": "No id."},
                {"id": "w1", "text": "The id again."},
            ).encode()
        )
    )
    source = path.as_posix()
    assert read(path) == [
        Passage("w1", source, "A river.", "Danube", section="Course"),
        Passage("7", source, "Another river.", "Rhine"),
        Passage(f"{source}:line 3", source, "No id."),
        Passage("w1#2", source, "The id again."),
    ]
    assert readers.find([path])[0].kinds == ("text",)


def test_a_bad_line_is_reported_by_its_number_and_the_good_ones_are_kept(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [
        lines({"text": "one"}),
        "\n",
        '{"text": "two"\n',
        "[1, 2]\n",
        lines({"text": " "}, {"x": 1}, {"text": "six"}),
    ]
    path.write_text("".join(rows))
    found = read(path)
    assert [r.text for r in found if isinstance(r, Passage)] == ["one", "x: 1", "six"]
    problems = {r.where: r.reason for r in found if isinstance(r, Problem)}
    assert problems["line 3"].startswith("is not JSON")
    assert problems["line 4"] == "is JSON but not an object: [1, 2]"
    assert problems["line 5"] == "its text is empty"


def test_a_file_of_bad_lines_only_is_unreadable_and_says_the_first_ones(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("nonsense\n" * 5)
    assert reason(path).startswith("line 1: is not JSON")
    assert reason(path).endswith("(and 2 more problems)")


def test_many_problems_of_one_file_are_counted_not_listed(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(lines({"text": "good"}) + "nonsense\n" * 100)
    problems = [r for r in read(path) if isinstance(r, Problem)]
    assert len(problems) == reading_file.MOST_PROBLEMS + 1
    assert problems[-1].reason == "and 80 more problems"


def test_text_that_no_index_could_store_is_mended(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "half a \\ud83d pair and a \\u0000 byte"}\n')
    read(path)[0].text.encode()
    assert "\0" not in read(path)[0].text


def test_wiki_extractor_blocks_are_articles(tmp_path):
    path = tmp_path / "AA" / "wiki_00"
    path.parent.mkdir()
    path.write_text(
        '<doc id="12" url="https://en.wikipedia.org/wiki?curid=12" title="Danube &amp; Rhine">\nDanube &amp; Rhine\n\n'
        'Two rivers.\n</doc>\n<doc id="13" url="" title="Empty">\nEmpty\n\n</doc>\n<doc id="14" title="Cut">\nHalf'
    )
    passage, problem = read(tmp_path)
    source = f"{tmp_path.name}/AA/wiki_00"
    assert passage == Passage("12", source, "Two rivers.", "Danube & Rhine")
    assert (problem.where, problem.reason) == ("line 10", "the <doc> is not closed: the file is cut off")


def test_a_wiki_article_about_which_nothing_is_said_is_read(tmp_path):
    path = written(tmp_path / "wiki_00", "<doc id='1' title='a'>\nTwo rivers.\n</doc>\n")
    assert read(path) == [Passage(f"{path.as_posix()}:line 1", path.as_posix(), "Two rivers.", "")]


def test_wiki_extractor_json_is_articles_too(tmp_path):
    path = tmp_path / "wiki_01"
    path.write_text(
        lines({"id": "1", "url": "", "title": "A", "text": "Words."}, {"id": "2", "title": "B", "text": ""})
    )
    assert read(path) == [Passage("1", path.as_posix(), "Words.", "A")]


WHOLE = {
    "a.html": "<p>Oslo is a city.</p>",
    "a.md": "Oslo is a city.",
    "a.rst": "Oslo is a city.",
    "a.rtf": r"{\rtf1 Oslo is a city.}",
    "a.json": [{"city": "Oslo", "country": "Norway"}],
    "a.ipynb": {"cells": [{"cell_type": "markdown", "source": "Oslo is a city."}]},
    "a.eml": "Subject: Oslo\n\nOslo is a city.",
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_that_is_read_whole_has_a_largest_size(name, tmp_path, monkeypatch):
    path = written(tmp_path / name, WHOLE[name])
    assert read(path)
    monkeypatch.setattr(files, "MOST_WHOLE", path.stat().st_size - 1)
    assert reason(path) == "has more than 0 MB, and files of its kind are read whole; split it"


def test_what_a_packed_file_has_in_it_counts_and_not_the_file(tmp_path, monkeypatch):
    path = written(tmp_path / "a.json.gz", gzip.compress(json.dumps([{"city": "Oslo"}] * 100).encode()))
    monkeypatch.setattr(files, "MOST_WHOLE", path.stat().st_size)
    assert "read whole" in reason(path)
