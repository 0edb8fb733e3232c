"""Reads MultiModalQA: questions composed over a table, articles and pictures of Wikipedia.

*dataset:* MultiModalQA (Talmor et al. 2021, arXiv 2104.06039). *metric:* exact match, list F1. *pattern:* jsonl (packed
with gzip as released) of `qid, question, answers [{answer, type, modality, …}], metadata {type, modalities,
intermediate_answers, …}, supporting_context [{doc_id, doc_part}]`. Source of the format: README of
github.com/allenai/multimodalqa. The test set has no answers.

Several answers are one list, all of it asked for: they are joined by ", " to one accepted answer, and `gold["list"]`
keeps them apart.
"""

from __future__ import annotations

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
    return head.layout == "jsonl" and {"qid", "question", "metadata"} <= head.keys


def rows(path: Path) -> Iterator[Row]:
    return read_jsonl_rows(path)


def example(row: Row) -> Example:
    given = read_items(row, "answers", dict, "a list of objects with 'answer'")
    parts = [text for answer in given if (text := write_answer(answer.get("answer")))]
    if len(parts) != len(given):
        raise describe_misfit(row, "a text or number in each 'answer'")
    metadata = row.data.get("metadata")
    if not isinstance(metadata, dict):
        raise describe_misfit(row, "an object in 'metadata'")
    modalities = set(read_items(Row(row.path, row.at, metadata), "modalities", str, "a list of modalities"))
    return Example(
        id=read_field(row, "qid"),
        question=Question(read_field(row, "question")),
        answers=(", ".join(parts),) if parts else (),
        gold=_gold(row, parts),
        type="+".join(kind for kind in ("image", "text", "table") if kind in modalities),
    )


def _gold(row: Row, parts: list[str]) -> dict[str, Any] | None:
    ids = [str(c.get("doc_id")) for c in read_items(row, "supporting_context", dict, "a list of documents")]
    gold: dict[str, Any] = {"evidence_ids": list(dict.fromkeys(ids)), "n_hops": len(set(ids))} if ids else {}
    return {**gold, "list": parts} if len(parts) > 1 else gold or None
