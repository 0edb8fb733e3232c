"""Refuses questions while there is no room, before anything of them is read, because hundreds may come at once."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from r1router.serve import error_responses
from r1router.serve.error_responses import Refused
from r1router.serve.work.admission import Admission


class _Route(NamedTuple):
    """What the metrics know a request by that has not come to its route."""

    path: str


class Room:
    """Answers at once what `Admission` would refuse. A refusal by the route itself costs three times as much."""

    def __init__(self, app: ASGIApp, *, admission: Admission, questions: Collection[str]) -> None:
        """`questions`: the paths that questions are sent to."""
        self._app, self._admission, self._questions = app, admission, frozenset(questions)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in self._questions:
            try:
                self._admission.check_room()
            except Refused as refused:
                scope["route"] = _Route(scope["path"])
                await error_responses.make_response(refused)(scope, receive, send)
                return
        await self._app(scope, receive, send)
