"""Reads, cuts and embeds files on a Ray cluster with Ray Data, because a corpus may be too large for one machine.

    files  →  tasks read and cut  →  actors embed  →  in the order of the files, here  →  the one writer

Ray starts the workers, moves what they make, and makes again what is lost with one of its machines. Nodes need
r1router and its embedders installed, and the files at the same paths.
"""

from __future__ import annotations

import logging
import pickle
import socket
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from r1router.errors import MissingExtra, R1RouterError
from r1router.ingest.isolate import choose_limits, open_reading_process
from r1router.ingest.workers.packets import Job, Packet, Specs, embed_packet, read_packets
from r1router.kb.embedding import Embedders
from r1router.types import Kind

Row = dict[str, Any]
REACHED = 10.0
"""Seconds until a cluster counts as not there."""
MOST_BLOCKS = 1_000
"""Parts of the list of files; each file is one, where there are no more."""
BLOCK = 1_000_000
"""Bytes after which what was read of a file goes to an actor: some hundred entries."""
READER = 0.5
"""Of a core. Another number than an embedder's, since Ray Data would join the two, and one actor read a long file."""


def embed(
    jobs: Sequence[Job],
    specs: Mapping[Kind, Specs],
    *,
    address: str,
    workers: int | None,
    wait_with: Callable[[], None],
) -> Generator[Packet, None, None]:
    """As `start_workers` says. `address`: "auto", or "host:6379"; `workers`: most actors that embed."""
    if not jobs:
        return
    with _connect(address) as data:
        pool = data.ActorPoolStrategy(min_size=1, max_size=workers)
        rows = (
            data.from_items(
                [{"job": pickle.dumps(job)} for job in jobs], override_num_blocks=min(len(jobs), MOST_BLOCKS)
            )
            .flat_map(_read, fn_kwargs={"kinds": tuple(specs)}, num_cpus=READER)
            .map(_Embedder, fn_constructor_args=(dict(specs),), compute=pool, num_cpus=1)
        )
        for row in rows.iter_rows():
            packet: Packet | R1RouterError = pickle.loads(row["packet"])
            if isinstance(packet, R1RouterError):
                raise packet
            yield packet
            wait_with()


@contextmanager
def _connect(address: str) -> Iterator[Any]:
    """`ray.data`, connected to the cluster."""
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingExtra("ray", "ray", "indexing on a Ray cluster") from error
    ours = not ray.is_initialized()
    try:
        if ours:
            _reach(address)
            ray.init(address=address, log_to_driver=False, logging_level=logging.WARNING)
    except OSError as error:
        raise R1RouterError(f"there is no Ray cluster at {address}: {error}") from error
    context = ray.data.DataContext.get_current()
    options, size, bars = context.execution_options, context.target_max_block_size, context.enable_progress_bars
    order = options.preserve_order
    options.preserve_order = True
    context.target_max_block_size = BLOCK
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    try:
        yield ray.data
    except ray.exceptions.RayError as error:
        raise R1RouterError(f"Ray gave up; run the same command again, it goes on: {error}") from error
    finally:
        options.preserve_order = order  # as the caller had them
        context.target_max_block_size, context.enable_progress_bars = size, bars
        if ours:
            ray.shutdown()


def _reach(address: str) -> None:
    """Raises `OSError` where nothing listens at HOST:PORT, for which Ray would look for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal() and "/" not in host:
        socket.create_connection((host, int(port)), timeout=REACHED).close()


# ── on the cluster ─────────────────────────────────────────────────────────────────────────────


# What one of our errors says goes the way of a packet, since Ray would wrap it and advise to run again.


def _read(row: Row, *, kinds: Sequence[Kind]) -> Iterator[Row]:
    job: Job = pickle.loads(row["job"])
    try:
        with open_reading_process(choose_limits(job.file.reader)) as process:
            for packet in read_packets(job, process, kinds):
                yield {"packet": pickle.dumps(packet)}
    except R1RouterError as error:
        yield {"packet": pickle.dumps(error)}


class _Embedder:
    """An actor, which opens its embedders once."""

    def __init__(self, specs: Mapping[Kind, Specs]) -> None:
        self._specs, self._embedders = specs, Embedders()

    def __call__(self, row: Row) -> Row:
        packet: Packet | R1RouterError = pickle.loads(row["packet"])
        if isinstance(packet, R1RouterError):
            return row
        try:
            return {"packet": pickle.dumps(embed_packet(packet, self._embedders, self._specs))}
        except R1RouterError as error:
            return {"packet": pickle.dumps(error)}
