"""Uploads damaged files of every reader to a server, because what is read beside questions must not disturb them.

Each upload has many damaged files of one reader, each under a name that an earlier one had, so that it takes its
place, and a sound file. That must be indexed each time; each damaged one must be read, or be reported in a line; no
process may take more than 1 GB, and /healthz must answer all the while.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

from benchmarks.robust.bombs import MOST_MIB, MOST_MIB_READING, MOST_P99
from benchmarks.robust.files import damage
from benchmarks.robust.rows import Row, is_clear, is_over, show, tell, write_peaks
from benchmarks.robust.samples import list_samples
from benchmarks.robust.server import (
    forget_peak,
    read_cpu_of_children,
    read_peak,
    request,
    start_server,
    upload,
    wait_for_job,
    watch,
)

FILES = 300
"""Damaged files of each reader."""
TOGETHER = 75
"""Files in an upload, beside one that is sound; the server takes a hundred at once."""
PATIENCE = 150.0
"""Seconds until a job must have ended."""


def run(share: float, rng: random.Random, folder: Path) -> Iterator[Row]:
    by_reader: dict[str, dict[str, bytes]] = {}
    for name, (reader, data) in list_samples().items():
        by_reader.setdefault(reader, {})[name] = data
    count = max(4, round(FILES * share))
    tried, survived, reported, slowest = dict.fromkeys(by_reader, 0), 0, 0, 0.0
    peaks = dict.fromkeys(by_reader, 0)
    """MiB of the server while files of each were taken in."""
    with start_server(folder) as (port, process), watch(port, process) as seen:
        for first in range(0, count, TOGETHER):
            for reader, samples in by_reader.items():
                if is_over():
                    break
                files = {
                    _name(reader, name, number): damage(samples[name], rng)
                    for number in range(min(TOGETHER, count - first))
                    for name in [rng.choice(sorted(samples))]
                }
                before = read_cpu_of_children(process)
                forget_peak(process)
                problems, faults = _upload(port, files, f"Tower {reader} {first} is sound.")
                slowest = max(slowest, read_cpu_of_children(process) - before)
                peaks[reader] = max(peaks[reader], read_peak(process))
                tried[reader] += len(files)
                survived += len(files) - min(len(files), len(faults))
                reported += problems
                for fault in faults:
                    tell(reader, fault)
            show(f"uploads: {sum(tried.values())} files, {reported} reported")
    watched = seen[0]
    least, most = min(tried.values()), max(tried.values())
    each = f"{least}" if least == most else f"{least} to {most}"
    note = f"{each} of each; {reported} reported; at most {slowest:.0f} s of CPU an upload; {watched}"
    yield Row(f"damaged files of {len(tried)} readers, uploaded", sum(tried.values()), survived, note)
    yield Row("readers at whose files the server stays below 1 GB", len(peaks), *write_peaks(peaks, MOST_MIB))
    note = f"{watched.fattest_child} MiB"
    yield Row("the reading process stays below 1.1 GB", 1, int(watched.fattest_child < MOST_MIB_READING), note)
    yield Row(f"/healthz p99 below {MOST_P99:g} ms all the while", 1, int(watched.p99 < MOST_P99), watched.health)


def _name(reader: str, name: str, number: int) -> str:
    """Of a pattern such as wiki_[0-9][0-9], with another number."""
    return name.replace("00", f"{number:02}") if "00" in name else f"{reader}{number:02}{name[1:]}"


def _upload(port: int, files: dict[str, bytes], sound: str) -> tuple[int, list[str]]:
    """How many of the files were reported, and what was not survived."""
    status, said = upload(port, {**files, "sound.txt": sound.encode()})
    job = wait_for_job(port, said["job"], PATIENCE) if status == 202 else {"state": f"status {status}: {said}"}
    if job["state"] != "done":
        return 0, [str(job)[:300]] * len(files)
    problems = job["report"]["problems"]
    faults = [f"unclear: {problem}" for problem in problems if not is_clear(problem["reason"])]
    found = json.loads(request(port, "GET", "/v1/kbs/text/entries?source=uploads/sound.txt")[1])
    if [entry["text"].rpartition("\n")[2] for entry in found.get("entries", ())] != [sound]:
        faults.append(f"the sound file is not indexed: {found}")
    return len({problem["path"] for problem in problems if not problem.get("read")}), faults
