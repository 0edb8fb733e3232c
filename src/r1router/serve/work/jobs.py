"""Runs work on the knowledge bases in threads, so that requests need not wait for it, nor one job for another.

A knowledge base has one writer, so only jobs that may write to the same one wait for each other, in their order.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from r1router.errors import R1RouterError
from r1router.ingest.run import Progress
from r1router.serve.error_responses import Refused, explain, hide_paths
from r1router.serve.metrics import Metrics
from r1router.serve.sse import KEEP_ALIVE
from r1router.serve.work.askers import EVERYONE, asker

State = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED: frozenset[State] = frozenset({"done", "failed", "cancelled"})
Tell = Callable[[Progress], None]
Work = Callable[[Tell], dict[str, Any]]
"""Does it, tells how far it is, returns the report. Raises `R1RouterError`, or what comes."""
FindWrites = Callable[[Tell], Iterable[str]]
"""Looks which knowledge bases it may write to, where that takes time."""

REMEMBERED = 200
"""Jobs that have ended and can still be asked for."""
STOPPING = 5.0
"""Seconds for the runs that are left to come to their next batch; a process that ends before does no harm."""
_log = logging.getLogger(__name__)


class Stopped(R1RouterError):
    """Raised into a run at its next progress, when it is cancelled or the server stops."""


@dataclass(slots=True, eq=False)
class Job:
    id: str
    owner: str
    """Name of the asker whose it is."""
    work: Work = field(repr=False)
    writes: frozenset[str] | FindWrites = field(repr=False)
    """Names of the knowledge bases that it may write to, or what finds them before its turn comes."""
    context: Context = field(default_factory=copy_context, repr=False)
    """Of the request that it came with, so that the log shows its id."""
    state: State = "queued"
    progress: Progress | None = None
    report: dict[str, Any] = field(default_factory=dict)
    changes: int = 0
    stop: State | None = None
    """What it is to end as at its next progress: cancelled, or failed when the server stops."""

    def describe(self) -> dict[str, Any]:
        """As a client is shown it."""
        progress = asdict(self.progress) if self.progress else {}
        return {"id": self.id, "state": self.state, "progress": progress, "report": self.report}


class Jobs:
    """The jobs of one server. What one has written when it is stopped stays; indexing again goes on from there.

    All but what is under "in a job's thread" is called in the event loop.
    """

    def __init__(self, *, most: int, at_once: int, metrics: Metrics) -> None:
        """`most` wait at a time, `at_once` run."""
        self._most, self._at_once, self._metrics = most, at_once, metrics
        self._jobs: dict[str, Job] = {}
        self._running: set[Job] = set()
        self._ending = False
        self._changed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()

    async def end(self, seconds: float) -> None:
        """Takes no more jobs, and gives those that there are `seconds` to be done."""
        self._ending = True
        until = time.monotonic() + seconds
        while self._unended() and time.monotonic() < until:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), max(0.0, until - time.monotonic()))

    async def stop(self) -> None:
        """Ends the jobs that are left: those that wait at once, those that run at their next batch."""
        self._ending = True
        left = self._unended()
        for job in left:
            job.stop = "failed"  # of all first, since the end of one starts the next
        for job in left:
            self._ask_to_stop(job, "failed")
        await self.end(STOPPING)

    def submit(self, work: Work, *, writes: Iterable[str] | FindWrites) -> Job:
        """Runs it as soon as no earlier job that is left may write to the same knowledge bases.

        Raises `Refused` where too many are waiting.
        """
        if self._ending:
            raise Refused(503, "the server is stopping", retry_after=10)
        if sum(job.state == "queued" for job in self._jobs.values()) >= self._most:
            raise Refused(429, f"{self._most} jobs are waiting already; try again later", retry_after=30)
        job = Job(
            uuid.uuid4().hex, (asker.get() or EVERYONE).name, work, writes if callable(writes) else frozenset(writes)
        )
        self._jobs[job.id] = job
        ended = [id_ for id_, known in self._jobs.items() if known.state in ENDED]
        for id_ in ended[:-REMEMBERED]:
            del self._jobs[id_]
        self._start_next()
        return job

    def check_idle(self, *names: str) -> None:
        """Raises `Refused` while a job is left that may write to one of these knowledge bases."""
        for job in self._unended():
            if callable(job.writes) or job.writes & set(names):
                raise Refused(409, "files are being added or removed there; try again when that is done", retry_after=5)

    def get(self, id_: str) -> Job:
        """Raises `Refused` where there is none of this id, or another asker's."""
        if id_ not in self._jobs or self._jobs[id_].owner != (asker.get() or EVERYONE).name:
            raise Refused(404, "there is no job of this id; jobs are forgotten when the server restarts")
        return self._jobs[id_]

    def cancel(self, job: Job) -> None:
        """Ends it at once where it waits, soon where it runs; one that has ended stays as it is."""
        if job.state not in ENDED:
            self._ask_to_stop(job, "cancelled")

    async def watch(self, job: Job) -> AsyncGenerator[dict[str, Any] | None, None]:
        """The job as it is now and after each change, to its end; None after some seconds without one."""
        seen = -1
        while True:
            changed = self._changed  # looked at before the job is, so that no change is missed
            if job.changes != seen:
                seen = job.changes
                described = job.describe()
                yield described
                if described["state"] in ENDED:
                    return
                continue
            try:
                await asyncio.wait_for(changed.wait(), KEEP_ALIVE)
            except TimeoutError:
                yield None

    # ── which runs next ────────────────────────────────────────────────────────────────────────

    def _unended(self) -> list[Job]:
        return [job for job in self._jobs.values() if job.state not in ENDED]

    def _start_next(self) -> None:
        taken = {name for job in self._running for name in _known_writes(job)}
        for job in [job for job in self._unended() if job not in self._running]:
            writes = _known_writes(job)
            if len(self._running) < self._at_once and not writes & taken and not job.stop:
                self._running.add(job)
                begin: Callable[[Job], None] = self._find_writes
                if not callable(job.writes):
                    begin, job.state = self._run, "running"
                    self._note(job)
                threading.Thread(target=begin, args=(job,), name=f"r1router-job-{job.id[:8]}", daemon=True).start()
            taken |= writes  # those behind it in the queue wait for it

    def _wait_again(self, job: Job, writes: frozenset[str]) -> None:
        """It is known now which knowledge bases a job may write to."""
        self._running.discard(job)
        job.writes = writes
        if job.stop:
            self._finish(job, job.stop, _stopped_report(job.stop))
        else:
            self._start_next()

    def _ask_to_stop(self, job: Job, state: State) -> None:
        job.stop = state
        if job not in self._running:
            self._finish(job, state, _stopped_report(state))

    def _finish(self, job: Job, state: State, report: dict[str, Any]) -> None:
        self._running.discard(job)
        job.report, job.state, job.work = report, state, _run_twice
        self._metrics.jobs.labels(state).inc()
        self._note(job)
        self._start_next()

    def _note(self, job: Job) -> None:
        """Wakes those who watch."""
        job.changes += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    # ── in a job's thread ──────────────────────────────────────────────────────────────────────

    def _find_writes(self, job: Job) -> None:
        assert callable(job.writes)
        try:
            writes = frozenset(job.context.run(job.writes, self._teller(job)))
        except Exception as error:
            self._call(self._finish, job, *_describe_end(job, error))
        else:
            self._call(self._wait_again, job, writes)

    def _run(self, job: Job) -> None:
        try:
            report = job.context.run(job.work, self._teller(job))
        except Exception as error:
            self._call(self._finish, job, *_describe_end(job, error))
        else:
            self._call(self._finish, job, "done", report)

    def _teller(self, job: Job) -> Tell:
        def tell(progress: Progress) -> None:
            if progress != job.progress:  # the same comes again while a file takes long
                job.progress = progress
                self._call(self._note, job)
            if job.stop:
                raise Stopped("stopped")

        return tell

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop has ended before the job did
            self._loop.call_soon_threadsafe(function, *arguments)


def _known_writes(job: Job) -> frozenset[str]:
    return frozenset() if callable(job.writes) else job.writes


def _describe_end(job: Job, error: Exception) -> tuple[State, dict[str, Any]]:
    """What a job ends as that raised this."""
    if isinstance(error, Stopped):
        state = job.stop or "failed"
        return state, _stopped_report(state)
    refused = explain(error)  # what it was is in the log, and in words in the report
    _log.warning("job %s failed: %s", job.id, error)
    return "failed", {"error": {"type": refused.type, "message": hide_paths(refused.message)}}


def _stopped_report(state: State) -> dict[str, Any]:
    if state == "cancelled":
        message = "cancelled; what had been indexed by then stays"
    else:
        message = "the server has stopped; index the files again to go on"
    return {"error": {"type": "cancelled" if state == "cancelled" else "stopping", "message": message}}


def _run_twice(tell: Tell) -> dict[str, Any]:
    raise AssertionError("a job runs once")
