"""Reads MuSiQue: questions of two to four hops, with their single-hop questions.

*dataset:* MuSiQue-Ans and -Full (Trivedi et al. 2022, arXiv 2108.00573). *metric:* token F1, exact match over `answer`
and `answer_aliases`. *pattern:* jsonl of `id, question, answer, answer_aliases, answerable, paragraphs [idx, title,
paragraph_text, is_supporting], question_decomposition [id, question, answer, paragraph_support_idx]`.
Source of the format: evaluate_v1.0.py and README of github.com/StonyBrookNLP/musique.

In gold steps, the references of a single-hop question to earlier answers (`#1`) are filled in, so that it stands by
itself. In the Full set each question comes twice; the one without an answer in its paragraphs gets no accepted
answers and the id `…-unanswerable`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from r1router.evals.datasets._rows import (
    Head,
    Row,
    describe_misfit,
    read_field,
    read_items,
    read_jsonl_rows,
    write_answer,
)
from r1router.types import Example, Question


def recognises(head: Head) -> bool:
    return head.layout == "jsonl" and {"id", "question", "paragraphs"} <= head.keys and "qid" not in head.keys


def rows(path: Path) -> Iterator[Row]:
    return read_jsonl_rows(path)


def example(row: Row) -> Example:
    answerable = row.data.get("answerable", True)
    hidden = "answer" not in row.data
    aliases = read_items(row, "answer_aliases", str, "a list of texts")
    return Example(
        id=read_field(row, "id") + ("" if answerable else "-unanswerable"),
        question=Question(read_field(row, "question")),
        answers=() if hidden or not answerable else tuple(dict.fromkeys((read_field(row, "answer"), *aliases))),
        gold=_gold(row),
        type="text",
    )


def _gold(row: Row) -> dict[str, Any] | None:
    titles = {p.get("idx"): p.get("title") for p in read_items(row, "paragraphs", dict, "a list of paragraphs")}
    parts = read_items(row, "question_decomposition", dict, "a list of single-hop questions")
    steps: list[dict[str, Any]] = []
    for part in parts:
        question, answer = part.get("question"), write_answer(part.get("answer"))
        if not isinstance(question, str) or answer is None:
            raise describe_misfit(row, "'question' and 'answer' in each part of 'question_decomposition'")
        title = titles.get(part.get("paragraph_support_idx"))
        steps.append(
            {
                "sub_question": _filled(question, [step["answer"] for step in steps]),
                "kb": "text",
                "answer": answer,
                "evidence_titles": [title] if title else [],
            }
        )
    return {"steps": steps} if steps else None


def _filled(question: str, answers: list[str]) -> str:
    """ "#1 >> spouse" with the first answer in the place of "#1"."""

    def earlier(reference: re.Match[str]) -> str:
        number = int(reference.group(1))
        return answers[number - 1] if 1 <= number <= len(answers) else reference.group()

    return re.sub(r"#(\d+)", earlier, question)
