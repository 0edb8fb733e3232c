"""How often a search brings the gold evidence: recall@5 and mean reciprocal rank, per data set and ranking.

    r1router index BENCH/kb/text BENCH/kb/table BENCH/kb/image --kbs KBS
    python benchmarks/search_quality.py BENCH --kbs KBS [--split dev]

Data: `BENCH/questions/{geo,wtq,tabfact,ottqa}.SPLIT.jsonl`, each gold step's sub-question asked of the step's
own knowledge base (OTT-QA has none: there the question itself is asked of each of its hops' KBs).
Metric: any one gold item among the records of the first 5 entries; 1 / rank of the first one within 50.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from r1router.images import load_image
from r1router.kb import open_kbs
from r1router.kb.stored import Mode, StoredKnowledgeBase
from r1router.types import Query

SETS = ("geo", "wtq", "tabfact", "ottqa")
TOP = 5
DEEP = 50


@dataclass(frozen=True)
class Case:
    """One search with the ids of the records that answer it, any one of them."""

    data_set: str
    kb: str
    query: Query
    gold: frozenset[str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path)
    parser.add_argument("--kbs", type=Path, required=True)
    parser.add_argument("--split", default="dev")
    given = parser.parse_args()
    kbs = open_kbs(given.kbs)
    table = Table("kb", "data set", "searches", "ranking", "recall@5", "MRR")
    cases = [case for case in load(given.bench, given.split) if case.kb in kbs]
    for kb, data_set in sorted({(case.kb, case.data_set) for case in cases}):
        chosen = [case for case in cases if (case.kb, case.data_set) == (kb, data_set)]
        for name, queries, mode in rankings(chosen):
            recall, mrr = measure(kbs[kb], queries, [case.gold for case in chosen], mode)
            table.add_row(kb, data_set, str(len(chosen)), name, f"{recall:.3f}", f"{mrr:.3f}")
    Console().print(table)


def load(bench: Path, split: str) -> Iterator[Case]:
    for data_set in SETS:
        for row in read_jsonl(bench / "questions" / f"{data_set}.{split}.jsonl"):
            picture = load_image(bench / row["image"]) if row["image"] else None
            for step in row["gold"]["steps"] or row["gold"]["hops"]:
                query = Query(step.get("sub_question") or row["question"], picture if step["kb"] == "image" else None)
                yield Case(data_set, step["kb"], query, frozenset(step["evidence_ids"]))
    for row in read_jsonl(bench / "queries" / "images.jsonl"):
        if row["split"] == split:
            query = Query(image=load_image(bench / row["file"]))
            yield Case(f"{row['kind']} alone", "image", query, frozenset([row["gold_image_id"]]))


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def rankings(cases: list[Case]) -> Iterator[tuple[str, list[Query], Mode]]:
    """(name, queries, mode) of every ranking that these searches can be asked for alone, and of all together."""
    words = [Query(case.query.text) for case in cases]
    pictures = [Query(image=case.query.image) for case in cases]
    if any(query.text for query in words):
        yield "vectors", words, "vector"
        yield "full text", words, "text"
        yield "words: both", words, "fused"
    if any(query.image for query in pictures):
        yield "picture", pictures, "fused"
    if any(case.query.text and case.query.image for case in cases):
        yield "words and picture", [case.query for case in cases], "fused"


def measure(
    kb: StoredKnowledgeBase, queries: list[Query], gold: list[frozenset[str]], mode: Mode
) -> tuple[float, float]:
    """(recall@5, mean reciprocal rank)."""
    ranks = []
    for ranking, right in zip(kb.search(queries, k=DEEP, mode=mode), gold, strict=True):
        ranks.append(next((rank for rank, e in enumerate(ranking, 1) if e.record in right), None))
    recall = sum(rank is not None and rank <= TOP for rank in ranks) / len(ranks)
    return recall, sum(1 / rank for rank in ranks if rank) / len(ranks)


if __name__ == "__main__":
    main()
