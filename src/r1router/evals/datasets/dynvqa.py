"""Reads Dyn-VQA: questions about a picture whose answers change, or that need several steps.

*dataset:* Dyn-VQA (Li et al. 2024, arXiv 2411.02937). *metric:* F1-Recall. *pattern:* jsonl of `image_url, question,
question_id, answer, golden_query` (spelt `gloden_query` in four of the five versions). Source of the format: README
and dataset/ of github.com/Alibaba-NLP/OmniSearch.

Nothing is downloaded: a picture is looked up by the last part of its URL (`image_12.jpeg`; `image_id` 12 in R1-Router's
copy) in `images/` beside the file. `golden_query` in gold is the question rewritten to need no picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse

from r1router.evals.datasets import jsonl
from r1router.evals.datasets._pictures import find_picture_beside
from r1router.evals.datasets._rows import Head, Row, read_field, read_jsonl_rows
from r1router.types import Example, Question

_QUERIES = ("golden_query", "gloden_query")


def recognises(head: Head) -> bool:
    pictured = bool({"image_url", "image_id"} & head.keys)
    return head.layout == "jsonl" and pictured and {"question", "question_id", "answer"} <= head.keys


def rows(path: Path) -> Iterator[Row]:
    return read_jsonl_rows(path)


def example(row: Row) -> Example:
    url = row.data.get("image_url")
    name = Path(urlparse(url).path).name if isinstance(url, str) else f"image_{read_field(row, 'image_id')}"
    query = next((row.data[key] for key in _QUERIES if row.data.get(key)), None)
    return Example(
        id=read_field(row, "question_id"),
        question=Question(read_field(row, "question"), find_picture_beside(row, name)),
        answers=jsonl.read_answers(row, row.data.get("answer")),
        gold={"golden_query": query} if query else None,
        type="image+text",
    )
