"""Reads Open-WikiTable: questions over some table of Wikipedia, rewritten so that they say which.

*dataset:* Open-WikiTable (Kweon et al. 2023, arXiv 2305.07288). *metric:* exact match; F1-Recall in the paper.
*pattern:* JSON as pandas writes it, columns of `question_id, original_table_id, question, sql, answer,
hard_positive_idx, positive_idx, negative_idx, dataset` (an array of such rows is read too). Source of the format:
README and src/dataloader.py of github.com/sean0042/Open_WikiTable.

`answer` is a list, all of it asked for: joined by ", " to one accepted answer, kept apart in `gold["list"]`. Gold
evidence are indices into `splitted_tables.json`: any one chunk that holds every condition (`hard_positive_idx`), or
else all those that hold some (`positive_idx`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from r1router.errors import InputError
from r1router.evals.datasets._rows import (
    Head,
    Row,
    describe_misfit,
    read_field,
    read_items,
    read_list_rows,
    read_object_rows,
    write_answer,
)
from r1router.types import Example, Question

_COLUMNS = {"question_id", "original_table_id", "question"}


def recognises(head: Head) -> bool:
    by_rows = head.layout == "list" and head.keys >= _COLUMNS
    return by_rows or (head.layout == "object" and head.key in _COLUMNS)


def rows(path: Path) -> Iterator[Row]:
    try:
        yield from read_list_rows(path) if _is_array(path) else _from_columns(path)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg}") from error


def _is_array(path: Path) -> bool:
    with path.open(encoding="utf-8-sig") as file:
        return file.read(1) == "["


def _from_columns(path: Path) -> Iterator[Row]:
    columns = {name: column.data for name, column in read_object_rows(path)}
    ragged = [name for name, column in columns.items() if not isinstance(column, dict)]
    if ragged or not columns.keys() >= _COLUMNS:
        wrong = f"{ragged[0]!r} is none" if ragged else f"missing: {', '.join(sorted(_COLUMNS - columns.keys()))}"
        raise InputError(f"{path}: expected an object of columns, each from row number to value; {wrong}")
    for number in columns["question_id"]:
        yield Row(path, f"row {number}", {name: column.get(number) for name, column in columns.items()})


def example(row: Row) -> Example:
    given = row.data.get("answer")
    parts = [write_answer(value) for value in (given if isinstance(given, list) else [given])]
    texts = [part for part in parts if part is not None]
    if not texts or len(texts) != len(parts):
        raise describe_misfit(row, "a list of texts or numbers in 'answer'")
    gold: dict[str, Any] = {
        "evidence_ids": _indices(row, "positive_idx"),
        "table": read_field(row, "original_table_id"),
    }
    question, answer = read_field(row, "question"), ", ".join(texts)
    if hard := _indices(row, "hard_positive_idx"):
        gold["evidence_ids"] = hard
        gold["steps"] = [{"sub_question": question, "kb": "table", "answer": answer, "evidence_ids": hard}]
    return Example(
        id=read_field(row, "question_id"),
        question=Question(question),
        answers=(answer,),
        gold={**gold, "list": texts} if len(texts) > 1 else gold,
        type="table",
    )


def _indices(row: Row, name: str) -> list[str]:
    return [str(index) for index in read_items(row, name, int, "a list of row numbers")]
