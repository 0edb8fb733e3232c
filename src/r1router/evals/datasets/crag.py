"""Reads CRAG: factual questions of five domains, some with false premises, some whose answer changes with time.

*dataset:* CRAG (Yang et al. 2024, arXiv 2406.04744). *metric:* containment, token F1, abstention, or a judge.
*pattern:* jsonl (as released: `.jsonl.bz2`) of `interaction_id, query_time, domain, question_type, static_or_dynamic,
query, answer, alt_ans, split, search_results`.
Source of the format: docs/dataset.md of github.com/facebookresearch/CRAG.

Where the answer changes with time, the time of the question stands below it. The pages of `search_results` are not read
here; index them as a knowledge base of your own. The type is that of the question.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from r1router.evals.datasets._rows import Head, Row, read_field, read_items, read_jsonl_rows
from r1router.types import Example, Question


def recognises(head: Head) -> bool:
    return head.layout == "jsonl" and {"interaction_id", "query", "answer"} <= head.keys


def rows(path: Path) -> Iterator[Row]:
    return read_jsonl_rows(path)


def example(row: Row) -> Example:
    asked = read_field(row, "query")
    if row.data.get("static_or_dynamic", "static") != "static" and row.data.get("query_time"):
        asked = f"{asked}\n(asked on {read_field(row, 'query_time')})"
    others = [text.strip() for text in read_items(row, "alt_ans", str, "a list of texts") if text.strip()]
    return Example(
        id=read_field(row, "interaction_id"),
        question=Question(asked),
        answers=tuple(dict.fromkeys((read_field(row, "answer"), *others))),
        type=str(row.data.get("question_type") or ""),
    )
