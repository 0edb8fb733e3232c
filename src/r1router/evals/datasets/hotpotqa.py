"""Reads HotpotQA: questions over two Wikipedia articles.

*dataset:* HotpotQA (Yang et al. 2018, arXiv 1809.09600). *metric:* exact match, token F1. *pattern:* one JSON array of
`_id, question, answer, supporting_facts [[title, sentence]], context [[title, sentences]], type, level`.
Source of the format: README of github.com/hotpotqa/hotpot. The test set has no answers and no supporting facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from r1router.evals.datasets._rows import Head, Row, describe_misfit, read_field, read_list_rows
from r1router.types import Example, Question


def recognises(head: Head) -> bool:
    return head.layout == "list" and {"_id", "question", "context"} <= head.keys and "evidences" not in head.keys


def rows(path: Path) -> Iterator[Row]:
    return read_list_rows(path)


def example(row: Row) -> Example:
    facts = read_supporting_facts(row)
    titles = list(dict.fromkeys(title for title, _ in facts))
    gold: dict[str, Any] = {"evidence_titles": titles, "supporting_facts": facts, "n_hops": len(titles)}
    return Example(
        id=read_field(row, "_id"),
        question=Question(read_field(row, "question")),
        answers=(read_field(row, "answer"),) if "answer" in row.data else (),
        gold=gold if facts else None,
        type="text",
    )


def read_supporting_facts(row: Row) -> list[list[Any]]:
    """[[title, 0-based sentence], …], [] where the row has none."""
    facts = row.data.get("supporting_facts") or []
    if not isinstance(facts, list):
        raise describe_misfit(row, "a list in 'supporting_facts'")
    for fact in facts:
        match fact:
            case [str(), int()]:
                pass
            case _:
                raise describe_misfit(row, "pairs [title, sentence number] in 'supporting_facts'")
    return facts
