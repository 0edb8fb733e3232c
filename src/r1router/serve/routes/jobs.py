"""Serves /v1/jobs: shows where a job is, once or as a stream, and cancels it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from r1router.serve import sse
from r1router.serve.work.jobs import Jobs, State


class ProgressInfo(BaseModel):
    source: str = ""
    files: int = 0
    of_files: int = 0
    entries: int = 0
    written: int = 0


class JobInfo(BaseModel):
    id: str
    state: State
    progress: ProgressInfo | dict[str, Any]
    report: dict[str, Any]


def router(jobs: Jobs) -> APIRouter:
    routes = APIRouter(tags=["Knowledge bases", "Jobs"])

    @routes.get("/v1/jobs/{id}", response_model=JobInfo)
    async def show_job(id: str) -> dict[str, Any]:
        """Where a job is."""
        return jobs.get(id).describe()

    @routes.delete("/v1/jobs/{id}", response_model=JobInfo)
    async def cancel_job(id: str) -> dict[str, Any]:
        """Cancels a job: at once where it waits, soon where it runs. What it had indexed by then stays."""
        job = jobs.get(id)
        jobs.cancel(job)
        return job.describe()

    @routes.get(
        "/v1/jobs/{id}/events",
        status_code=200,
        response_class=sse.EventStream,
        responses={200: {"content": sse.DOCUMENT}},
    )
    async def watch_job(id: str) -> sse.EventStream:
        """The job after each change, as server-sent events named `job`, until it is done, failed or cancelled."""
        job = jobs.get(id)

        async def chunks() -> AsyncGenerator[bytes, None]:
            async for shown in jobs.watch(job):
                yield sse.write_event("job", shown) if shown else sse.COMMENT

        return sse.EventStream(chunks())

    return routes
