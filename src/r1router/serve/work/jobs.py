"""Runs work on the knowledge bases one job at a time in a thread, so that requests need not wait for it."""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import asdict, dataclass, field
from queue import SimpleQueue
from typing import Any, Literal

from r1router.errors import R1RouterError
from r1router.ingest.run import Progress
from r1router.serve.metrics import Metrics
from r1router.serve.problems import Refused, explain, without_paths
from r1router.serve.sse import KEEP_ALIVE

State = Literal["queued", "running", "done", "failed"]
Tell = Callable[[Progress], None]
Work = Callable[[Tell], dict[str, Any]]
"""Does it, tells how far it is, returns the report. Raises `R1RouterError`, or what comes."""

REMEMBERED = 200
"""Jobs that have ended and can still be asked for."""
STOPPING = 10.0
"""Seconds for a run to come to its next batch; a process that ends before it does no harm."""
_log = logging.getLogger(__name__)


class Stopped(R1RouterError):
    """Raised into a run at its next progress, when the server stops."""


@dataclass(slots=True)
class Job:
    id: str
    work: Work = field(repr=False)
    context: Context = field(default_factory=copy_context, repr=False)
    """Of the request that it came with, so that the log shows its id."""
    state: State = "queued"
    progress: Progress | None = None
    report: dict[str, Any] = field(default_factory=dict)
    changes: int = 0

    def shown(self) -> dict[str, Any]:
        progress = asdict(self.progress) if self.progress else {}
        return {"id": self.id, "state": self.state, "progress": progress, "report": self.report}


class Jobs:
    """The queue and its worker. What is written when the server stops stays; indexing again goes on from there."""

    def __init__(self, *, most: int, metrics: Metrics) -> None:
        """`most` wait at a time."""
        self._most, self._metrics = most, metrics
        self._jobs: dict[str, Job] = {}
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._ending = False
        self._stopping = threading.Event()
        self._changed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="r1router-jobs", daemon=True)

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def end(self, seconds: float) -> None:
        """Takes no more jobs, and gives those that there are `seconds` to be done."""
        if not self._ending:
            self._ending = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join, seconds)

    async def stop(self) -> None:
        """A job that still runs ends at its next batch; those that wait fail."""
        self._stopping.set()
        await self.end(STOPPING)

    def submit(self, work: Work) -> Job:
        """Puts it at the end of the queue. Raises `Refused` where the queue is full."""
        if self._ending:
            raise Refused(503, "the server is stopping", retry_after=10)
        if sum(job.state == "queued" for job in self._jobs.values()) >= self._most:
            raise Refused(429, f"{self._most} jobs are waiting already; try again later", retry_after=30)
        job = Job(uuid.uuid4().hex, work)
        self._jobs[job.id] = job
        ended = [id_ for id_, known in self._jobs.items() if known.state in ("done", "failed")]
        for id_ in ended[:-REMEMBERED]:
            del self._jobs[id_]
        self._queue.put(job)
        return job

    def one(self, id_: str) -> Job:
        if id_ not in self._jobs:
            raise Refused(404, "there is no job of this id; jobs are forgotten when the server restarts")
        return self._jobs[id_]

    async def watch(self, job: Job) -> AsyncGenerator[dict[str, Any] | None, None]:
        """The job as it is now and after each change, to its end; None after some seconds without one."""
        seen = -1
        while True:
            changed = self._changed  # looked at before the job is, so that no change is missed
            if job.changes != seen:
                seen = job.changes
                shown = job.shown()
                yield shown
                if shown["state"] in ("done", "failed"):
                    return
                continue
            try:
                await asyncio.wait_for(changed.wait(), KEEP_ALIVE)
            except TimeoutError:
                yield None

    # ── in the worker's thread ─────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        while job := self._queue.get():
            self._work(job)

    def _work(self, job: Job) -> None:
        def tell(progress: Progress) -> None:
            job.progress = progress
            self._tell(job)
            if self._stopping.is_set():
                raise Stopped("the server has stopped; index the files again to go on")

        state: State = "failed"
        try:
            if self._stopping.is_set():
                raise Stopped("the server has stopped before its turn")
            job.state = "running"
            self._tell(job)
            job.report = job.context.run(job.work, tell)
            state = "done"
        except Stopped as error:
            job.report = {"error": {"type": "stopping", "message": str(error)}}
        except Exception as error:  # the worker lives on; what it was is in the log and in words in the report
            refused = explain(error)
            _log.warning("job %s failed: %s", job.id, error)
            job.report = {"error": {"type": refused.type, "message": without_paths(refused.message)}}
        job.work = _done
        job.state = state
        self._metrics.jobs.labels(state).inc()
        self._tell(job)

    def _tell(self, job: Job) -> None:
        job.changes += 1
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop has ended before the job did
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _done(tell: Tell) -> dict[str, Any]:
    raise AssertionError("a job runs once")
