"""`r1router chat`, and `ask` for scripts: one knowledge base, the answer alone, JSON that stays as it is documented."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from typer.testing import CliRunner, Result

from r1router.cli import app
from r1router.cli.chat import find_picture
from r1router.codec import from_dict
from r1router.errors import InputError, UnknownName
from r1router.types import Trajectory

SCHEMA = Path(__file__).parents[1] / "docs" / "trajectory.schema.json"


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with knowledge bases "text" and "table", a picture, and a policy that says what it was asked."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "oslo.txt").write_text("Oslo is the capital of Norway.")
    (tmp_path / "rivers.csv").write_text("River,Length\nShannon,360\n")
    assert call("index", "oslo.txt", "rivers.csv").exit_code == 0
    from PIL import Image

    Image.new("RGB", (8, 8), "red").save(tmp_path / "red.png")
    (tmp_path / "replies.jsonl").write_text(
        "".join(
            json.dumps(line) + "\n"
            for line in (
                {"when": "assistant: Oslo", "reply": "<sub-question>Which rivers has it?</sub-question>"},
                {"when": "Which rivers has it?", "reply": "<answer>the Boyne</answer>"},
                {"when": "the capital?", "reply": "<answer>Oslo</answer>"},
                {"when": "Question", "reply": "<answer>nothing else</answer>"},
            )
        )
    )
    (tmp_path / "r1router.toml").write_text(f'policy = "scripted:{tmp_path}/replies.jsonl"\nmethod = "vanilla_rag"\n')
    return tmp_path


def call(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, arguments, input=typed)


def test_a_follow_up_is_asked_with_what_was_said_before(there: Path) -> None:
    said = call("chat", typed="Which is the capital?\nAnd now?\n/new\nAnd now?\n/exit\n").stdout
    assert (
        said.index("Oslo") < said.index("Which rivers has it?") < said.index("the Boyne") < said.index("nothing else")
    )


def test_commands_choose_knowledge_bases_show_sources_and_change_the_model(there: Path) -> None:
    typed = (
        "/kb",
        "/kb text",
        "Which is the capital?",
        "/sources",
        "/sources 9",
        "/kb nowhere",
        "/model",
        "/method direct",
    )
    said = call("chat", typed="\n".join((*typed, "/help", "/what", ""))).stdout
    assert "* table" in said
    assert "text > " in said
    assert "1 passage" in said
    assert "unknown knowledge base 'nowhere'" in said
    assert "scripted:" in said
    assert "/sources [N]" in said
    assert "unknown command 'what'" in said


def test_a_picture_is_taken_by_its_path_and_kept_for_what_follows(there: Path) -> None:
    said = call("chat", typed="What is on red.png ?\nWhich is the capital?\n").stdout
    assert said.count("+picture > ") == 2


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("What is on sub/red.png?", "What is on red.png?"),
        ("What is on 'sub/red.png' and where?", "What is on red.png and where?"),
        ("sub/red.png What colour is it?", "What colour is it?"),
        ("What colour is it? sub/red.png.", "What colour is it?"),
        ("(see ./sub/red.png) Which colour?", "(see red.png) Which colour?"),
        ("sub/red.png", ""),
    ],
)
def test_a_sentence_keeps_its_sense_without_the_path_of_its_picture(there: Path, line: str, asked: str) -> None:
    (there / "sub").mkdir()
    (there / "red.png").rename(there / "sub" / "red.png")
    text, picture = find_picture(line)
    assert (text, picture is not None) == (asked, True)


def test_a_picture_that_is_not_there_is_told(there: Path) -> None:
    said = call("chat", typed="What is on blue.png?\n").stdout
    assert "no picture is at blue.png; asked as words" in said
    assert "nothing else" in said


def test_an_empty_question_is_refused_before_any_model_is_asked(there: Path) -> None:
    told = call("ask", " ", "--policy", "openai:none@http://127.0.0.1:9/v1")
    assert isinstance(told.exception, InputError)
    assert "the question is empty" in str(told.exception)


def test_what_goes_wrong_does_not_end_the_conversation(there: Path) -> None:
    (there / "broken.png").write_bytes(b"no picture")
    said = call("chat", typed="Look at broken.png\nWhich is the capital?\n").stdout
    assert "error:" in said
    assert "Oslo" in said


def test_quiet_prints_the_answer_alone(there: Path) -> None:
    assert call("ask", "Which is the capital?", "-q").stdout == "Oslo\n"


def test_only_the_named_knowledge_base_is_searched(there: Path) -> None:
    said = json.loads(call("ask", "Which is the capital?", "--kb", "table", "--json").stdout)
    assert said["steps"][0]["routes"] == ["table"]
    told = call("ask", "Which?", "--kb", "tabel")
    assert isinstance(told.exception, UnknownName)
    assert "did you mean 'table'" in str(told.exception)


def test_the_json_of_an_answer_is_a_trajectory_of_the_documented_schema(there: Path) -> None:
    """`UPDATE_GOLDEN=1 pytest` writes the schema anew: fields may be added; one that goes breaks scripts."""
    said = json.loads(call("ask", "Which is the capital?", "--json").stdout)
    assert from_dict(Trajectory, said).answer.text == "Oslo"  # type: ignore[union-attr]
    schema = json.dumps(TypeAdapter(Trajectory).json_schema(), indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        SCHEMA.write_text(schema, encoding="utf-8")
    assert SCHEMA.read_text(encoding="utf-8") == schema
    assert said.keys() <= json.loads(schema)["properties"].keys()
