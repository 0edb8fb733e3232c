"""Jobs beside the questions: which run at once, which wait, and how they are cancelled and stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from r1router.errors import InputError
from r1router.ingest.isolate import open_reading_process
from r1router.ingest.run import Progress
from r1router.serve.error_responses import Refused
from r1router.serve.metrics import Metrics
from r1router.serve.work.jobs import Job, Jobs, Tell
from serving import call, job_done, live, make_kbs, small_app, until

PROGRESS = Progress("a.txt", 0, 1, 0, 0)


class Gate:
    """Work that begins when its thread does, and ends when it is let."""

    def __init__(self) -> None:
        self.began, self.let = threading.Event(), threading.Event()

    def work(self, tell: Tell) -> dict[str, Any]:
        self.began.set()
        while not self.let.wait(0.005):
            tell(PROGRESS)
        return {"fine": True}


def run(test: Callable[[Jobs], Awaitable[None]], **options: int) -> None:
    async def main() -> None:
        jobs = Jobs(**{"most": 4, "at_once": 4, **options}, metrics=Metrics())
        jobs.start()
        try:
            await test(jobs)
        finally:
            await jobs.stop()

    asyncio.run(main())


async def began(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.began.wait, 10)


async def ended(jobs: Jobs, job: Job) -> dict[str, Any]:
    states = [shown async for shown in jobs.watch(job) if shown]
    return states[-1]


def test_jobs_on_different_knowledge_bases_run_at_once() -> None:
    async def test(jobs: Jobs) -> None:
        text, table = Gate(), Gate()
        first = jobs.submit(text.work, writes=["text"])
        second = jobs.submit(table.work, writes=["table"])
        await began(text)
        await began(table)
        table.let.set()
        assert (await ended(jobs, second))["state"] == "done"
        assert first.state == "running"
        text.let.set()
        assert (await ended(jobs, first))["report"] == {"fine": True}

    run(test)


def test_jobs_on_the_same_knowledge_base_run_in_their_order_and_hold_up_no_other() -> None:
    async def test(jobs: Jobs) -> None:
        gates = [Gate() for _ in range(4)]
        writes = [["text"], ["text", "table"], ["table"], ["image"]]
        made = [jobs.submit(gate.work, writes=names) for gate, names in zip(gates, writes, strict=True)]
        await began(gates[0])
        await began(gates[3])
        assert [job.state for job in made] == ["running", "queued", "queued", "running"]
        gates[0].let.set()
        await began(gates[1])
        assert made[2].state == "queued"
        gates[1].let.set()
        await began(gates[2])
        for gate in gates:
            gate.let.set()
        assert [(await ended(jobs, job))["state"] for job in made] == ["done"] * 4

    run(test)


def test_no_more_run_at_once_than_allowed_and_no_more_wait() -> None:
    async def test(jobs: Jobs) -> None:
        gates = [Gate() for _ in range(3)]
        made = [jobs.submit(gate.work, writes=[str(n)]) for n, gate in enumerate(gates)]
        await began(gates[0])
        assert [job.state for job in made] == ["running", "queued", "queued"]
        with pytest.raises(Refused, match="2 jobs are waiting"):
            jobs.submit(Gate().work, writes=[])
        for gate in gates:
            gate.let.set()
        assert [(await ended(jobs, job))["state"] for job in made] == ["done"] * 3

    run(test, at_once=1, most=2)


def test_a_job_that_waits_is_cancelled_at_once_and_one_that_runs_at_its_next_progress() -> None:
    async def test(jobs: Jobs) -> None:
        gate, never = Gate(), Gate()
        running = jobs.submit(gate.work, writes=["text"])
        waiting = jobs.submit(never.work, writes=["text"])
        after = Gate()
        behind = jobs.submit(after.work, writes=["text"])
        await began(gate)
        jobs.cancel(waiting)
        assert waiting.state == "cancelled"
        jobs.cancel(running)
        shown = await ended(jobs, running)
        assert (shown["state"], shown["report"]["error"]["type"]) == ("cancelled", "cancelled")
        await began(after)
        assert not never.began.is_set()
        after.let.set()
        assert (await ended(jobs, behind))["state"] == "done"
        jobs.cancel(behind)
        assert behind.state == "done"

    run(test)


def test_a_server_that_stops_ends_its_jobs_and_says_that_they_can_go_on() -> None:
    async def test(jobs: Jobs) -> None:
        gate = Gate()
        running = jobs.submit(gate.work, writes=["text"])
        waiting = jobs.submit(gate.work, writes=["text"])
        await began(gate)
        await jobs.stop()
        assert [job.state for job in (running, waiting)] == ["failed", "failed"]
        assert "index the files again" in running.report["error"]["message"]
        with pytest.raises(Refused, match="stopping"):
            jobs.submit(gate.work, writes=[])

    run(test)


def test_a_job_is_cancelled_over_http(tmp_path: Any) -> None:
    with live(small_app(make_kbs(tmp_path))) as port:
        files = [("file", f"{n}.txt", f"City {n} is a city.".encode()) for n in range(3)]
        job = call(port, "POST", "/v1/kbs/files", files=files).json["job"]
        assert call(port, "DELETE", f"/v1/jobs/{job}").json["state"] in ("queued", "running", "done", "cancelled")
        assert job_done(port, job)["state"] in ("done", "cancelled")
        assert call(port, "DELETE", f"/v1/jobs/{'0' * 32}").status == 404
        assert call(port, "DELETE", f"/v1/jobs/{job}").json["state"] == job_done(port, job)["state"]


def test_a_server_that_stops_starts_no_job_that_waited() -> None:
    first, second, third = Gate(), Gate(), Gate()

    async def test(jobs: Jobs) -> None:
        jobs.submit(first.work, writes=["text"])
        jobs.submit(second.work, writes=["text", "table"])
        waiting = jobs.submit(third.work, writes=["table"])
        await began(first)
        await jobs.stop()
        assert waiting.state == "failed"

    run(test)
    assert not second.began.is_set()
    assert not third.began.is_set()


def test_a_job_that_does_not_know_yet_where_it_writes_holds_up_no_other_and_is_cancelled() -> None:
    async def test(jobs: Jobs) -> None:
        looking, work = Gate(), Gate()

        def find_writes(tell: Tell) -> list[str]:
            looking.work(tell)
            return ["text"]

        first = jobs.submit(work.work, writes=find_writes)
        await began(looking)
        other = Gate()
        second = jobs.submit(other.work, writes=["text"])
        await began(other)
        looking.let.set()
        await until_known(first)
        assert (first.state, work.began.is_set()) == ("queued", False)
        other.let.set()
        assert (await ended(jobs, second))["state"] == "done"
        await began(work)
        work.let.set()
        assert (await ended(jobs, first))["state"] == "done"
        never = Gate()
        third = jobs.submit(Gate().work, writes=lambda tell: [str(never.work(tell))])
        await began(never)
        jobs.cancel(third)
        assert (await ended(jobs, third))["state"] == "cancelled"

    async def until_known(job: Job) -> None:
        while callable(job.writes):
            await asyncio.sleep(0.005)

    run(test)


def test_what_looking_into_files_raises_is_the_jobs_error() -> None:
    def find_writes(_: Tell) -> list[str]:
        raise InputError("that is no file")

    async def test(jobs: Jobs) -> None:
        shown = await ended(jobs, jobs.submit(Gate().work, writes=find_writes))
        assert (shown["state"], shown["report"]["error"]["message"]) == ("failed", "that is no file")

    run(test)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes are stopped otherwise here")
def test_a_job_is_cancelled_in_the_middle_of_a_file_that_takes_long(tmp_path: Any) -> None:
    with live(small_app(make_kbs(tmp_path))) as port:
        with open_reading_process() as process:
            list(process.look(tmp_path / "docs" / "norway.md", None))  # it lives now
            os.kill(process._child.pid, signal.SIGSTOP)  # type: ignore[union-attr]
        job = call(port, "POST", "/v1/kbs/files", files=[("file", "slow.txt", b"Oslo")], fields={"name": "text"})
        until(lambda: call(port, "GET", f"/v1/jobs/{job.json['job']}").json["state"] == "running")
        assert call(port, "DELETE", f"/v1/jobs/{job.json['job']}").status == 200
        assert job_done(port, job.json["job"])["state"] == "cancelled"
        again = call(port, "POST", "/v1/kbs/files", files=[("file", "slow.txt", b"Oslo")], fields={"name": "text"})
        assert job_done(port, again.json["job"])["state"] == "done"
