"""Serves /healthz, /readyz and /metrics, so that those who run the server see whether it works."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel

from r1router.serve.error_responses import Refused
from r1router.serve.metrics import CONTENT_TYPE, Metrics
from r1router.serve.work.admission import Admission
from r1router.serve.work.kbs import KnowledgeBases


class Alive(BaseModel):
    status: str = "alive"


class Ready(BaseModel):
    ready: bool
    policy: bool
    """Open, and the server is not stopping."""
    kbs: bool
    """The folder is there and everything in it can be read."""


def router(admission: Admission, knowledge_bases: KnowledgeBases, metrics: Metrics) -> APIRouter:
    routes = APIRouter(tags=["Operation"])

    @routes.get("/healthz", response_model=Alive)
    async def alive() -> Alive:
        """The process answers. Needs no key."""
        return Alive()

    @routes.get("/readyz", response_model=Ready, responses={503: {"model": Ready}})
    async def ready() -> Response:
        """Questions can be asked: the policy is open and the knowledge bases can be read."""
        policy, kbs = admission.is_open, await asyncio.to_thread(knowledge_bases.is_readable)
        state: dict[str, Any] = {"ready": policy and kbs, "policy": policy, "kbs": kbs}
        return JSONResponse(state, 200 if state["ready"] else 503)

    @routes.get(
        "/metrics",
        response_class=PlainTextResponse,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def show_metrics() -> Response:
        """Prometheus' text format; of the whole server, so not for every key."""
        if not knowledge_bases.find_asker().metrics:
            raise Refused(403, "your key may not read the metrics of the server")
        return Response(metrics.write(), headers={"content-type": CONTENT_TYPE})

    return routes
