"""Runs with workers, on one machine and on a Ray cluster: the same index as without, whatever is lost on the way."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from r1router.embedders._onnx import count_cores
from r1router.errors import (
    BudgetSpent,
    EmbedderMismatch,
    InputError,
    MissingExtra,
    NotWritten,
    ParseError,
    R1RouterError,
    UnknownName,
    UnreadableFile,
)
from r1router.ingest.isolate import LIMITS, open_reading_process
from r1router.ingest.records import Record
from r1router.ingest.run import IndexReport, Progress, index
from r1router.ingest.sources import SourceFile
from r1router.ingest.workers import processes, ray_data
from r1router.ingest.workers.packets import PACKET, Job, Packet, PacketReader, Specs, embed_packet, read_packets
from r1router.kb.embedding import Embedders
from r1router.kb.stores.folder.table import open_table
from small_embedders import HashedWords, plain_picture

WORDS = '''
import os
import time
import numpy as np
from pathlib import Path
from r1router.errors import UnknownName


class Words:
    """Ends its process, fails or hangs where the folder has a file that says so."""

    dim = 8

    def embed_texts(self, texts, *, query=False):
        if Path(__file__).with_name("end").exists():
            os._exit(1)
        if Path(__file__).with_name("fail").exists():
            raise UnknownName("embedder", "few", ["many"])
        while Path(__file__).with_name("hang").exists():
            print("hangs", flush=True)
            time.sleep(0.1)
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


def test_an_error_of_a_worker_is_told_as_it_is(tmp_path: Path, docs: Path, words: Path) -> None:
    (words / "fail").touch()
    with pytest.raises(UnknownName, match="unknown embedder 'few'; known: many"):
        run(tmp_path, "kbs", workers=1)


ERRORS = [
    UnknownName("method", "ircott", ["ircot"]),
    UnreadableFile("a.pdf", "it is damaged"),
    MissingExtra("ray", "ray", "indexing on a Ray cluster"),
    ParseError("no thought", "a reply"),
    NotWritten("kbs/text", OSError(28, "No space left on device")),
    EmbedderMismatch("text", "minilm:", "e5:"),
    BudgetSpent("tokens"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_goes_whole_from_one_process_to_another(error: R1RouterError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))


class FinishedLate(Future[Packet]):
    """A packet that is finished in the moment in which waiting for it ends."""

    def result(self, timeout: float | None = None) -> Packet:
        if timeout is not None:
            self.set_result(Packet(7, (), (), {}))
            raise TimeoutError
        return super().result()


def test_a_packet_that_is_finished_when_waiting_ends_is_taken() -> None:
    assert processes._wait(FinishedLate(), lambda: None).place == 7


def test_workers_end_with_a_run_that_is_killed(tmp_path: Path, docs: Path, words: Path) -> None:
    (words / "hang").touch()
    script = tmp_path / "script.py"
    script.write_text(
        "from r1router.ingest.run import index\n"
        "if __name__ == '__main__':\n"
        f"    index({str(docs)!r}, {str(tmp_path / 'kbs')!r}, embedder='few.words:Words', ocr=False, workers=1)\n"
    )
    paths = os.pathsep.join([str(words.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": paths}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, env=environment, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "hangs\n"
            process.kill()
            process.communicate(timeout=60)  # the worker would hold the other end
        finally:
            (words / "hang").unlink()
            process.kill()


def test_files_given_by_paths_from_here_are_found_by_workers(
    tmp_path: Path, docs: Path, words: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = run(tmp_path, "alone")
    monkeypatch.chdir(tmp_path)
    assert run(Path(), "together", workers=1).kbs == alone.kbs
    assert stored(tmp_path / "together") == stored(tmp_path / "alone")


def test_another_file_may_be_read_in_the_middle_of_a_packet(docs: Path) -> None:
    towns = SourceFile(docs / "towns.jsonl", "towns.jsonl", ("text",))
    oslo = SourceFile(docs / "oslo.md", "oslo.md", ("text",))
    job = Job(0, towns, None, False, frozenset())
    with open_reading_process() as process:
        reader = PacketReader([job], read_packets(job, process, ["text"]), LIMITS, wait_with=lambda: None)
        items = reader.read(towns, as_=None, ocr=False)
        first = [next(items), next(items)]
        other = list(reader.read(oslo, as_=None, ocr=False))
        rest = list(items)
    assert {item.source for item in other if isinstance(item, Record)} == {"oslo.md"}
    met = [item.id for item in [*first, *rest] if isinstance(item, Record)]
    assert met == [f"town-{n}" for n in range(2 * PACKET + 3)]


def test_an_error_on_a_node_comes_in_place_of_its_packet(docs: Path) -> None:
    job = pickle.dumps(Job(0, SourceFile(docs / "oslo.md", "oslo.md", ("text",)), None, False, frozenset()))
    [read] = ray_data._read({"job": job}, kinds=["text"])
    embedder = ray_data._Embedder({"text": Specs("minilmm:")})
    failed = embedder(read)
    assert isinstance(pickle.loads(failed["packet"]), UnknownName)
    assert embedder(failed) == failed


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
    tmp_path: Path, docs: Path, words: Path, cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(20):
        (docs / f"{n}.md").write_text("\n".join(f"# Part {part}\nVillage {n} has {part} wells." for part in range(20)))
    import ray.data

    context = ray.data.DataContext.get_current()
    before = (context.target_max_block_size, context.enable_progress_bars, context.execution_options.preserve_order)
    (words / "fail").touch()
    with pytest.raises(UnknownName, match="unknown embedder 'few'; known: many"):
        run(tmp_path, "together", ray=cluster.address)
    (words / "fail").unlink()
    after = (context.target_max_block_size, context.enable_progress_bars, context.execution_options.preserve_order)
    assert after == before
    alone = run(tmp_path, "alone")
    lost: list[Progress] = []

    def lose_a_node(progress: Progress) -> None:
        if progress.entries and not lost:
            lost.append(progress)
            cluster.remove_node(cluster.second, allow_graceful=False)

    monkeypatch.chdir(tmp_path)  # where the nodes are not
    together = run(Path(), "together", ray=cluster.address, progress=lose_a_node)
    assert lost[0].entries < alone.kbs["text"].added / 2
    assert together.kbs == alone.kbs
    assert together.problems == alone.problems
    assert stored(tmp_path / "together") == stored(tmp_path / "alone")


def test_no_cluster_at_an_address_is_told(tmp_path: Path, docs: Path, words: Path) -> None:
    pytest.importorskip("ray.data", reason="needs r1router[ray]")
    with pytest.raises(R1RouterError, match=r"there is no Ray cluster at 127\.0\.0\.1:9"):
        run(tmp_path, "kbs", ray="127.0.0.1:9")


def test_workers_use_no_more_threads_than_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert [count_cores(processes=n) for n in (1, 3, 16)] == [8, 2, 1]
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert [count_cores(processes=n) for n in (1, 2, 4)] == [3, 3, 2]


def test_a_worker_is_told_what_the_run_was_told(
    tmp_path: Path, docs: Path, words: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    told = tmp_path / "told"
    started = 'Path(__file__).parents[2].joinpath("told").write_text(os.environ["OMP_NUM_THREADS"])\n'
    (words / "words.py").write_text(WORDS + started)
    run(tmp_path, "kbs", workers=1)
    assert told.read_text() == "1"
