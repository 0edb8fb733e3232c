"""Builds the HTTP application from its routes, middleware and work, because their order matters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware.cors import CORSMiddleware

import r1router
from r1router.api import Setup, open_policy_of
from r1router.serve import error_responses, telemetry
from r1router.serve.error_responses import ErrorResponse
from r1router.serve.limits import Limits
from r1router.serve.metrics import Metrics
from r1router.serve.middleware.access import LOOPBACK, Access
from r1router.serve.middleware.body_limit import BodyLimit
from r1router.serve.middleware.request_log import RequestLog
from r1router.serve.middleware.room import Room
from r1router.serve.routes import about, answers, ask, changes, chat_completions, docs, files, health, kbs, page
from r1router.serve.routes import jobs as job_routes
from r1router.serve.work.answers import Answers
from r1router.serve.work.askers import Keys
from r1router.serve.work.build import build
from r1router.serve.work.jobs import Jobs
from r1router.types import ImageEmbedder, TextEmbedder

DESCRIPTION = (
    "Questions over several knowledge bases, answered in steps: each step chooses the knowledge base to search."
)


def create_app(
    setup: Setup,
    *,
    key: str = "",
    keys: Keys | None = None,
    hosts: Collection[str] = LOOPBACK,
    origins: Collection[str] = (),
    limits: Limits | None = None,
    read_only: bool = False,
    keep_hours: float = 0.0,
    text_embedder: TextEmbedder | None = None,
    image_embedder: ImageEmbedder | None = None,
    tracer: telemetry.Tracer | None = None,
) -> FastAPI:
    """The application that answers questions as `setup` says, unless a client says otherwise.

    The folder of its knowledge bases may be empty at first. Its policy is opened when the app starts, where it is a
    spec, and closed when it stops. `key`, where given, is wanted from everyone for everything but the page and
    /healthz; `keys` in its place give each asker what theirs may see. `hosts` are the names in the Host header that
    are served, empty for any; `origins` the other web pages that may ask. `read_only` takes no uploads. Answers
    are kept for `keep_hours`. Raises `InputError` for a method or prompts that are none.
    """
    limits = limits or Limits()
    read_only = read_only or bool(setup.where)  # who sees only a part could replace what it does not see
    metrics = Metrics()
    knowledge_bases, admission, questions = build(
        setup,
        limits=limits,
        metrics=metrics,
        guarded=keys is not None,
        read_only=read_only,
        text_embedder=text_embedder,
        image_embedder=image_embedder,
        tracer=tracer,
    )
    jobs = Jobs(most=limits.jobs, at_once=limits.jobs_at_once, metrics=metrics)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        opened = await asyncio.to_thread(open_policy_of, setup)
        questions.open(opened)
        jobs.start()
        try:
            yield
        finally:
            await admission.end(0)
            await jobs.stop()
            await opened.close()

    app = FastAPI(
        title="r1router",
        version=r1router.__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # FastAPI's own page loads its parts from elsewhere
        redoc_url=None,
        responses={"4XX": {"model": ErrorResponse}, "5XX": {"model": ErrorResponse}},
    )
    app.state.knowledge_bases, app.state.admission, app.state.jobs = knowledge_bases, admission, jobs
    page_routes = page.make_routes()
    kept_answers = Answers(knowledge_bases.catalog.folder, hours=keep_hours)
    app.include_router(ask.router(questions, admission, kept_answers))
    app.include_router(answers.router(kept_answers))
    app.include_router(about.router(questions, knowledge_bases))
    app.include_router(chat_completions.router(questions, admission))
    app.include_router(kbs.router(knowledge_bases, admission, limits=limits))
    app.include_router(files.router(knowledge_bases, jobs, text_embedder=text_embedder, image_embedder=image_embedder))
    app.include_router(
        changes.router(knowledge_bases, jobs, text_embedder=text_embedder, image_embedder=image_embedder)
    )
    app.include_router(job_routes.router(jobs))
    app.include_router(health.router(admission, knowledge_bases, metrics))
    app.include_router(docs.router(app))
    app.routes.extend(page_routes)
    app.openapi = lambda: _document(app, with_key=bool(key or keys))  # type: ignore[method-assign]
    error_responses.handle_all(app)

    # The last one added is the first one that a request meets.
    app.add_middleware(BodyLimit, limits=limits, uploads=files.UPLOADS)
    app.add_middleware(Room, admission=admission, questions=("/v1/ask", "/v1/chat/completions"))
    open_paths = {"/healthz", *(route.path for route in page_routes)}
    app.add_middleware(Access, key=key, keys=keys, open_paths=open_paths, hosts=hosts, origins=origins)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-Request-Id"],
            expose_headers=["X-Request-Id", "Retry-After"],
        )
    app.add_middleware(RequestLog, metrics=metrics)
    return app


def _document(app: FastAPI, *, with_key: bool) -> dict[str, Any]:
    """The OpenAPI document; with the key in it where one is needed."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        refused = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}}
        for methods in document["paths"].values():
            for operation in methods.values():
                for status in ("4XX", "5XX"):  # in this form also where the response is something else
                    operation["responses"][status]["content"] = refused
        if with_key:
            document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            document["security"] = [{"key": []}]
            document["paths"]["/healthz"]["get"]["security"] = []
        app.openapi_schema = document
    return app.openapi_schema
