"""Reads FRAMES: questions that need facts of two to fifteen Wikipedia articles together.

*dataset:* FRAMES (Krishna et al. 2024, arXiv 2409.12941). *metric:* containment, token F1, or a judge. *pattern:* tsv
with an unnamed number, `Prompt, Answer, wikipedia_link_1 … wikipedia_link_11+, reasoning_types, wiki_links`.
Source of the format: `test.tsv` of huggingface.co/datasets/google/frames-benchmark, by its column names.

Gold evidence is the titles of all linked articles, read from their addresses. The type is that of the reasoning.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from r1router.evals.datasets._rows import Head, Row, open_text, read_field, read_lines
from r1router.types import Example, Question

_ADDRESS = re.compile(r"https?://[a-z.]*wikipedia\.org/wiki/([^\s,'\"\]#?]+)")


def recognises(head: Head) -> bool:
    return head.layout == "table" and {"Prompt", "Answer", "reasoning_types"} <= head.keys


def rows(path: Path) -> Iterator[Row]:
    with open_text(path) as file:
        table = csv.DictReader(read_lines(file, path), delimiter="\t")
        for row in table:
            yield Row(path, str(table.line_num), {key or "": value for key, value in row.items()})


def example(row: Row) -> Example:
    links = row.data.get("wiki_links") or " ".join(
        str(value or "") for key, value in row.data.items() if key.startswith("wikipedia_link")
    )
    titles = list(dict.fromkeys(unquote(title).replace("_", " ") for title in _ADDRESS.findall(links)))
    number = row.data.get("") or row.data.get("Unnamed: 0") or row.at
    return Example(
        id=f"frames-{number}",
        question=Question(read_field(row, "Prompt")),
        answers=(read_field(row, "Answer"),),
        gold={"evidence_titles": titles, "n_hops": len(titles)} if titles else None,
        type=(row.data.get("reasoning_types") or "").strip(),
    )
