"""Says who serves each kind of request: the policy answers, the knowledge bases are searched, a record spares both."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping

from r1router.drive.batches import in_batches
from r1router.drive.flow import Serve, Served, timed
from r1router.drive.record import Record
from r1router.types import Ask, KnowledgeBase, Policy, Reply, Search


def serve_with(policy: Policy, kbs: Mapping[str, KnowledgeBase], record: Record | None = None) -> Serve:
    """What serves the requests of all questions that it is given to, in one event loop.

    A `record` serves what it has already and keeps the rest.
    """

    def answer(ask: Ask) -> Awaitable[Served[Reply]]:
        return timed(policy.reply(ask))

    serve: Serve = {Ask: answer, Search: in_batches(kbs)}
    return serve if record is None else {kind: record.keep(kind, server) for kind, server in serve.items()}
