"""The campaign that tries to break the software: what it found is kept, whatever goes wrong on its way."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.robust.bombs import make_bombs  # noqa: E402
from benchmarks.robust.page import BEGIN, END, Table, write_page  # noqa: E402
from benchmarks.robust.parts import run_parts  # noqa: E402
from benchmarks.robust.rows import Row, write_peaks  # noqa: E402
from benchmarks.robust.server import forget_peak, read_memory, read_peak, read_peak_of_children  # noqa: E402

from serving import until  # noqa: E402

PAGE = f"# Hard to break\n\n{BEGIN}not run yet\n{END}\nThe rest.\n"


def test_a_table_stands_in_its_place_in_the_order_of_the_parts_whichever_came_first(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    table = Table(["load", "kills"])
    table.add("kills", Row("kills of index", 3, 2, "1 lost"))
    assert table.add("load", Row("requests", 10, 10)) == "| load | requests | 10 | 10 | 0 |  |"
    for said in ("not at its end yet", "3 minutes"):
        write_page(page, table, said)
    before, _, rest = page.read_text().partition(BEGIN)
    written, _, after = rest.partition(END)
    assert (before, after) == ("# Hard to break\n\n", "\nThe rest.\n")
    assert [line.split(" | ")[0] for line in written.splitlines()] == ["| part", "|---|---|---|---|---|---|", "| load",
        "| kills", "", "3 minutes"]  # fmt: skip
    assert table.lost == 1
    assert list(tmp_path.iterdir()) == [page]


def test_a_part_that_fails_or_never_ends_is_a_row_and_the_others_are_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = tmp_path / "benchmarks" / "robust"
    parts.mkdir(parents=True)
    head = "import os, subprocess, sys, time\nfrom benchmarks.robust.rows import Row\n\ndef run(share, rng, folder):\n"
    started = tmp_path / "started"
    (parts / "fails.py").write_text(f"{head}    yield Row('first', 2, 2)\n    raise OSError('no disk')\n")
    (parts / "dies.py").write_text(f"{head}    yield Row('first', 3, 2)\n    os._exit(9)\n")
    (parts / "hangs.py").write_text(
        f"{head}    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"    open({str(started)!r}, 'w').write(str(child.pid))\n    time.sleep(600)\n    yield Row('never', 1, 1)\n"
    )
    (parts / "works.py").write_text(f"{head}    yield Row('all', 4, 4)\n")
    monkeypatch.syspath_prepend(tmp_path)
    names = ["hangs", "fails", "dies", "works"]
    found: dict[str, list[tuple[str, int, int]]] = {name: [] for name in names}
    seconds = {**dict.fromkeys(names, 200.0), "hangs": 10.0}
    for name, row in run_parts(names, 1.0, 1, seconds=seconds, grace=0.0):
        found[name].append((row.what, row.tried, row.survived))
    end = "the part comes to its end"
    assert found["works"] == [("all", 4, 4), (end, 1, 1)]
    assert found["fails"] == [("first", 2, 2), (end, 1, 0)]
    assert found["dies"] == [("first", 3, 2), (end, 1, 0)]
    assert found["hangs"] == [(end, 1, 0)]
    if started.exists():  # else it was ended before
        until(lambda: not _is_running(started.read_text()))


def test_a_campaign_that_is_stopped_leaves_what_it_has_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    command = [sys.executable, "-m", "benchmarks.robust", "files", "--share", "0.05", "--write", str(page)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as campaign:
        assert campaign.stdout
        first = next(line.strip() for line in campaign.stdout if line.startswith("| files "))
        campaign.send_signal(signal.SIGTERM)
        campaign.stdout.read()
    assert campaign.returncode == 130
    written = page.read_text().partition(BEGIN)[2].partition(END)[0]
    assert first.startswith("| files | damaged files of ")
    assert first in written
    assert "stopped before its end" in written


def test_a_bomb_at_which_a_process_passes_its_limit_is_named() -> None:
    assert write_peaks({"a.zip": 3, "b.zip": 1_200, "c.zip": 953}, 953) == (1, "beyond 953 MiB: b.zip 1200, c.zip 953")
    assert write_peaks({"a.zip": 300, "c.zip": 400}, 953) == (2, "MiB at most: c.zip 400, a.zip 300")


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the system keeps no peak of a process")
def test_the_peak_of_a_process_is_seen_after_it_and_begins_anew() -> None:
    work = "import sys; held = b'x' * (200 << 20); del held; print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", work], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        peak, now = read_peak(process.pid), read_memory(process.pid)
        assert peak > 200 > now
        assert read_peak_of_children(os.getpid()) >= peak
        forget_peak(process.pid)
        assert read_peak(process.pid) < 100
        assert process.stdin
        process.stdin.close()
    assert read_peak(process.pid) == 0


def test_a_bomb_that_is_packed_at_once_unpacks_to_all_of_it() -> None:
    bombs = dict(make_bombs())
    assert gzip.decompress(bombs["rows50.csv.gz"]()) == b"1,2\n" * (50 << 18)
    page = bombs["flat50.pdf"]()
    stream = page[page.index(b"/FlateDecode") :].partition(b"stream\n")[2].partition(b"\nendstream")[0]
    assert zlib.decompress(stream) == b" " * (50 << 20)


def _is_running(process: str) -> bool:
    said = subprocess.run(["ps", "-o", "stat=", "-p", process], capture_output=True, text=True, check=False).stdout
    return bool(said.strip()) and not said.startswith("Z")
