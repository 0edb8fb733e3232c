"""Tables come whole where a question compares their rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from r1router.ingest.run import index
from r1router.kb import open_kb
from r1router.kb.lance import LanceKnowledgeBase
from r1router.kb.whole import BLOCKS
from r1router.types import Query
from small_embedders import HashedWords

LARGEST, PLAIN = "Which river of Ostland is the longest?", "How long is river number 7 of Ostland?"


def rows(count: int, name: str) -> list[str]:
    return [f"{name} river number {n} with a name of some length | {n * 37 % count}" for n in range(1, count + 1)]


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory) -> LanceKnowledgeBase:
    folder = tmp_path_factory.mktemp("whole")
    for name, count in (("Ostland", 40), ("Westland", 400)):
        lines = ["River,Length in km", *(row.replace(" | ", ",") for row in rows(count, name))]
        (folder / f"{name}.csv").write_text("\n".join(lines))
    index([folder / "Ostland.csv", folder / "Westland.csv"], folder / "kbs", embedder=HashedWords())
    return open_kb(folder / "kbs" / "table", text_embedder=HashedWords())


def test_a_question_that_compares_gets_every_row_in_order_once(kb: LanceKnowledgeBase) -> None:
    (hits,) = kb.search([Query(LARGEST)], k=5)
    (whole,) = [hit for hit in hits if str(hit.record).endswith("Ostland.csv")]
    lines = whole.text.split("\n")
    assert lines[-41:] == ["River | Length in km", *rows(40, "Ostland")]
    assert whole.location is not None
    assert whole.location.rows == (1, 40)
    assert kb.entry(whole.id) is not None


def test_another_question_beside_it_gets_the_blocks_that_it_found(kb: LanceKnowledgeBase) -> None:
    compared, plain = kb.search([Query(LARGEST), Query(PLAIN)], k=5)
    assert len(plain) == 5
    assert max(len(hit.text) for hit in plain) < max(len(hit.text) for hit in compared)
    assert plain == kb.search([Query(PLAIN)], k=5)[0]


def test_a_long_table_stays_as_it_was_found(kb: LanceKnowledgeBase) -> None:
    (hits,) = kb.search([Query("Which river of Westland is the longest?")], k=3)
    long = [hit for hit in hits if str(hit.record).endswith("Westland.csv")]
    assert len(kb) > 2 * BLOCKS
    assert all(len(hit.text.split("\n")) < 100 for hit in long)
    assert len(long) > 1


def test_passages_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The longest river of Ostland is the Ost. " * 60)
    index([tmp_path / "a.txt"], tmp_path / "kbs", embedder=HashedWords())
    kb = open_kb(tmp_path / "kbs" / "text", text_embedder=HashedWords())
    (hits,) = kb.search([Query(LARGEST)], k=3)
    assert len(hits) == 3
    assert len({hit.id for hit in hits}) == 3
