"""Reads WebQA: questions answered by a sentence, from Wikipedia snippets or from captioned pictures.

*dataset:* WebQA (Chang et al. 2022, arXiv 2109.00590). *metric:* its own fluency and keyword score; F1-Recall in the
paper. *pattern:* one JSON object, guid → `{Q, A, Keywords_A, Qcate, split, txt_posFacts, img_posFacts, …}`. Source of
the format: the notebook demo/Take_a_look_WebQA.ipynb of github.com/WebQnA/WebQA.

The released file holds train and validation: `webqa:WebQA_train_val.json?split=val`. Questions and answers are
published inside quotation marks, which are taken off. Gold evidence: ids of all positive snippets and pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from r1router.errors import UnknownName
from r1router.evals.datasets._rows import Head, Row, describe_misfit, read_field, read_items, read_object_rows
from r1router.types import Example, Question


def recognises(head: Head) -> bool:
    return head.layout == "object" and {"Q", "A", "Qcate"} <= head.keys


def rows(path: Path, *, split: str = "") -> Iterator[Row]:
    """All questions, or those of one split."""
    seen: set[str] = set()
    found = False
    for guid, row in read_object_rows(path):
        if not isinstance(row.data, dict):
            raise describe_misfit(row, "an object with 'Q' and 'A'")
        seen.add(str(row.data.get("split")))
        if not split or row.data.get("split") == split:
            found = True
            yield Row(path, row.at, {"Guid": guid, **row.data})
    if split and not found:
        raise UnknownName("split", split, seen)


def example(row: Row) -> Example:
    accepted = read_items(row, "A", str, "a list of texts")
    facts = [
        *read_items(row, "txt_posFacts", dict, "a list of snippets"),
        *read_items(row, "img_posFacts", dict, "a list of pictures"),
    ]
    ids = [str(fact.get("snippet_id", fact.get("image_id"))) for fact in facts]
    return Example(
        id=read_field(row, "Guid"),
        question=Question(_unquoted(read_field(row, "Q"))),
        answers=tuple(dict.fromkeys(_unquoted(answer) for answer in accepted)),
        gold={"evidence_ids": ids, "n_hops": len(ids)} if ids else None,
        type="text" if row.data.get("Qcate") == "text" else "image",
    )


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1].strip() if len(text) > 2 and text[0] == text[-1] == '"' else text
