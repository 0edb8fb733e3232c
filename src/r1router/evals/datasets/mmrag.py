"""Reads mmRAG: questions over text, tables and a knowledge graph, with labels of where to search.

*dataset:* mmRAG (Xu et al. 2025, arXiv 2505.11180). *metric:* token F1, exact match; route accuracy. *pattern:* one
JSON array of `id, query, answer, relevant_chunks {chunk: 1 or 2}, dataset_score {nq, triviaqa, ott, tat, kg}`.
Source of the format: `generate_dataset/add_dataset_score.py` of github.com/nju-websoft/mmRAG.

Labels are of the question as a whole, so it has one gold step: it is sent where the source with the highest score is,
and any relevant chunk is enough. `?routes=kind` names text, table or kg; `?routes=source` the five sources, for whoever
keeps each apart; `?routes=none` leaves the routes out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from r1router.errors import UnknownName
from r1router.evals.datasets._rows import Head, Row, describe_misfit, read_field, read_list_rows, write_answer
from r1router.types import Example, Question

_KINDS = {"nq": "text", "triviaqa": "text", "ott": "table", "tat": "table", "kg": "kg"}
_ROUTES = ("kind", "source", "none")


def recognises(head: Head) -> bool:
    return head.layout == "list" and {"query", "answer", "relevant_chunks"} <= head.keys


def rows(path: Path, *, routes: str = "kind") -> Iterator[Row]:
    if routes not in _ROUTES:
        raise UnknownName("kind of routes", routes, _ROUTES)
    for row in read_list_rows(path):
        yield Row(row.path, row.at, {**row.data, "routes": routes})


def example(row: Row) -> Example:
    given = row.data.get("answer")
    answers = [write_answer(value) for value in (given if isinstance(given, list) else [given])]
    found = tuple(dict.fromkeys(answer for answer in answers if answer))
    if not found:
        raise describe_misfit(row, "at least one answer in 'answer'")
    chunks, scores = row.data.get("relevant_chunks"), row.data.get("dataset_score") or {}
    if not isinstance(chunks, Mapping) or not isinstance(scores, Mapping):
        raise describe_misfit(row, "objects in 'relevant_chunks' and 'dataset_score'")
    question = read_field(row, "query")
    relevant = [str(chunk) for chunk, score in chunks.items() if score]
    source = max(scores, key=lambda name: scores[name]) if any(scores.values()) else ""
    step: dict[str, Any] = {"sub_question": question, "answer": found[0], "evidence_ids": relevant}
    if row.data["routes"] != "none" and source:
        step["kb"] = source if row.data["routes"] == "source" else _KINDS.get(source, source)
    return Example(
        id=read_field(row, "id"),
        question=Question(question),
        answers=found,
        gold={"steps": [step]} if relevant else None,
        type=_KINDS.get(source, source),
    )
