"""Reads InfoSeek: questions about what a picture shows, with numbers accepted within a range.

*dataset:* InfoSeek (Chen et al. 2023, arXiv 2302.11713). *metric:* its own by question type; F1-Recall in the paper.
*pattern:* jsonl of `data_id, image_id, question, answer, answer_eval, data_split`; `answer_eval` is a list of texts, or
of one `{"wikidata": value, "range": [low, high]}`. Source of the format: infoseek/README.md and infoseek_eval.py of
github.com/edchengg/infoseek_eval.

Pictures are OVEN's: `images/` or `oven_images/` beside the file, flat or in folders by the first two digits of the id.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from r1router.evals.datasets import jsonl
from r1router.evals.datasets._pictures import find_picture_beside
from r1router.evals.datasets._rows import Head, Row, read_field, read_jsonl_rows
from r1router.types import Example, Question


def recognises(head: Head) -> bool:
    return head.layout == "jsonl" and {"data_id", "image_id", "question"} <= head.keys


def rows(path: Path) -> Iterator[Row]:
    return read_jsonl_rows(path)


def example(row: Row) -> Example:
    image = read_field(row, "image_id")
    accepted = row.data.get("answer_eval", row.data.get("answer"))
    return Example(
        id=read_field(row, "data_id"),
        question=Question(
            read_field(row, "question"), find_picture_beside(row, image, part=image.rpartition("_")[2][:2])
        ),
        answers=() if accepted is None else jsonl.read_answers(row, accepted),
        type="image+text",
    )
