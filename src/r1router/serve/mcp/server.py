"""Serves the knowledge bases over the Model Context Protocol: three tools, and evidence to read.

Over stdio for a client that starts it, over HTTP (run in `run_http`) for those that connect. What may be asked, for
how long and by how many at once is as in the other server: the same checks and limits.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Annotated, Any, TypeVar

import anyio
import uvicorn
from mcp import types
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette

import r1router
from r1router.api import Setup, open_policy_of
from r1router.kb.stored import StoredKnowledgeBase
from r1router.methods import names as method_names
from r1router.serve import error_responses, logs, telemetry
from r1router.serve.error_responses import Refused
from r1router.serve.limits import MOST_QUESTION, MOST_RESULTS, Limits
from r1router.serve.mcp import results
from r1router.serve.metrics import Metrics
from r1router.serve.middleware.access import Access
from r1router.serve.middleware.body_limit import BodyLimit
from r1router.serve.middleware.request_log import RequestLog
from r1router.serve.routes import chat_messages
from r1router.serve.work.askers import Keys, asker
from r1router.serve.work.build import Work, build
from r1router.serve.work.options import Options, Where
from r1router.tables import workers
from r1router.tables.check import LONGEST
from r1router.types import Finished, ImageEmbedder, Policy, Query, TextEmbedder, Trajectory

PATH = "/mcp"
_INSTRUCTIONS = (
    "Answers questions from the user's own knowledge bases of text, pictures and tables. `ask` works in steps and "
    "cites its sources; `search` looks into one knowledge base. Sources can be read in full as resources."
)
_READ_ONLY = types.ToolAnnotations(read_only_hint=True, open_world_hint=False)
_log = logging.getLogger(__name__)

Context = ServerRequestContext[Any]
Page = types.PaginatedRequestParams | None
T = TypeVar("T")


class AskArguments(Options):
    model_config = ConfigDict(extra="forbid")
    question: Annotated[str, Field(min_length=1, max_length=MOST_QUESTION)]
    image: str | None = Field(None, description="A picture that the question is about, as data URL.")
    method: str | None = Field(None, description=f"How to answer: one of {', '.join(method_names())}.")


class SearchArguments(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kb: str = Field(description="Name of the knowledge base.")
    query: Annotated[str, Field(min_length=1, max_length=MOST_QUESTION, pattern=r"\S")]
    k: Annotated[int, Field(ge=1, le=MOST_RESULTS, description="Entries to return.")] = 5
    where: Where = None


class QueryArguments(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kb: str = Field(description="Name of a knowledge base of tables.")
    sql: Annotated[
        str,
        Field(min_length=1, max_length=LONGEST, description="One SELECT. The table is t; its columns as in its header"),
    ]
    table: str | None = Field(None, description="Title of the table, where there are several.")


class _Handlers:
    """Answers what a client asks for: tools and resources."""

    def __init__(self, setup: Setup, work: Work) -> None:
        self._setup = setup
        self._knowledge_bases, self._admission, self._questions = work
        self._opening: asyncio.Task[Policy] | None = None

    @asynccontextmanager
    async def open(self, _: Server[Any]) -> AsyncIterator[None]:
        """A policy given as a spec is opened beside the first requests: a client does not wait minutes for a model
        before it may ask what tools there are."""
        self._opening = asyncio.create_task(self._open())
        self._opening.add_done_callback(_tell)
        try:
            yield
        finally:
            await self._admission.end(0)
            if self._opening.done() and not self._opening.exception():
                await self._opening.result().close()
            else:
                self._opening.cancel()

    async def _open(self) -> Policy:
        opened = await asyncio.to_thread(open_policy_of, self._setup)
        self._questions.open(opened)
        return opened

    # ── tools ──────────────────────────────────────────────────────────────────────────────────

    async def list_tools(self, context: Context, __: Page) -> types.ListToolsResult:
        """The names of the knowledge bases are told with them, what these hold is not: it may quote documents, and
        a model takes what is said about tools for instructions."""
        _recognise(context)
        there = await asyncio.to_thread(self._knowledge_bases.open_all)
        names = ", ".join(f"{name} ({kb.card.kind})" for name, kb in there.items()) or "none yet"
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name="ask",
                    title="Ask the knowledge bases",
                    description="Answer a question step by step: each step searches the knowledge base that fits it. "
                    f"Gives the answer, the steps and numbered sources. Knowledge bases: {names}.",
                    input_schema=AskArguments.model_json_schema(),
                    output_schema=results.AskResult.model_json_schema(),
                    annotations=_READ_ONLY,
                ),
                types.Tool(
                    name="search",
                    title="Search a knowledge base",
                    description=f"The best entries of one knowledge base for some words. Knowledge bases: {names}.",
                    input_schema=SearchArguments.model_json_schema(),
                    output_schema=results.SearchResult.model_json_schema(),
                    annotations=_READ_ONLY,
                ),
                types.Tool(
                    name="query",
                    title="Query a table",
                    description="Count, sum, sort or compare all rows of a table with SQL; `search` shows only some. "
                    f"A search shows the names of its columns. Knowledge bases: {names}.",
                    input_schema=QueryArguments.model_json_schema(),
                    output_schema=results.SourceQuery.model_json_schema(),
                    annotations=_READ_ONLY,
                ),
            ]
        )

    async def call_tool(self, context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        """What goes wrong is told to the model, in the result, so that it can ask better."""
        _recognise(context)
        tools: dict[str, Callable[[Context, dict[str, Any]], Awaitable[types.CallToolResult]]]
        tools = {"ask": self._ask, "search": self._search, "query": self._query}
        if params.name not in tools:
            raise MCPError(types.INVALID_PARAMS, f"there is no such tool; there are: {', '.join(tools)}")
        with _logged(params.name):
            try:
                return await tools[params.name](context, params.arguments or {})
            except ValidationError as error:
                text = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
            except Exception as error:
                text = error_responses.explain(error).message
            return types.CallToolResult(content=[types.TextContent(text=text)], is_error=True)

    async def _ask(self, context: Context, arguments: dict[str, Any]) -> types.CallToolResult:
        asked = AskArguments.model_validate(arguments)
        trajectory = await _in_a_task_of_its_own(self._trajectory(context, asked))
        result = results.make_ask_result(trajectory)
        return _result(results.write_ask(result), result)

    async def _trajectory(self, context: Context, asked: AskArguments) -> Trajectory:
        progress = 0.0
        assert self._opening is not None
        if not self._opening.done():
            await context.session.report_progress(progress, message="Opening the model")
        await asyncio.shield(self._opening)
        with self._admission.admit():
            checked = await self._questions.check(asked.question, asked.image, asked.method, asked)
            async with aclosing(self._questions.answer(checked)) as events:
                async for event in events:
                    if isinstance(event, Finished):
                        return event.trajectory
                    if event is not None:
                        progress += 1
                        await context.session.report_progress(
                            progress, message=chat_messages.write_reasoning(event).strip()
                        )
        raise AssertionError("a driver's last event is Finished")

    async def _search(self, _: Context, arguments: dict[str, Any]) -> types.CallToolResult:
        asked = SearchArguments.model_validate(arguments)
        await asyncio.to_thread(self._knowledge_bases.select, [asked.kb])  # says which there are
        kb = await asyncio.to_thread(self._knowledge_bases.get, asked.kb, asked.where)
        [found] = await asyncio.to_thread(kb.search, [Query(asked.query)], k=asked.k)
        result = results.make_search_result(found)
        return _result(results.write_search(result), result)

    async def _query(self, _: Context, arguments: dict[str, Any]) -> types.CallToolResult:
        asked = QueryArguments.model_validate(arguments)
        [kb] = (await asyncio.to_thread(self._knowledge_bases.select, [asked.kb])).values()
        with self._admission.admit():
            table = await asyncio.to_thread(kb.tables.find, asked.table)
            found = await workers.run(lambda: kb.tables.compute(table.id, asked.sql, joined=True))
        result = results.make_query_result(found)
        return _result(results.write_query(result), result)

    # ── resources ──────────────────────────────────────────────────────────────────────────────

    async def list_resources(self, _: Context, __: Page) -> types.ListResourcesResult:
        about = "Name, kind and contents of each knowledge base, as JSON."
        kbs = types.Resource(
            uri=results.KBS, name="kbs", title="Knowledge bases", description=about, mime_type="application/json"
        )
        return types.ListResourcesResult(resources=[kbs])

    async def list_templates(self, _: Context, __: Page) -> types.ListResourceTemplatesResult:
        about = "A piece of evidence as it was indexed, with its picture where it is one. The tools give the URIs."
        evidence = types.ResourceTemplate(
            uri_template=results.EVIDENCE, name="evidence", title="Evidence", description=about
        )
        return types.ListResourceTemplatesResult(resource_templates=[evidence])

    async def read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        _recognise(context)
        with _logged("read"):
            try:
                return types.ReadResourceResult(contents=await asyncio.to_thread(self._contents, str(params.uri)))
            except Exception as error:
                refused = error_responses.explain(error)
                code = types.INVALID_PARAMS if refused.status_code < 500 else types.INTERNAL_ERROR
                raise MCPError(code, refused.message, {"uri": str(params.uri)}) from None

    def _contents(self, uri: str) -> list[types.TextResourceContents | types.BlobResourceContents]:
        if uri.rstrip("/") == results.KBS:
            text = json.dumps(
                {"kbs": [_card(kb) for kb in self._knowledge_bases.open_all().values()]}, ensure_ascii=False
            )
            return [types.TextResourceContents(uri=uri, mime_type="application/json", text=text)]
        named = results.parse_uri(uri)
        if named is None:
            raise Refused(404, f"there is no such resource; there are {results.KBS} and {results.EVIDENCE}")
        evidence = self._knowledge_bases.get(named[0]).entry(named[1])
        if evidence is None:
            raise Refused(404, "this knowledge base has no entry of this id; it may have been indexed anew")
        contents: list[types.TextResourceContents | types.BlobResourceContents] = [
            types.TextResourceContents(uri=uri, mime_type="text/plain", text=evidence.text)
        ]
        if (table := results.write_table(evidence)) is not None:
            text = table.model_dump_json()
            contents.append(types.TextResourceContents(uri=uri, mime_type="application/json", text=text))
        if evidence.image:
            picture = self._knowledge_bases.get(named[0]).open_picture(evidence.image)
            blob = base64.b64encode(picture.data).decode()
            contents.append(types.BlobResourceContents(uri=uri, mime_type=picture.media_type, blob=blob))
        return contents


def create_server(
    setup: Setup,
    *,
    limits: Limits | None = None,
    guarded: bool = False,
    text_embedder: TextEmbedder | None = None,
    image_embedder: ImageEmbedder | None = None,
) -> Server[Any]:
    """The server that answers questions as `setup` says; it closes the policy when it ends.

    `guarded`: there is a file of keys, and every request is one of them; see `build_http_app`.

    Raises `InputError` for a method or prompts that are none.
    """
    limits, metrics = limits or Limits(), Metrics()
    work = build(
        setup,
        limits=limits,
        metrics=metrics,
        guarded=guarded,
        text_embedder=text_embedder,
        image_embedder=image_embedder,
        tracer=telemetry.open_tracer(),
    )
    handlers = _Handlers(setup, work)
    return Server(
        "r1router",
        version=r1router.__version__,
        instructions=_INSTRUCTIONS,
        lifespan=handlers.open,
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_templates,
        on_read_resource=handlers.read_resource,
    )


def run_stdio(server: Server[Any]) -> None:
    """Serves the client at the other end of stdin and stdout until it hangs up. While it does, anything else that
    writes to stdout, the model's library too, writes to stderr."""

    async def serve() -> None:
        async with stdio_server() as (received, sent):
            await server.run(received, sent, server.create_initialization_options())

    anyio.run(serve)


