"""Answers over HTTP: each at its own address for as long as it is kept, and what people say of them."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from r1router.codec import from_dict
from r1router.evals.datasets import load_examples
from r1router.serve.work import answers
from r1router.serve.work.answers import Answers
from r1router.serve.work.askers import Asker, asker
from r1router.types import Image, Question, Trajectory
from serving import call, live, make_kbs, small_app
from small_embedders import plain_picture

ASKED = {"question": "What is the capital of Norway?"}


@pytest.fixture(scope="module")
def kbs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_kbs(tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="module")
def port(kbs: Path):
    with live(small_app(kbs, keep_hours=1)) as found:
        yield found


def ask(port: int, **others: object) -> tuple[str, Any]:
    """The id under which the answer is kept, and its trajectory as it came."""
    events = call(port, "POST", "/v1/ask", {**ASKED, **others}).events
    [kept], [finished] = ([data for name, data in events if name == wanted] for wanted in ("kept", "finished"))
    return kept["id"], finished["trajectory"]


def test_an_answer_is_found_at_its_address_as_it_was_given(port: int) -> None:
    id, trajectory = ask(port)
    found = call(port, "GET", f"/v1/answers/{id}").json
    assert found["trajectory"] == trajectory
    assert [kb["name"] for kb in found["kbs"]] == ["text"]
    assert call(port, "GET", "/v1/answers/none").status == 404


def test_what_people_call_right_or_correct_is_a_question_file_for_eval(port: int, kbs: Path) -> None:
    for rating in ({"right": True}, {"right": False, "answer": "Oslo, Norway"}, {"right": False}):
        id, _ = ask(port)
        assert call(port, "POST", f"/v1/answers/{id}/rating", rating).status == 204
    rows = load_examples(str(kbs / "feedback.jsonl"))
    assert [(row.question.text, row.answers) for row in rows] == [
        (ASKED["question"], ("Oslo",)),
        (ASKED["question"], ("Oslo, Norway",)),
    ]
    [wrong] = map(json.loads, (kbs / "feedback-wrong.jsonl").read_text().splitlines())
    assert (wrong["question"], wrong["said"]) == (ASKED["question"], "Oslo")


def test_what_is_said_last_of_an_answer_holds_and_its_row_is_there_once(port: int, kbs: Path) -> None:
    for path in kbs.glob("feedback*"):
        path.unlink()
    (kbs / "feedback.jsonl").write_text('{"question": "Mine?", "answers": ["yes"]}\n')
    id, _ = ask(port)

    def rate(**rating: object) -> tuple[list[tuple[str, ...]], list[str]]:
        assert call(port, "POST", f"/v1/answers/{id}/rating", rating).status == 204
        wrong = kbs / "feedback-wrong.jsonl"
        accepted = [example.answers for example in load_examples(str(kbs / "feedback.jsonl"))]
        return accepted, wrong.read_text().splitlines() if wrong.exists() else []

    assert rate(right=True) == ([("yes",), ("Oslo",)], [])
    assert rate(right=True) == ([("yes",), ("Oslo",)], [])
    accepted, [wrong] = rate(right=False)
    assert (accepted, id in wrong) == ([("yes",)], True)
    assert rate(right=False, answer="Oslo, Norway") == ([("yes",), ("Oslo, Norway",)], [])


def test_the_picture_of_a_question_is_at_its_address_and_in_its_row_of_feedback(port: int, kbs: Path) -> None:
    picture = plain_picture("blue")
    id, trajectory = ask(port, image=f"data:image/png;base64,{base64.b64encode(picture.data).decode()}")
    found = call(port, "GET", f"/v1/answers/{id}").json
    assert from_dict(Trajectory, found["trajectory"]).question.image == replace(picture, name="")
    assert found["model"] == "scripted"
    assert "image" not in trajectory["question"]  # the client has it
    assert call(port, "POST", f"/v1/answers/{id}/rating", {"right": True}).status == 204
    [row] = [row for row in load_examples(str(kbs / "feedback.jsonl")) if row.id == id]
    assert row.question.image
    assert row.question.image.data == picture.data


def test_a_server_that_keeps_nothing_has_no_addresses(kbs: Path) -> None:
    with live(small_app(kbs)) as port:
        assert "kept" not in [name for name, _ in call(port, "POST", "/v1/ask", ASKED).events]


TRAJECTORY = Trajectory(Question("?"))


def test_an_answer_is_gone_when_its_time_is_over(tmp_path: Path) -> None:
    assert Answers(tmp_path, hours=1).find(Answers(tmp_path, hours=1).keep(TRAJECTORY, []))
    assert Answers(tmp_path, hours=-1).find(Answers(tmp_path, hours=1).keep(TRAJECTORY, [])) is None


def test_of_too_many_answers_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST", 2)
    kept = Answers(tmp_path, hours=1)
    ids = [kept.keep(TRAJECTORY, []) for _ in range(4)]
    assert [kept.find(id) is not None for id in ids] == [False, False, True, True]


def test_of_too_many_pictures_those_of_the_oldest_answers_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST_PICTURED", 25)
    monkeypatch.setattr(answers, "MOST", 3)
    kept = Answers(tmp_path, hours=1)
    ids = [kept.keep(TRAJECTORY, [], picture=Image(b"0123456789")) for _ in range(4)]
    found = [kept.find(id) for id in ids]
    assert [one and bool(one.picture) for one in found] == [None, False, True, True]


def test_only_who_asked_finds_an_answer(tmp_path: Path) -> None:
    kept = Answers(tmp_path, hours=1)
    before = asker.set(Asker(name="press"))
    id = kept.keep(TRAJECTORY, [])
    assert kept.find(id) is not None
    asker.set(Asker(name="sales"))
    assert kept.find(id) is None
    asker.reset(before)
    assert kept.find(id) is None


def test_a_folder_that_takes_nothing_costs_the_address_and_not_the_answer(tmp_path: Path) -> None:
    assert Answers(tmp_path / "none", hours=1).keep(TRAJECTORY, []) == ""
