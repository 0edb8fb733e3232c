"""Reads 2WikiMultiHopQA: comparison and bridge questions over two or four Wikipedia articles.

*dataset:* 2WikiMultiHopQA (Ho et al. 2020, arXiv 2011.01060). *metric:* exact match, token F1; F1-Recall in the paper.
*pattern:* HotpotQA's, plus `evidences [[subject, relation, object]]` and, in the later release, `answer_id`.
Source of the format: README of github.com/Alab-NII/2wikimultihop. The test set has no answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from r1router.evals.datasets import hotpotqa
from r1router.evals.datasets._rows import Head, Row, read_items, read_list_rows
from r1router.types import Example


def recognises(head: Head) -> bool:
    return head.layout == "list" and {"_id", "question", "context", "evidences"} <= head.keys


def rows(path: Path) -> Iterator[Row]:
    return read_list_rows(path)


def example(row: Row) -> Example:
    plain = hotpotqa.example(row)
    triples = read_items(row, "evidences", list, "triples [subject, relation, object]")
    return replace(plain, gold={**(plain.gold or {}), "triples": triples}) if triples else plain