def build_http_app(
    server: Server[Any], *, key: str, keys: Keys | None = None, hosts: Collection[str], limits: Limits | None = None
) -> Starlette:
    """Streamable HTTP at `PATH`, behind the same access checks as the other server."""
    limits = limits or Limits()
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        max_request_body_size=limits.body_bytes,
        max_sessions=limits.sessions,
        session_idle_timeout=limits.session_seconds,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),  # `Access` does it
    )
    app.add_middleware(BodyLimit, limits=limits, uploads="")
    app.add_middleware(Access, key=key, keys=keys, open_paths=(), hosts=hosts, origins=())
    app.add_middleware(RequestLog, metrics=Metrics())
    return app


def run_http(app: Starlette, *, host: str, port: int) -> None:
    """Serves until SIGINT or SIGTERM."""
    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, server_header=False, proxy_headers=False,
        ws="none", timeout_graceful_shutdown=5,
    )  # fmt: skip
    uvicorn.Server(config).run()


def _result(text: str, result: BaseModel) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=text)], structured_content=result.model_dump())


def _card(kb: StoredKnowledgeBase) -> dict[str, Any]:
    return {
        "name": kb.card.name,
        "kind": kb.card.kind,
        "holds": kb.card.holds,
        "details": kb.card.details,
        "entries": len(kb),
    }


def _recognise(context: Context) -> None:
    """Makes who sent this very request its asker: a session may outlast a key, and its id may come to another one."""
    asker.set(context.request.scope.get("asker") if context.request is not None else None)


def _tell(opening: asyncio.Task[Policy]) -> None:
    if not opening.cancelled() and (error := opening.exception()):
        _log.error("the policy could not be opened: %s", error)


@contextmanager
def _logged(what: str) -> Iterator[None]:
    """One line for each request, with an id that the lines between carry too."""
    token = logs.request_id.set(logs.request_id.get() or logs.make_request_id(None))
    began = time.perf_counter()
    try:
        yield
    finally:
        _log.info("%s in %.3f s", what, time.perf_counter() - began)
        logs.request_id.reset(token)


async def _in_a_task_of_its_own(work: Coroutine[Any, Any, T]) -> T:
    """Its result. When the client calls it off, it is cancelled once and may clean up: a scope of anyio, in which
    requests run, would cancel each await of its `finally` too."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    finally:
        if not task.done():
            task.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.wait({task})
