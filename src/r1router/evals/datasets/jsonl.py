"""Reads our own question files: one JSON object a line with `id, question, image, answers, gold, type`.

*dataset:* anybody's. *metric:* any. *pattern:* jsonl, only `question` and `answers` (or one `answer`) are required.

`collection` is the one that the question is about, of several (`r1router.kb.collections`).
`image` is a path relative to the file's folder or the one above it. An answer is a text, a number, or a range
`{"range": [low, high], "value": best}` (InfoSeek's `{"range": …, "wikidata": …}` too). `gold` is described in
`r1router.evals.gold`. A row without an id gets its line number. The files that R1-Router (arXiv 2505.22095)
released for evaluation are of this form.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from r1router.evals.answers import write_range
from r1router.evals.datasets._rows import Head, Row, describe_misfit, read_field, read_jsonl_rows, write_answer
from r1router.images import load_image
from r1router.types import Example, Image, Question


def recognises(head: Head) -> bool:
    return head.layout == "jsonl" and "question" in head.keys and bool({"answers", "answer"} & head.keys)


def rows(path: Path) -> Iterator[Row]:
    return read_jsonl_rows(path)


def example(row: Row) -> Example:
    gold = row.data.get("gold")
    if gold is not None and not isinstance(gold, dict):
        raise describe_misfit(row, "an object or null in 'gold'")
    if gold is not None and "n_hops" in row.data:
        gold = {**gold, "n_hops": row.data["n_hops"]}
    return Example(
        id=read_field(row, "id") if "id" in row.data else f"{row.path.stem}-{row.at}",
        question=Question(read_field(row, "question"), read_picture(row, row.data.get("image"))),
        answers=read_answers(row, row.data.get("answers", row.data.get("answer"))),
        gold=gold,
        type=read_field(row, "type") if row.data.get("type") else "",
        collection=read_field(row, "collection") if row.data.get("collection") else "",
    )


def read_answers(row: Row, given: object) -> tuple[str, ...]:
    """Accepted answers from a scalar or a list of scalars and ranges; each once, in order."""
    found = [_answer(row, value) for value in (given if isinstance(given, list) else [given])]
    if not found:
        raise describe_misfit(row, "at least one accepted answer in 'answers'")
    return tuple(dict.fromkeys(found))


def _answer(row: Row, value: object) -> str:
    text = write_answer(value)
    if text is not None:
        return text
    match value:
        case {"range": [int() | float() as low, int() | float() as high], **others} if low <= high:
            best = others.get("value", others.get("wikidata"))
            return write_range(low, high, best if isinstance(best, int | float) else None)
        case _:
            raise describe_misfit(row, 'accepted answers that are texts, numbers or {"range": [low, high]}')


def read_picture(row: Row, name: object) -> Image | None:
    """The question's picture, beside the file or in the folder above."""
    if name is None or name == "":
        return None
    if not isinstance(name, str):
        raise describe_misfit(row, "a path or null in 'image'")
    for folder in (row.path.parent, row.path.parent.parent):
        if (folder / name).is_file():
            return load_image(folder / name)
    raise describe_misfit(row, f"the picture {name!r} in {row.path.parent} or the folder above it")
