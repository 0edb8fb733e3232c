"""A folder with more vectors than memory is given for them: nothing that is new or filtered is missed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from r1router.errors import InputError
from r1router.filters.parse import parse
from r1router.ingest.run import index
from r1router.kb import card, open_kb
from r1router.kb.stored import StoredKnowledgeBase
from r1router.kb.stores.folder import allowed, vector_index, vectors
from r1router.kb.stores.folder.home import FolderHome
from r1router.kb.stores.folder.table import BOUNDS, find_index, open_table
from r1router.kb.stores.folder.vector_index import read_measured
from r1router.kb.stores.folder.vectors import VectorsInMemory, VectorsOnDisk
from r1router.types import Query
from small_embedders import HashedWords

ROWS = 1_200
WORDS = [f"w{n}" for n in range(400)]


def write(folder: Path, numbers: range, *, marked: str = "") -> Path:
    """Rows of six words each, which follow from the number of the row; each with fields of its own."""
    path = folder / f"rows{numbers.start}.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        for n in numbers:
            chance = np.random.default_rng(n)
            text = " ".join([*chance.choice(WORDS, 6), marked]).strip()
            stream.write(json.dumps({"id": str(n), "text": text, "tenth": n % 10, "number": n}) + "\n")
    return path


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same entries with their vectors in memory, and on disk."""
    made = []
    for name, megabytes in (("memory", "256"), ("disk", "0")):
        folder = tmp_path_factory.mktemp(name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("R1ROUTER_KB_MEMORY", megabytes)
            index([write(folder, range(ROWS))], folder / "kbs", embedder=HashedWords())
        made.append(folder / "kbs" / "text")
    return made[0], made[1]


def open_on_disk(folder: Path, patch: pytest.MonkeyPatch) -> StoredKnowledgeBase:
    patch.setenv("R1ROUTER_KB_MEMORY", "0")
    return open_kb(folder, text_embedder=HashedWords())


def ask(seed: int) -> Query:
    return Query(" ".join(np.random.default_rng(10_000 + seed).choice(WORDS, 4)))


def find_vectors(kb: StoredKnowledgeBase) -> Any:
    found: Any = kb.store.use(lambda snapshot: snapshot._vectors["vector"], empty=None)  # type: ignore[attr-defined]
    return found


def similarities(kb: Any, query: Query, k: int = 10) -> list[float]:
    return [each.similarity for each in kb.search([query], k=k, mode="vector")[0]]


def test_what_needs_more_memory_than_is_given_stays_on_disk_and_gets_an_index(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, disk = folders
    assert isinstance(find_vectors(open_kb(memory, text_embedder=HashedWords())), VectorsInMemory)
    assert isinstance(find_vectors(open_on_disk(disk, monkeypatch)), VectorsOnDisk)
    assert find_index(open_table(memory), "vector") is None
    assert find_index(open_table(disk), "vector") is not None
    assert read_measured(FolderHome(memory)) == {}
    measured = read_measured(FolderHome(disk))["vector"]
    assert (measured.kind, measured.entries, measured.vectors) == ("IVF_RQ", ROWS, ROWS)
    assert measured.recall is not None
    assert measured.recall >= 0.99


def test_the_index_finds_what_comparing_all_finds(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    exact, near = open_kb(folders[0], text_embedder=HashedWords()), open_on_disk(folders[1], monkeypatch)
    hits = wanted = 0
    for seed in range(30):
        best, found = similarities(exact, ask(seed)), similarities(near, ask(seed))
        hits += sum(each >= best[-1] - 1e-6 for each in found)
        wanted += len(best)
    assert hits >= 0.98 * wanted
    assert [e.id for e in exact.search([ask(1)], k=3)[0]][:1] == [e.id for e in near.search([ask(1)], k=3)[0]][:1]


@pytest.mark.parametrize("named", [allowed.FEW, 0])
@pytest.mark.parametrize("compared", [20_000, 0])
@pytest.mark.parametrize("where", ["tenth = 3", "tenth = 3 and number < 100", "number >= 150", "number = 1034"])
def test_a_filter_lets_through_all_that_fits_and_nothing_else_however_it_is_searched(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, where: str, compared: int, named: int
) -> None:
    """Compared exactly or by the index, by a condition of the store or by row ids."""
    for name in ("COMPARED", "TAKEN"):
        monkeypatch.setattr(vectors, name, compared)
    monkeypatch.setattr(allowed, "FEW", named)
    exact = open_kb(folders[0], text_embedder=HashedWords()).narrow(parse(where))
    near = open_on_disk(folders[1], monkeypatch).narrow(parse(where))
    fitting = {e.id for e in exact.search([ask(0)], k=ROWS, mode="vector")[0]}
    hits = wanted = 0
    for seed in range(5):
        [found] = near.search([ask(seed)], k=20, mode="vector")
        best = similarities(exact, ask(seed), 20)
        assert len(found) == len(best)
        assert {e.id for e in found} <= fitting
        hits += sum(e.similarity >= best[-1] - 1e-6 for e in found)
        wanted += len(best)
    assert hits >= (0.97 if len(fitting) > 20 and not compared else 1.0) * wanted


def test_new_rows_are_found_before_they_are_in_the_index_and_gone_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("R1ROUTER_KB_MEMORY", "0")
    index([write(tmp_path, range(1_200))], tmp_path / "kbs", embedder=HashedWords())
    kb = open_on_disk(tmp_path / "kbs" / "text", monkeypatch)
    fresh = write(tmp_path, range(5_000, 5_010), marked="heron")
    texts = [json.loads(line)["text"] for line in fresh.read_text(encoding="utf-8").splitlines()]
    assert all("heron" not in ranking[0].text for ranking in kb.search(list(map(Query, texts)), k=1, mode="vector"))
    index([fresh], tmp_path / "kbs", embedder=HashedWords())
    assert find_index(open_table(tmp_path / "kbs" / "text"), "vector").num_unindexed_rows == 10
    found = [ranking[0].text for ranking in kb.search(list(map(Query, texts)), k=1, mode="vector")]
    assert [text.rpartition("\n")[2] for text in found] == texts
    part = kb.narrow(parse("number = 5003"))
    assert [e.record for e in part.search([Query("heron")], k=5, mode="vector")[0]] == ["5003"]
    fresh.unlink()
    index([fresh], tmp_path / "kbs", embedder=HashedWords(), prune=True)
    rankings = kb.search(list(map(Query, texts)), k=1, mode="vector")
    assert all("heron" not in ranking[0].text for ranking in rankings)


def test_the_index_is_built_anew_when_the_knowledge_base_has_doubled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("R1ROUTER_KB_MEMORY", "0")
    folder = tmp_path / "kbs" / "text"
    monkeypatch.setattr(vector_index, "FEWEST", 300)
    for numbers, entries in ((range(300), 300), (range(2_000, 2_100), 300), (range(3_000, 3_300), 700)):
        index([write(tmp_path, numbers)], tmp_path / "kbs", embedder=HashedWords())
        assert read_measured(FolderHome(folder))["vector"].entries == entries


def test_vectors_whose_numbers_do_not_fill_bytes_get_an_index_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Longer(HashedWords):
        dim = 300

    monkeypatch.setenv("R1ROUTER_KB_MEMORY", "0")
    monkeypatch.setattr(vector_index, "FEWEST", 300)
    path = write(tmp_path, range(300))
    index([path], tmp_path / "kbs", embedder=Longer())
    assert read_measured(FolderHome(tmp_path / "kbs" / "text"))["vector"].kind == "IVF_SQ"
    [[found]] = open_kb(tmp_path / "kbs" / "text", text_embedder=Longer()).search(
        [Query(json.loads(path.read_text().splitlines()[7])["text"])], k=1, mode="vector"
    )
    assert found.record == "7"


def test_of_very_many_titles_some_are_kept_alike_in_every_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "SAMPLED", 100)
    names = [f"title {n}" for n in range(1_000)]
    entries = [("a.md", name, name) for name in names]
    told = [card.describe_entries("text", order, list) for order in (entries, entries[::-1], entries * 2)]
    assert told[0] == told[1] == told[2]
    assert told[0].startswith("1,000 passages such as title ")
    few = [("a.md", name, name) for name in ("b", "a", "a")]
    assert card.describe_entries("text", few, list) == "2 passages: a, b"


def test_a_limit_that_is_no_number_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R1ROUTER_KB_MEMORY", "2 GB")
    with pytest.raises(InputError, match="R1ROUTER_KB_MEMORY must be a whole number of megabytes, such as 256"):
        open_kb(tmp_path)


@pytest.mark.parametrize("given", ["", "1048576"])
def test_what_the_store_reads_ahead_is_bounded_unless_the_environment_says_more(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in BOUNDS:
        monkeypatch.setenv(name, given) if given else monkeypatch.delenv(name, raising=False)
    script = "from r1router.kb.stores.folder.table import open_tables; import os, sys; open_tables(sys.argv[1])"
    script += "; print(*(os.environ[name] for name in sys.argv[2:]))"
    ran = subprocess.run([sys.executable, "-c", script, tmp_path, *BOUNDS], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ([given] * len(BOUNDS) if given else list(BOUNDS.values()))
