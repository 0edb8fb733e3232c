"""Reads FRAMES: questions that need facts of two to fifteen Wikipedia articles together.

*dataset:* FRAMES (Krishna et al. 2024, arXiv 2409.12941). *metric:* containment, token F1, or a judge. *pattern:* tsv
of `Prompt, Answer, wikipedia_link_1 … wikipedia_link_11+, reasoning_types, wiki_links`, with a number in front;
the last column is a list as Python writes it, and so may `wikipedia_link_11+` be.
Source of the format: `test.tsv` of huggingface.co/datasets/google/frames-benchmark, by its column names.

Gold evidence is the titles of all linked articles, read from their addresses. The type is that of the reasoning.
"""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from r1router.evals.datasets._rows import Head, Row, open_text, read_field, read_lines
from r1router.types import Example, Question

_ADDRESS = re.compile(r"https?://[a-z.]*wikipedia\.org/wiki/([^\s#?]+)")


def recognises(head: Head) -> bool:
    return head.layout == "table" and {"Prompt", "Answer", "reasoning_types"} <= head.keys


def rows(path: Path) -> Iterator[Row]:
    with open_text(path) as file:
        table = csv.DictReader(read_lines(file, path), delimiter="\t")
        for row in table:
            yield Row(path, str(table.line_num), {key or "": value for key, value in row.items()})


def example(row: Row) -> Example:
    cells = [row.data.get("wiki_links") or ""]
    if not any(cells):
        cells = [str(value or "") for key, value in row.data.items() if key.startswith("wikipedia_link")]
    addresses = filter(None, map(_ADDRESS.match, (link for cell in cells for link in _list_links(cell))))
    titles = list(dict.fromkeys(unquote(address[1]).replace("_", " ") for address in addresses))
    number = row.data.get("") or row.data.get("Unnamed: 0") or row.at
    return Example(
        id=f"frames-{number}",
        question=Question(read_field(row, "Prompt")),
        answers=(read_field(row, "Answer"),),
        gold={"evidence_titles": titles, "n_hops": len(titles)} if titles else None,
        type=(row.data.get("reasoning_types") or "").strip(),
    )


def _list_links(cell: str) -> list[str]:
    """The addresses in a cell: a list as Python writes it, one address, or several one after the other.

    >>> _list_links("['https://en.wikipedia.org/wiki/Salem,_Oregon', 'https://en.wikipedia.org/wiki/Oslo']")
    ['https://en.wikipedia.org/wiki/Salem,_Oregon', 'https://en.wikipedia.org/wiki/Oslo']
    """
    try:
        listed = ast.literal_eval(cell.strip())
    except (ValueError, SyntaxError):
        return [link.strip(" ,\t\r\n") for link in re.split(r"(?<=[\s,])(?=https?://)", cell.strip())]
    return [str(link).strip() for link in listed] if isinstance(listed, list) else []
