"""Reads WikiTableQuestions: questions over one Wikipedia table, answered by a cell, a count or a list.

*dataset:* WikiTableQuestions (Pasupat and Liang 2015, arXiv 1508.00305). *metric:* denotation accuracy.
*pattern:* tsv with `id, utterance, context, targetValue`; `|` separates the items of a list, `\\n`, `\\p` and `\\\\`
stand for newline, pipe and backslash. Source of the format: README of github.com/ppasupat/WikiTableQuestions.

The items of a list are all asked for: they are joined by ", " to one accepted answer, and `gold["list"]` keeps them
apart. `context` ("csv/204-csv/590.csv") is the gold evidence; index the `csv` folder to search these tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from r1router.errors import InputError
from r1router.evals.datasets._rows import Head, Row, describe_misfit, open_text, read_field, read_lines
from r1router.types import Example, Question

_COLUMNS = ("id", "utterance", "context", "targetValue")


def recognises(head: Head) -> bool:
    return head.layout == "table" and head.keys >= set(_COLUMNS)


def rows(path: Path) -> Iterator[Row]:
    with open_text(path) as file:
        columns = file.readline().rstrip("\r\n").split("\t")
        if not set(_COLUMNS) <= set(columns):
            raise InputError(f"{path}:1: expected the columns {', '.join(_COLUMNS)}, found {', '.join(columns)}")
        for number, line in enumerate(read_lines(file, path), 2):
            cells = line.rstrip("\r\n").split("\t")
            if len(cells) != len(columns):
                raise InputError(f"{path}:{number}: expected {len(columns)} cells, found {len(cells)}")
            yield Row(path, str(number), dict(zip(columns, cells, strict=True)))


def example(row: Row) -> Example:
    parts = [_unescaped(part) for part in read_field(row, "targetValue").split("|")]
    if not all(parts):
        raise describe_misfit(row, "items between the pipes of 'targetValue'")
    question, answer, table = _unescaped(read_field(row, "utterance")), ", ".join(parts), read_field(row, "context")
    step = {"sub_question": question, "kb": "table", "answer": answer, "evidence_ids": [table]}
    gold: dict[str, Any] = {"steps": [step]}
    return Example(
        id=read_field(row, "id"),
        question=Question(question),
        answers=(answer,),
        gold={**gold, "list": parts} if len(parts) > 1 else gold,
        type="table",
    )


_ESCAPES = {"\\n": "\n", "\\p": "|", "\\\\": "\\"}


def _unescaped(text: str) -> str:
    return re.sub(r"\\[np\\]", lambda escape: _ESCAPES[escape.group()], text).strip()
