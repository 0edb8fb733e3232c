"""Serves each kind of request: the policy replies, knowledge bases search, and a recording replaces both."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from functools import partial

from r1router.drive.batches import Batches, run_in_batches
from r1router.drive.flow import Serve, Served, measure_time
from r1router.drive.record import Recording
from r1router.drive.rerank import rerank_searches
from r1router.errors import QueryError
from r1router.table import TableResult
from r1router.tables import workers
from r1router.tables.view import TableView
from r1router.types import Ask, Compute, Inspect, KnowledgeBase, Policy, Reply, Reranker, Search, TableKnowledgeBase


def serve_with(
    policy: Policy,
    kbs: Mapping[str, KnowledgeBase],
    record: Recording | None = None,
    reranker: Reranker | None = None,
    *,
    where: str = "",
    batches: Batches | None = None,
) -> Serve:
    """What serves the requests of all questions that it is given to, in one event loop.

    A `record` serves what it has already and keeps the rest. What is found for a step is put in the order of the
    `reranker`, where there is one. `where`: the filter that the knowledge bases are under. `batches`: shared with
    other questions.
    """

    def answer(ask: Ask) -> Awaitable[Served[Reply]]:
        return measure_time(policy.reply(ask))

    search = run_in_batches(kbs, batches)
    searched = rerank_searches(search, reranker) if reranker else search
    serve: Serve = {Ask: answer, Search: searched, **serve_tables(kbs)}
    return serve if record is None else {kind: record.keep(kind, server, where=where) for kind, server in serve.items()}


def serve_tables(kbs: Mapping[str, KnowledgeBase]) -> Serve:
    """What looks into tables and runs queries over them, a few at a time (`tables.workers`)."""

    async def inspect(request: Inspect) -> Served[TableView]:
        kb = _with_tables(kbs, request.kb)
        look = partial(kb.inspect, request.id, request.question, joined=request.joined, likely=request.likely)
        return await measure_time(workers.run(look))

    async def compute(request: Compute) -> Served[TableResult]:
        kb = _with_tables(kbs, request.kb)
        return await measure_time(workers.run(lambda: kb.compute(request.id, request.sql, joined=request.joined)))

    return {Inspect: inspect, Compute: compute}


def _with_tables(kbs: Mapping[str, KnowledgeBase], name: str) -> TableKnowledgeBase:
    """The knowledge base, where its tables can be queried. Raises `QueryError` where they cannot."""
    found = kbs.get(name)
    if not isinstance(found, TableKnowledgeBase):
        raise QueryError(f"the tables of {name} cannot be queried")
    return found
