"""Serves /v1/ask: answers a question with the events of its steps as they happen, or with its trajectory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from r1router.codec import to_dict, to_json
from r1router.conversation import keep_last
from r1router.methods import names as method_names
from r1router.serve import error_responses, logs, sse
from r1router.serve.limits import MOST_QUESTION, MOST_TURNS
from r1router.serve.work import pictures
from r1router.serve.work.admission import Admission
from r1router.serve.work.answers import Answers
from r1router.serve.work.model import describe_model
from r1router.serve.work.options import Options
from r1router.serve.work.questions import Checked, Questions, Waiting
from r1router.types import Finished, Trajectory, Turn

_PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
_STREAM = """event: started
data: {"request_id": "…", "method": "r1_router", "kbs": [{"name": "text", "kind": "text", "holds": "12 passages"}]}

event: planned
data: {"index": 0, "step": {"thought": "…", "sub_question": "…", "routes": ["text"], "probabilities": {"text": 0.9}}}

event: retrieved
data: {"index": 0, "step": {"…": "…", "evidence": [{"kb": "text", "id": "…", "text": "…", "score": 0.03}]}}

event: answered
data: {"index": 0, "step": {"…": "…", "answer": "Oslo"}}

event: finished
data: {"trajectory": {"question": {"text": "…"}, "steps": [], "answer": {"text": "Oslo"}, "stop": "enough"}}
"""


class Said(BaseModel):
    """One message of the conversation that a question goes on with."""

    model_config = ConfigDict(extra="forbid")
    role: Literal["user", "assistant"]
    text: Annotated[str, Field(max_length=MOST_QUESTION)]


class AskRequest(Options):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"question": "What is the capital of Norway?"},
                {
                    "question": "How many people live in the country of this flag?",
                    "image": _PIXEL,
                    "method": "r1_router",
                    "max_steps": 3,
                    "k": 5,
                    "budget": {"tokens": 20000, "seconds": 60, "retrievals": 6},
                    "stream": False,
                },
            ]
        },
    )
    question: Annotated[str, Field(min_length=1, max_length=MOST_QUESTION)]
    image: str | None = Field(None, description="A picture as a data URL.")
    method: str | None = Field(None, description=f"One of {', '.join(method_names())}.")
    turns: Annotated[list[Said], Field(max_length=MOST_TURNS)] = Field(
        [], description="What was said before, oldest first: a follow-up question is made to stand alone with it."
    )
    stream: bool = True


def router(questions: Questions, admission: Admission, answers: Answers) -> APIRouter:
    routes = APIRouter(tags=["Questions"])

    @routes.post(
        "/v1/ask",
        response_class=Response,
        responses={
            200: {
                "model": Trajectory,
                "description": "Server-sent events, or with `stream: false` the trajectory.",
                "content": {"text/event-stream": {**sse.DOCUMENT["text/event-stream"], "example": _STREAM}},
            }
        },
    )
    async def ask(asked: AskRequest, request: Request) -> Response:
        """Answers a question step by step.

        The events are `started`, then `waiting` with how many were asked before and are in work, where there are any,
        for a question with `turns` `rewritten`, then for each step `planned`, `retrieved` and `answered`, then
        `finished` with the whole trajectory, and `kept` with the id of the answer where the server keeps it;
        `malformed` tells of a reply of the model that is asked for again, and `error` ends a stream that failed.
        Lines that begin with a colon keep the connection alive. Leaving ends the work.
        """
        if asked.stream:
            return sse.EventStream(_events(asked))
        trajectory = await sse.run_while_connected(request.receive, _trajectory(asked))
        if trajectory is None:
            return Response(status_code=499)  # for nobody: the client has left
        return Response(to_json(pictures.link_pictures(trajectory)), media_type="application/json")

    async def _events(asked: AskRequest) -> AsyncGenerator[bytes, None]:
        with admission.admit():
            checked = await questions.check(asked.question, asked.image, asked.method, asked, turns=_read_turns(asked))
            started = _started(checked)
            yield sse.write_event("started", started)
            try:
                async with aclosing(questions.answer(checked)) as events:
                    async for event in events:
                        if event is None:
                            yield sse.COMMENT
                            continue
                        if isinstance(event, Waiting):
                            yield sse.write_event("waiting", {"before": event.before})
                            continue
                        told = pictures.link_pictures(event)
                        yield sse.write_event(type(event).__name__.lower(), to_json(told))
                        if isinstance(told, Finished):
                            id_ = await asyncio.to_thread(
                                answers.keep,
                                told.trajectory,
                                started["kbs"],
                                picture=checked.question.image,
                                model=describe_model(questions.policy_spec).name,
                            )
                            if id_:
                                yield sse.write_event("kept", {"id": id_})
            except Exception as error:  # the response has begun: the client is told in the stream
                yield sse.write_event("error", error_responses.write_body(error_responses.explain(error)))

    async def _trajectory(asked: AskRequest) -> Trajectory:
        with admission.admit():
            checked = await questions.check(asked.question, asked.image, asked.method, asked, turns=_read_turns(asked))
            async with aclosing(questions.answer(checked)) as events:
                async for event in events:
                    if isinstance(event, Finished):
                        return event.trajectory
        raise AssertionError("a driver's last event is Finished")

    return routes


def _started(checked: Checked) -> dict[str, Any]:
    cards = [to_dict(kb.card) for kb in checked.parts["kbs"].values()]
    return {"request_id": logs.request_id.get(), "method": checked.method, "kbs": cards}


def _read_turns(asked: AskRequest) -> tuple[Turn, ...]:
    return keep_last(Turn(said.role, said.text) for said in asked.turns)
