"""Which entries PostgreSQL scores for their words: few of many, and those that a ranking of all of them begins with."""

from __future__ import annotations

import json
import random
import uuid
from pathlib import Path

import pytest

from r1router.ingest.run import index
from r1router.kb import open_kbs
from r1router.kb.stores.postgres import snapshot
from r1router.kb.stores.postgres.likely import MOST_TERMS, write_likely
from r1router.types import Query
from small_embedders import HashedWords


def test_entries_are_chosen_whose_terms_weigh_enough_together() -> None:
    weights = {"rare": (8.0, 20), "some": (4.0, 1_000), "more": (3.5, 1_000), "the": (0.1, 90_000)}
    assert write_likely(weights, 100_000, 20) == "'rare'"
    assert write_likely(weights, 100_000, 25) == "'rare' | 'some' & ('more')"
    assert write_likely(weights, 100_000, 1_500) == "'rare' | 'some' | 'more'"
    assert write_likely(weights, 100_000, 100_000) == "'rare' | 'some' | 'more'"


def test_a_condition_has_a_term_even_where_all_are_common_and_few_where_there_are_many() -> None:
    assert write_likely({"an": (0.2, 80), "the": (0.1, 90)}, 100, 10) == "'an'"
    many = {f"w{n}": (5.0, 100 + n) for n in range(500)}
    for wanted in (1, 100, 10_000):
        assert write_likely(many, 100_000, wanted).count("w") < 2**MOST_TERMS
    assert write_likely({"it's": (2.0, 1)}, 100, 10) == "'it''s'"


def test_few_of_many_entries_are_scored_and_the_best_are_those_of_a_folder(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, words = random.Random(3), [f"w{n}" for n in range(2_000)]
    drawn = [1 / (n + 5) for n in range(2_000)]  # as words of a language are
    rows = [{"id": str(n), "text": " ".join(chance.choices(words, drawn, k=40))} for n in range(3_000)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    places = [str(tmp_path / "kbs"), f"{postgres}&schema=t{uuid.uuid4().hex}"]
    for place in places:
        index([tmp_path / "rows.jsonl"], place, embedder=HashedWords())
    folder, shared = (open_kbs(place, text_embedder=HashedWords())["text"] for place in places)
    monkeypatch.setattr(snapshot, "MOST_SCORED", 600)  # more than are likely, and far fewer than have any of the words
    monkeypatch.setattr(snapshot, "LIKELY", 4)
    for row in chance.sample(rows, 8):
        query = Query(" ".join(row["text"].split()[:9]))
        best, found = ([e.record for e in kb.search([query], k=5, mode="text")[0]] for kb in (folder, shared))
        assert found == best
        assert found[0] == row["id"]
