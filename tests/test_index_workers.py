"""Runs with workers, on one machine and on a Ray cluster: the same index as without, whatever is lost on the way."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from r1router.errors import InputError, R1RouterError
from r1router.ingest.isolate import open_reading_process
from r1router.ingest.run import IndexReport, Progress, index
from r1router.ingest.sources import SourceFile
from r1router.ingest.workers.packets import PACKET, Job, Specs, embed_packet, read_packets
from r1router.kb.embedding import Embedders
from r1router.kb.stores.folder.table import open_table
from small_embedders import HashedWords, plain_picture

WORDS = '''
import os
import numpy as np
from pathlib import Path


class Words:
    """Ends its process where the folder has a file that says so."""

    dim = 8

    def embed_texts(self, texts, *, query=False):
        if Path(__file__).with_name("end").exists():
            os._exit(1)
        vectors = np.ones((len(texts), 8), np.float32)
        vectors[:, 0] += [len(text) for text in texts]
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
'''


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the package that has the embedder `few.words:Words`."""
    package = tmp_path / "packages" / "few"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "words.py").write_text(WORDS)
    monkeypatch.syspath_prepend(package.parent)
    return package


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """Files of every kind, one of many records, one of a single long one, one damaged, two of the same name."""
    folder = tmp_path / "docs"
    (folder / "old").mkdir(parents=True)
    rows = [{"id": f"town-{n}", "text": f"Town {n} has {n} towers."} for n in range(2 * PACKET + 3)]
    (folder / "towns.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "long.txt").write_text(" ".join(f"word{n}" for n in range(50 * (PACKET + 5))))
    (folder / "oslo.md").write_text("# Oslo\nThe capital.\n\n| River | Length |\n|---|---|\n| Akerselva | 10 |\n")
    (folder / "old" / "oslo.md").write_text("# Christiania\nThe capital before.")
    (folder / "rivers.csv").write_text("River,Length\nShannon,360\nDanube,2850\n")
    (folder / "red.png").write_bytes(plain_picture("red").data)
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    return folder


def run(folder: Path, kbs: str, **options: Any) -> IndexReport:
    return index([folder / "docs"], folder / kbs, embedder="few.words:Words", ocr=False, **options)


def stored(kbs: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Everything that each knowledge base has of an entry, by id."""
    found = {}
    for kb in sorted(path.parent for path in kbs.glob("*/kb.json")):
        rows = open_table(kb).to_arrow().to_pylist()
        found[kb.name] = {row.pop("id"): row for row in rows}
        assert len(found[kb.name]) == len(rows), "an entry is stored twice"
    return found


def test_workers_make_the_same_index_as_one_process(tmp_path: Path, docs: Path, words: Path) -> None:
    alone, together = run(tmp_path, "alone"), run(tmp_path, "together", workers=2)
    assert together.kbs == alone.kbs
    assert together.problems == alone.problems
    assert alone.kbs["text"].added > 3 * PACKET
    assert stored(tmp_path / "together") == stored(tmp_path / "alone")


def test_workers_skip_what_is_known(tmp_path: Path, docs: Path, words: Path) -> None:
    run(tmp_path, "kbs", workers=2)
    before = stored(tmp_path / "kbs")
    rows = (docs / "towns.jsonl").read_text().replace("has 5 towers", "has 55 towers")
    (docs / "towns.jsonl").write_text(rows)
    again = run(tmp_path, "kbs", workers=2)
    assert (again.read, again.kbs["text"].changed, again.kbs["text"].added) == (1, 1, 0)
    after = stored(tmp_path / "kbs")
    changed = [id for id, row in after["text"].items() if row["text"] != before["text"][id]["text"]]
    assert changed == ["town-5#0"]


def test_a_worker_is_given_only_the_entries_that_are_not_stored(docs: Path) -> None:
    file = SourceFile(docs / "towns.jsonl", "towns.jsonl", ("text",))
    with open_reading_process() as process:
        packets = list(read_packets(Job(0, file, None, False, frozenset()), process, ["text"]))
        wanted = [wanted for packet in packets for wanted in packet.wanted]
        stored = frozenset(one.digest for one in wanted if one.text != "Town 7 has 7 towers.")
        [packet] = read_packets(Job(0, file, None, False, stored), process, ["text"])
    assert [len(packet.wanted) for packet in packets] == [PACKET, PACKET, 3]
    assert [one.text for one in packet.wanted] == ["Town 7 has 7 towers."]
    assert len(packet.items) == sum(len(packet.items) for packet in packets)


def test_a_worker_gives_back_a_vector_for_each_text(docs: Path) -> None:
    file = SourceFile(docs / "towns.jsonl", "towns.jsonl", ("text",))
    with open_reading_process() as process:
        first, *_ = read_packets(Job(0, file, None, False, frozenset()), process, ["text"])
    embedder = HashedWords()
    done = embed_packet(first, Embedders(text=embedder), {"text": Specs("hashed-words:")})
    assert done.wanted == ()
    for wanted in first.wanted:
        vector = done.made[wanted.digest].vector
        assert vector is not None
        np.testing.assert_array_equal(vector, embedder.embed_texts([wanted.text])[0])


def test_a_run_whose_workers_are_ended_says_so_and_the_next_one_goes_on(
    tmp_path: Path, docs: Path, words: Path
) -> None:
    (words / "end").touch()
    with pytest.raises(R1RouterError, match=r"a worker was ended from outside.*it goes on"):
        run(tmp_path, "kbs", workers=1)
    (words / "end").unlink()
    run(tmp_path, "kbs", workers=1)
    run(tmp_path, "alone")
    assert stored(tmp_path / "kbs") == stored(tmp_path / "alone")


def test_workers_need_embedders_by_their_names(tmp_path: Path, docs: Path) -> None:
    with pytest.raises(InputError, match="give the spec of an embedder, not an object"):
        index([docs], tmp_path / "kbs", embedder=HashedWords(), workers=2)
    with pytest.raises(InputError, match="1 at least, not 0"):
        index([docs], tmp_path / "kbs", workers=0)


# ── on a cluster ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, words: Path) -> Iterator[Any]:
    """Two nodes on this machine. The driver is at home on the first."""
    pytest.importorskip("ray.data", reason="needs r1router[ray]")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "300")  # on a machine that does much else
    monkeypatch.setenv("PYTHONPATH", str(words.parent), prepend=":")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray's own
        from ray.cluster_utils import Cluster

        small = {"num_cpus": 2, "object_store_memory": 100 << 20}
        started = Cluster()
        try:
            started.add_node(**small, include_dashboard=False)
            started.second = started.add_node(**small)
        except Exception as error:  # the only kind that it raises
            with suppress(Exception):  # from what has not started
                started.shutdown()
            pytest.skip(f"Ray, which gives its nodes half a minute, does not start here: {error}")
        yield started
        started.shutdown()


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("R1ROUTER_TEST_RAY"), reason="set R1ROUTER_TEST_RAY=1 to start a Ray cluster")
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore:.*:ResourceWarning", "ignore:.*:DeprecationWarning", "ignore:.*:FutureWarning")
def test_a_cluster_that_loses_a_node_makes_the_same_index_as_one_process(
    tmp_path: Path, docs: Path, cluster: Any
) -> None:
    for n in range(20):
        (docs / f"{n}.md").write_text("\n".join(f"# Part {part}\nVillage {n} has {part} wells." for part in range(20)))
    alone = run(tmp_path, "alone")
    lost: list[Progress] = []

    def lose_a_node(progress: Progress) -> None:
        if progress.entries and not lost:
            lost.append(progress)
            cluster.remove_node(cluster.second, allow_graceful=False)

    together = run(tmp_path, "together", ray=cluster.address, progress=lose_a_node)
    assert lost[0].entries < alone.kbs["text"].added / 2
    assert together.kbs == alone.kbs
    assert together.problems == alone.problems
    assert stored(tmp_path / "together") == stored(tmp_path / "alone")


def test_no_cluster_at_an_address_is_told(tmp_path: Path, docs: Path, words: Path) -> None:
    pytest.importorskip("ray.data", reason="needs r1router[ray]")
    with pytest.raises(R1RouterError, match=r"there is no Ray cluster at 127\.0\.0\.1:9"):
        run(tmp_path, "kbs", ray="127.0.0.1:9")
