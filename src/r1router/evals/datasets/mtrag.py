"""Reads MTRAG: the last question of a conversation, with what was said before.

*dataset:* MTRAG (Katsis et al. 2025, arXiv 2501.03468). *metric:* token F1, or a judge, since answers are sentences;
abstention for the unanswerable. *pattern:* jsonl of `task_id, input [{speaker, text}], targets [{text}], contexts
[{document_id, title, text}], Answerability, Multi-Turn, Question Type, Collection`.
Source of the format: `mtrag-human/generation_tasks/reference.jsonl` of github.com/IBM/mt-rag-benchmark, by its names.

Earlier turns come with the question, as `r1router chat` gives them. A question that its collection does not
answer has no accepted answer. The type is that of the turn (follow-up, clarification, …).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from r1router.evals.datasets._rows import Head, Row, describe_misfit, read_field, read_items, read_jsonl_rows
from r1router.types import Example, Question, Turn

_ROLES: dict[str, Literal["user", "assistant"]] = {"user": "user", "agent": "assistant", "model": "assistant"}


def recognises(head: Head) -> bool:
    return head.layout == "jsonl" and {"task_id", "input", "targets"} <= head.keys


def rows(path: Path) -> Iterator[Row]:
    return read_jsonl_rows(path)


def example(row: Row) -> Example:
    said = read_items(row, "input", dict, "a list of turns")
    turns = [
        Turn(role, str(turn.get("text") or "").strip())
        for turn in said
        if (role := _ROLES.get(str(turn.get("speaker"))))
    ]
    if not turns or len(turns) < len(said) or turns[-1].role != "user" or not turns[-1].text:
        raise describe_misfit(row, "turns of user and agent in 'input', the last one a question")
    targets = [str(t.get("text") or "").strip() for t in read_items(row, "targets", dict, "a list of answers")]
    answers = () if "UNANSWERABLE" in _list(row, "Answerability") else tuple(dict.fromkeys(filter(None, targets)))
    contexts = read_items(row, "contexts", dict, "a list of passages")
    ids = [str(context["document_id"]) for context in contexts if context.get("document_id")]
    return Example(
        id=read_field(row, "task_id"),
        question=Question(turns[-1].text, turns=tuple(turns[:-1])),
        answers=answers,
        gold={"evidence_ids": ids} if ids and answers else None,
        type="+".join(_list(row, "Multi-Turn")),
    )


def _list(row: Row, name: str) -> list[str]:
    value = row.data.get(name) or []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
