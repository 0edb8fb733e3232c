"""Tables come whole where a question compares their rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from r1router.ingest.run import index
from r1router.kb import open_kb
from r1router.kb.lance import LanceKnowledgeBase
from r1router.kb.whole import BLOCKS
from r1router.types import Evidence, Query
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


def table(folder: Path, rows: int, caption: str = "", name: str = "x") -> list[Evidence]:
    """What a search finds in a knowledge base of one table with so many long rows."""
    cells = [[f"{name} {n} " + "word " * 70, str(n)] for n in range(1, rows + 1)]
    told = {"id": "it's", "title": "Lakes", "caption": caption, "header": ["Lake", "Depth"], "rows": cells}
    folder.mkdir()
    (folder / "t.jsonl").write_text(json.dumps(told))
    index([folder / "t.jsonl"], folder.parent / "kbs", embedder=HashedWords())
    kb = open_kb(folder.parent / "kbs" / "table", text_embedder=HashedWords())
    return kb.search([Query(f"Which {name} lake has the largest depth?")], k=20)[0]


@pytest.mark.parametrize(("rows", "hits"), [(2 * BLOCKS, 1), (2 * BLOCKS + 1, BLOCKS + 1)])
def test_a_table_of_as_many_blocks_as_are_joined_is_joined_and_one_more_is_too_many(
    tmp_path: Path, rows: int, hits: int
) -> None:
    found = table(tmp_path / "a", rows, caption="Of the north.")
    assert len(found) == hits
    assert found[0].text.count("Of the north.\nLake | Depth") == 1
    if hits == 1:
        assert found[0].id == "it's#0"
        assert [line.rpartition(" ")[2] for line in found[0].text.split("\n")[3:]] == [str(n + 1) for n in range(rows)]


def test_two_sources_that_call_a_table_alike_are_not_mixed(tmp_path: Path) -> None:
    table(tmp_path / "a", 4, caption="Of the north.", name="north")
    found = table(tmp_path / "b", 6, name="south")
    assert sorted(hit.text.count("\n") for hit in found) == [4 + 2, 6 + 1]
    assert not any("north" in hit.text.lower() and "south" in hit.text.lower() for hit in found)


def test_passages_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The longest river of Ostland is the Ost. " * 60)
    index([tmp_path / "a.txt"], tmp_path / "kbs", embedder=HashedWords())
    kb = open_kb(tmp_path / "kbs" / "text", text_embedder=HashedWords())
    (hits,) = kb.search([Query(LARGEST)], k=3)
    assert len(hits) == 3
    assert len({hit.id for hit in hits}) == 3
