"""Embeds packets in processes of this machine, because one process does not keep all cores busy.

Files are read by the one process that reads them anyway (`ingest/isolate.py`), which is ahead of the embedding. Each
worker has its share of the cores.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from r1router.embedders._onnx import count_cores
from r1router.errors import R1RouterError
from r1router.ingest.workers.packets import Job, Packet, Reading, Specs, embed_packet, read_packets
from r1router.kb.embedding import Embedders
from r1router.types import Kind

AHEAD = 4
"""Packets that wait for each worker, so that it has work while the run writes."""
GLANCE = 0.1
"""Seconds between two looks at a packet that is waited for."""

_specs: Mapping[Kind, Specs] = {}
_embedders = Embedders()


def embed(
    jobs: Sequence[Job],
    reading: Reading,
    specs: Mapping[Kind, Specs],
    *,
    workers: int,
    wait_with: Callable[[], None],
) -> Generator[Packet, None, None]:
    """As `start_workers` says."""
    if not jobs:
        return
    threads = count_cores(processes=workers)
    context = multiprocessing.get_context("spawn")  # a fork would take over locks of threads that it has not
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(specs, threads))
    waiting: deque[Future[Packet]] = deque()
    try:
        for job in jobs:
            for packet in read_packets(job, reading, specs):
                waiting.append(pool.submit(_embed, packet))
                if len(waiting) >= AHEAD * workers:
                    yield _wait(waiting.popleft(), wait_with)
        while waiting:
            yield _wait(waiting.popleft(), wait_with)
    except BrokenProcessPool as error:
        said = "a worker was ended from outside, perhaps for want of memory; run the same command again, it goes on"
        raise R1RouterError(said) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _wait(packet: Future[Packet], wait_with: Callable[[], None]) -> Packet:
    while True:
        try:
            return packet.result(GLANCE)
        except TimeoutError:
            if packet.done():  # just now, or the error is the worker's own
                return packet.result()
            wait_with()


# ── in a worker ────────────────────────────────────────────────────────────────────────────────


def _start(specs: Mapping[Kind, Specs], threads: int) -> None:
    global _specs
    _specs = specs
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run decides
    threading.Thread(target=_end_with_run, daemon=True).start()
    os.environ["OMP_NUM_THREADS"] = str(threads)


def _end_with_run() -> None:
    """Ends this process when that of the run is gone, also where it was killed."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(0)


def _embed(packet: Packet) -> Packet:
    return embed_packet(packet, _embedders, _specs)
