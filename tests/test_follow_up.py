"""A follow-up question: rewritten by the policy or joined to the question before, told as an event, and trained on."""

from __future__ import annotations

from pathlib import Path

import pytest

import r1router as rr
from r1router.conversation import TURN_CHARS, TURNS, join_last_question, keep_last
from r1router.train.steps.render import render
from r1router.train.steps.step_file import Gold, TrainingStep, read_steps, write_steps
from r1router.types import Ask, Card, Question, Reply, Rewritten, Turn

KBS = {
    "text": rr.MemoryKnowledgeBase(
        Card("text", "text", "Passages"),
        [rr.Evidence("text", "1", "Oslo has 717,710 inhabitants."), rr.Evidence("text", "2", "Bergen is rainy.")],
    )
}
TURNS_BEFORE = (Turn("user", "What is the capital of Norway?"), Turn("assistant", "Oslo"))
FOLLOW_UP = Question("and its mayor?", turns=TURNS_BEFORE)
FULL = "Who is the mayor of Oslo?"


def answer(ask: Ask, full: str = FULL) -> Reply:
    if ask.purpose == "rewrite":
        return Reply(f"<sub-question>{full}</sub-question>")
    return Reply("<answer>717,710</answer>")


def stream(question: Question, policy: rr.Scripted, **options: object) -> list[object]:
    return list(rr.stream(question, kbs=KBS, policy=policy, method="vanilla_rag", **options))  # type: ignore[arg-type]


def test_the_policy_rewrites_a_follow_up_before_the_method_sees_it() -> None:
    seen: list[Ask] = []

    def say(ask: Ask) -> Reply:
        seen.append(ask)
        return answer(ask)

    events = stream(FOLLOW_UP, rr.Scripted(say))
    assert isinstance(events[0], Rewritten)
    assert (events[0].question.text, events[0].question.typed) == (FULL, FOLLOW_UP.text)
    assert [ask.purpose for ask in seen] == ["rewrite", "final"]
    assert "assistant: Oslo" in seen[0].messages[-1].content
    assert "assistant: Oslo" not in seen[1].messages[-1].content
    trajectory = events[-1].trajectory  # type: ignore[attr-defined]
    assert trajectory.question.text == trajectory.steps[0].sub_question == FULL
    assert (trajectory.question.typed, trajectory.question.turns) == (FOLLOW_UP.text, TURNS_BEFORE)
    assert trajectory.usage.calls == 2


def test_a_question_without_a_conversation_is_not_rewritten() -> None:
    events = stream(Question("Who?"), rr.Scripted(answer))
    assert not any(isinstance(event, Rewritten) for event in events)


def test_where_the_policy_says_nothing_in_form_the_question_before_goes_in_front() -> None:
    bad = rr.Scripted(lambda ask: Reply("Sure!") if ask.purpose == "rewrite" else answer(ask))
    events = stream(FOLLOW_UP, bad)
    told = [event for event in events if isinstance(event, Rewritten)]
    assert told[0].question.text == "What is the capital of Norway? and its mayor?"


def test_where_the_policy_leaves_it_the_question_stays(tmp_path: Path) -> None:
    events = stream(FOLLOW_UP, rr.Scripted(lambda ask: answer(ask, "None")))
    assert events[0].question.text == FOLLOW_UP.text  # type: ignore[attr-defined]


def test_a_prompt_set_may_have_questions_joined_without_a_model(tmp_path: Path) -> None:
    (tmp_path / "set.toml").write_text('[form]\nfollow_ups = "joined"\n')
    seen: list[str] = []

    def say(ask: Ask) -> Reply:
        seen.append(ask.purpose)
        return answer(ask)

    events = stream(FOLLOW_UP, rr.Scripted(say), prompts=tmp_path)
    assert seen == ["final"]
    assert events[0].question.text == "What is the capital of Norway? and its mayor?"  # type: ignore[attr-defined]


def test_a_question_of_many_words_is_about_something_new(tmp_path: Path) -> None:
    (tmp_path / "set.toml").write_text('[form]\nfollow_ups = "joined"\n')
    new = Question("When does the library in Bergen open?", turns=TURNS_BEFORE)
    events = stream(new, rr.Scripted(answer), prompts=tmp_path)
    assert events[0].question.text == new.text  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("and of Bergen in the year 2023?", True),
        ("How tall is it?", True),
        ("Since when?", True),
        ("the second one", True),
        ("What is the fee for students?", False),
        ("Who rents the hall?", False),
        ("And when does the library in the north of Bergen open on Sundays?", False),
        ("Und bei Dr. Ebba Lund?", True),
        ("Wann wurde es gebaut?", True),
        ("Wer mietet die Halle?", False),
        ("Et pour les étudiants de Bergen ?", True),
        ("Quelle est sa hauteur ?", True),
        ("Qui loue la salle ?", False),
        ("¿Y para los estudiantes?", True),
        ("¿Por qué?", True),
        ("¿Quién alquila la sala?", False),
        ("Which?", True),
    ],
)
def test_only_a_follow_up_that_says_nothing_alone_is_joined(text: str, needs: bool) -> None:
    joined = join_last_question(Question(text, turns=TURNS_BEFORE))
    assert joined == (f"{TURNS_BEFORE[0].text} {text}" if needs else text)


def test_a_long_conversation_is_kept_short() -> None:
    kept = keep_last([Turn("user", "word " * 1000), Turn("assistant", "  ")] * 50)
    assert len(kept) == TURNS
    assert all(len(turn.text) <= TURN_CHARS for turn in kept)


def test_a_rewrite_step_is_rendered_as_it_is_served(tmp_path: Path) -> None:
    row = TrainingStep("c/0/rewrite", "rewrite", FOLLOW_UP.text, turns=TURNS_BEFORE, gold=Gold(sub_question=FULL))
    file = tmp_path / "steps.jsonl"
    write_steps([row], file)
    assert read_steps(file) == [row]
    rendered = render(row, rr.Prompts())
    assert rendered.ask == rr.Prompts().rewrite(FOLLOW_UP)
    assert rendered.reply == f"<sub-question>{FULL}</sub-question>"


def test_a_rewrite_step_without_its_conversation_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "steps.jsonl"
    write_steps([TrainingStep("c/0/rewrite", "rewrite", "and then?", gold=Gold(sub_question=FULL))], file)
    with pytest.raises(rr.R1RouterError, match="must have 'turns'"):
        read_steps(file)
