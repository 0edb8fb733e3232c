"""Reads a user's own table of questions: a csv (or tsv) file with the columns `question` and `answer`.

*dataset:* anybody's. *metric:* any. *pattern:* first line names the columns, in any order and case.

`answer` is one accepted answer as it stands; `answers` are several, separated by `|`, or by what the option
`separator` says: `csv:mine.csv?separator=;`. `id`, `image` (a path relative to the file), `type` and `collection`
may be there.
Columns are separated by comma, semicolon or tab, whichever the first line has most of.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from r1router.errors import InputError
from r1router.evals.datasets._rows import Head, Row, describe_misfit, find_separator, open_text, read_field, read_lines
from r1router.evals.datasets.jsonl import read_answers, read_picture
from r1router.types import Example, Question


def recognises(head: Head) -> bool:
    columns = {column.lower() for column in head.keys}
    return head.layout == "table" and "question" in columns and bool({"answer", "answers"} & columns)


def rows(path: Path, *, separator: str = "|") -> Iterator[Row]:
    with open_text(path) as file:
        header = file.readline()
        columns = [c.strip().lower() for c in next(csv.reader([header], delimiter=find_separator(header)), [])]
        if "question" not in columns or not {"answer", "answers"} & set(columns):
            raise InputError(f"{path}:1: expected columns 'question' and 'answer' or 'answers', found {columns}")
        reader = csv.reader(read_lines(file, path), delimiter=find_separator(header), strict=True)
        line = 2
        try:
            for cells in reader:
                if any(cells):
                    yield Row(path, str(line), _named(path, line, columns, cells, separator))
                line = reader.line_num + 2
        except csv.Error as error:
            raise InputError(f"{path}:{line}: not a row of a table: {error}") from error


def _named(path: Path, line: int, columns: list[str], cells: list[str], separator: str) -> dict[str, object]:
    if len(cells) != len(columns):
        raise InputError(f"{path}:{line}: expected {len(columns)} cells, as in the first line, found {len(cells)}")
    named: dict[str, object] = {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}
    if "answers" in named:
        parts = [part.strip() for part in str(named["answers"]).split(separator)]
        named["answers"] = [part for part in parts if part]
    return named


def example(row: Row) -> Example:
    given = row.data.get("answers", row.data.get("answer"))
    if not given:
        raise describe_misfit(row, "an accepted answer")
    return Example(
        id=row.data.get("id") or f"{row.path.stem}-{row.at}",
        question=Question(read_field(row, "question"), read_picture(row, row.data.get("image"))),
        answers=read_answers(row, given),
        type=row.data.get("type", ""),
        collection=row.data.get("collection", ""),
    )
