"""Reads OTT-QA: questions that need a table and the articles that its cells link to.

*dataset:* OTT-QA (Chen et al. 2021, arXiv 2010.10439). *metric:* exact match, token F1. *pattern:* one JSON array of
`question_id, question, table_id, answer-text, question_postag`; the traced files add `answer-node
[[cell, [row, column], link, "table" or "passage"]]`, found by string match, not by people.
Source of the format: released_data of github.com/wenhuchen/OTT-QA. The blind test set has no table and no answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from r1router.evals.datasets._rows import Head, Row, read_field, read_items, read_list_rows
from r1router.types import Example, Question


def recognises(head: Head) -> bool:
    return head.layout == "list" and {"question_id", "question", "question_postag"} <= head.keys


def rows(path: Path) -> Iterator[Row]:
    return read_list_rows(path)


def example(row: Row) -> Example:
    gold: dict[str, Any] = {"evidence_ids": [read_field(row, "table_id")]} if "table_id" in row.data else {}
    nodes = read_items(row, "answer-node", list, "a list of nodes")
    return Example(
        id=read_field(row, "question_id"),
        question=Question(read_field(row, "question")),
        answers=(read_field(row, "answer-text"),) if "answer-text" in row.data else (),
        gold={**gold, "answer_nodes": nodes} if nodes else gold or None,
        type="text+table",
    )
