"""Reads, cuts and embeds files in several workers at once, because embedding is most of what indexing costs.

packets.py      what workers are given and give back, and how the run reads it; the one writer stays where it is
processes.py    workers are processes of this machine
ray_data.py     workers are tasks and actors of a Ray cluster
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence

from r1router.ingest.workers import processes, ray_data
from r1router.ingest.workers.packets import Job, Packet, Reading, Specs
from r1router.types import Kind


def start_workers(
    jobs: Sequence[Job],
    reading: Reading,
    specs: Mapping[Kind, Specs],
    *,
    workers: int | None,
    ray: str | None,
    wait_with: Callable[[], None],
) -> Generator[Packet, None, None]:
    """The packets of all jobs, in order, embedded: on the Ray cluster at this address, or by processes.

    `wait_with` is called again and again while packets are waited for; with Ray, after each packet. Closing the
    generator ends the workers.

    Raises `MissingExtra`, `R1RouterError` where workers are lost for good.
    """
    if ray is not None:
        return ray_data.embed(jobs, specs, address=ray, workers=workers, wait_with=wait_with)
    return processes.embed(jobs, reading, specs, workers=workers or 1, wait_with=wait_with)
