"""The demo's files hold the answers to its questions, can all be read, and are what the recipes make."""

import json
import runpy
from pathlib import Path

import pytest
from PIL import Image, ImageChops

import reading
from r1router.ingest import readers
from r1router.ingest.records import Passage, Picture, Problem, Table

ROOT = Path(__file__).parents[1]
DATA = ROOT / "src" / "r1router" / "demo_data"
QUESTIONS = [json.loads(line) for line in (DATA / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
KIND_OF = {"text": "text", "tables": "table", "images": "image"}


def records_of(path, *, ocr=False):
    return [record for file in readers.find([path]) for record in reading.records_of(file, ocr=ocr)]


def words_of(record):
    match record:
        case Passage():
            return f"{record.title}\n{record.text}"
        case Table():
            return "\n".join(" | ".join(row) for row in (record.header, *record.rows))
        case Picture():
            return f"{record.title}\n{record.caption}\n{record.words}"


def folded(text):
    return " ".join(text.casefold().split())


def pixels_differ(one, other):
    """Largest difference of any channel of any pixel, 0 to 255."""
    with Image.open(one) as a, Image.open(other) as b:
        if a.size != b.size:
            return 255
        return max(high for _, high in ImageChops.difference(a.convert("RGB"), b.convert("RGB")).getextrema())


def test_the_demo_stays_small():
    assert sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file()) < 600_000


def test_questions_have_all_fields_and_the_first_four_show_every_kind():
    assert all(set(q) == {"id", "question", "image", "answers", "needs", "gold"} for q in QUESTIONS)
    assert [q["id"] for q in QUESTIONS] == [f"demo-{i:02}" for i in range(1, len(QUESTIONS) + 1)]
    assert [q["needs"] for q in QUESTIONS[:4]] == ["text", "table", "image+table", "text+table"]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q["id"])
def test_the_answer_is_in_the_file_that_should_hold_it(question):
    *_, last = question["gold"]["files"]
    held = folded("\n".join(map(words_of, records_of(DATA / last, ocr=last.endswith(".png")))))
    assert folded(question["answers"][0]) in held


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q["id"])
def test_the_kinds_that_a_question_needs_are_those_of_its_files(question):
    files = question["gold"]["files"]
    assert "+".join(KIND_OF[file.split("/")[0]] for file in files) == question["needs"]
    assert (question["image"] is None) == ("picture" not in question["question"])


def test_every_file_can_be_read_without_a_problem():
    for folder in KIND_OF:
        files = readers.find([DATA / folder])
        found = {file.source: reading.records_of(file) for file in files}
        assert all(found.values())
        assert not [r for records in found.values() for r in records if isinstance(r, Problem)]


def test_every_picture_has_a_title_and_a_caption():
    pictures = records_of(DATA / "images")
    assert len(pictures) == len(list((DATA / "images").glob("*.png")))
    assert all(p.title and p.caption for p in pictures)


def test_query_pictures_are_not_the_stored_ones():
    stored = {path.read_bytes() for path in (DATA / "images").glob("*.png")}
    queries = list((DATA / "queries").iterdir())
    assert queries
    assert {f"queries/{path.name}" for path in queries} == {q["image"] for q in QUESTIONS if q["image"]}
    assert not any(path.read_bytes() in stored for path in queries)
    for query in queries:
        assert all(pixels_differ(query, path) > 50 for path in (DATA / "images").glob("*.png"))


def test_drawing_the_pictures_again_gives_the_same_pixels(tmp_path):
    runpy.run_path(str(ROOT / "recipes" / "demo" / "draw_pictures.py"))["main"](tmp_path)
    drawn = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.*"))
    assert drawn == sorted(p.relative_to(DATA) for f in ("images", "queries") for p in (DATA / f).iterdir())
    for path in drawn:
        match path.suffix:
            case ".png":
                assert pixels_differ(tmp_path / path, DATA / path) == 0, path
            case ".jpg":  # JPEG encoders round a little differently
                assert pixels_differ(tmp_path / path, DATA / path) <= 8, path
            case _:
                assert (tmp_path / path).read_bytes() == (DATA / path).read_bytes()


def test_writing_the_documents_again_gives_the_same_words(tmp_path):
    runpy.run_path(str(ROOT / "recipes" / "demo" / "write_documents.py"))["main"](tmp_path)
    for path in sorted(path for path in tmp_path.rglob("*") if path.is_file()):
        stored = DATA / path.relative_to(tmp_path)
        assert list(map(words_of, records_of(path))) == list(map(words_of, records_of(stored))), path.name
