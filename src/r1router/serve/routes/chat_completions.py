"""Serves /v1/chat/completions and /v1/models in OpenAI's protocol, so that its clients work unchanged.

The model `r1router` is the server's method, `r1router/NAME` another one. Steps stream as `reasoning_content`, the
answer as `content`, its sources as `annotations` of the last chunk. Sampling parameters and tools are ignored.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from r1router.methods import names as method_names
from r1router.serve import error_responses, logs, sse
from r1router.serve.error_responses import Refused
from r1router.serve.routes import chat_messages
from r1router.serve.work.admission import Admission
from r1router.serve.work.options import Options
from r1router.serve.work.questions import Questions
from r1router.types import Finished, Trajectory

MODEL = "r1router"
DONE = b"data: [DONE]\n\n"


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="ignore")
    include_usage: bool | None = None


class ChatRequest(Options):
    """What we read of OpenAI's request, and our own options, which a client sends as `extra_body`."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [
                {
                    "model": MODEL,
                    "messages": [{"role": "user", "content": "What is the capital of Norway?"}],
                    "stream": True,
                    "stream_options": {"include_usage": True},
                }
            ]
        },
    )
    model: str = MODEL
    messages: Annotated[list[chat_messages.ChatMessage], Field(min_length=1, max_length=1000)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = Field(None, description="1, where it is given.")


class Model(BaseModel):
    id: str
    object: str = "model"
    created: int
    owned_by: str = MODEL


class ModelList(BaseModel):
    object: str = "list"
    data: list[Model]


class ChatCompletion(BaseModel):
    """OpenAI's chat completion; the message also has `reasoning_content`, and `annotations` for the sources."""

    id: str
    object: str
    created: int
    model: str
    choices: list[dict[str, Any]]
    usage: dict[str, int]


def router(questions: Questions, admission: Admission) -> APIRouter:
    routes = APIRouter(tags=["OpenAI's protocol"])
    began = int(time.time())
    models = [MODEL, *(f"{MODEL}/{name}" for name in method_names())]

    @routes.get("/v1/models", response_model=ModelList)
    async def list_models() -> ModelList:
        """The server's method and the others, each as a model."""
        return ModelList(data=[Model(id=name, created=began) for name in models])

    @routes.get("/v1/models/{model:path}", response_model=Model)
    async def show_model(model: str) -> Model:
        """One of them."""
        _method(model)
        return Model(id=model, created=began)

    @routes.post(
        "/v1/chat/completions",
        response_class=Response,
        responses={
            200: {
                "model": ChatCompletion,
                "description": "The completion, or with `stream: true` its chunks as server-sent events.",
                "content": sse.DOCUMENT,
            }
        },
    )
    async def complete(asked: ChatRequest, request: Request) -> Response:
        """Answers the last message of the user."""
        if asked.n not in (None, 1):
            raise Refused(400, "n: one answer a request")
        if asked.stream:
            return sse.EventStream(_chunks(asked, str(request.base_url)))
        completion = await sse.run_while_connected(request.receive, _completion(asked, str(request.base_url)))
        if completion is None:
            return Response(status_code=499)  # for nobody: the client has left
        return JSONResponse(completion)

    def _method(model: str) -> str | None:
        if model not in models:
            raise Refused(404, f"model: unknown; known: {', '.join(models)}")
        return model.partition("/")[2] or None

    async def _completion(asked: ChatRequest, server: str) -> dict[str, Any]:
        question = chat_messages.read_question(asked.messages)
        reasoning = []
        with admission.admit():
            checked = await questions.check(
                question.text, question.image, _method(asked.model), asked, turns=question.turns
            )
            async with aclosing(questions.answer(checked)) as events:
                async for event in events:
                    if isinstance(event, Finished):
                        trajectory = event.trajectory
                    elif event is not None:
                        reasoning.append(chat_messages.write_reasoning(event))
        message = {
            "role": "assistant",
            "content": _text(trajectory),
            "refusal": None,
            "reasoning_content": "".join(reasoning),
            "annotations": chat_messages.write_annotations(trajectory, server),
        }
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(trajectory)}
        return {
            **_head(asked, "chat.completion"),
            "choices": [choice],
            "usage": chat_messages.count_usage(trajectory),
        }

    async def _chunks(asked: ChatRequest, server: str) -> AsyncGenerator[bytes, None]:
        question = chat_messages.read_question(asked.messages)
        with admission.admit():
            checked = await questions.check(
                question.text, question.image, _method(asked.model), asked, turns=question.turns
            )
            head = _head(asked, "chat.completion.chunk")
            with_usage = bool(asked.stream_options and asked.stream_options.include_usage)
            if with_usage:
                head["usage"] = None

            def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
                choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
                return sse.write_event("", {**head, "choices": [choice]})

            yield chunk({"role": "assistant", "content": ""})
            try:
                async with aclosing(questions.answer(checked)) as events:
                    async for event in events:
                        if event is None:
                            yield sse.COMMENT
                        elif not isinstance(event, Finished):
                            yield chunk({"reasoning_content": chat_messages.write_reasoning(event)})
                        else:
                            trajectory = event.trajectory
                            yield chunk({"content": _text(trajectory)})
                            yield chunk(
                                {"annotations": chat_messages.write_annotations(trajectory, server)},
                                _finish(trajectory),
                            )
                            if with_usage:
                                yield sse.write_event(
                                    "", {**head, "choices": [], "usage": chat_messages.count_usage(trajectory)}
                                )
            except Exception as error:  # the response has begun: the client is told in the stream
                yield sse.write_event("", error_responses.write_body(error_responses.explain(error)))
            else:
                yield DONE

    return routes


def _head(asked: ChatRequest, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{logs.request_id.get()}",
        "object": kind,
        "created": int(time.time()),
        "model": asked.model,
    }


def _text(trajectory: Trajectory) -> str:
    return trajectory.answer.text if trajectory.answer else ""


def _finish(trajectory: Trajectory) -> str:
    return "length" if trajectory.stop in ("tokens", "seconds") else "stop"
