"""Reads TabFact: statements about a Wikipedia table, entailed or refuted, asked as yes/no questions.

*dataset:* TabFact (Chen et al. 2020, arXiv 1909.02164). *metric:* accuracy. *pattern:* one JSON object, table id →
`[[statement, …], [label, …], caption]`, label 1 for entailed, 0 for refuted. Source of the format: README and
collected_data/r1_training_all.json of github.com/wenhuchen/Table-Fact-Checking.

`tabfact:collected_data/r1_training_all.json?split=test` takes the tables that `data/test_id.json` beside the folder
lists (train, val, test, small_test, simple_test, complex_test). A statement becomes "About CAPTION: is it true that
STATEMENT?", since the released ones assume that the table is given.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from r1router.errors import InputError
from r1router.evals.datasets._rows import Head, Row, describe_misfit, read_object_rows
from r1router.types import Example, Question


def recognises(head: Head) -> bool:
    match head.value:
        case [[str(), *_], [int(), *_], str()]:
            return head.layout == "object"
        case _:
            return False


def rows(path: Path, *, split: str = "") -> Iterator[Row]:
    """One row a statement: `{"id", "table", "statement", "label", "caption"}`."""
    wanted = _tables_of(path, split) if split else None
    for table, row in read_object_rows(path):
        if wanted is not None and table not in wanted:
            continue
        match row.data:
            case [list(statements), list(labels), str(caption)] if len(statements) == len(labels):
                pass
            case _:
                raise describe_misfit(row, "[statements, as many labels, caption]")
        for number, (statement, label) in enumerate(zip(statements, labels, strict=True)):
            data = {"table": table, "number": number, "statement": statement, "label": label, "caption": caption}
            yield Row(path, f"{row.at} statement {number + 1}", data)


def _tables_of(path: Path, split: str) -> frozenset[str]:
    listed = path.parent.parent / "data" / f"{split}_id.json"
    if not listed.is_file():
        raise InputError(f"split {split!r} of {path}: there is no list of its tables at {listed}")
    return frozenset(json.loads(listed.read_text(encoding="utf-8")))


def example(row: Row) -> Example:
    data = row.data
    if data["label"] not in (0, 1) or not isinstance(data["statement"], str):
        raise describe_misfit(row, "a statement with the label 0 or 1")
    caption, statement = data["caption"].strip(), data["statement"].strip().rstrip(".").rstrip()
    about = f"About {caption}: is" if caption else "Is"
    question = f"{about} it true that {statement}?"
    answer = "yes" if data["label"] else "no"
    step = {"sub_question": question, "kb": "table", "answer": answer, "evidence_ids": [data["table"]]}
    return Example(
        id=f"{data['table']}#{data['number']}",
        question=Question(question),
        answers=(answer,),
        gold={"steps": [step], "statement": data["statement"]},
        type="table",
    )
