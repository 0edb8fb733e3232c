"""Serves /v1/answers: an answer at its own address for as long as it is kept, and what a person says of it."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from r1router.codec import to_dict
from r1router.serve.error_responses import Refused
from r1router.serve.limits import MOST_QUESTION
from r1router.serve.work.answers import Answers, Kept
from r1router.types import Card, Trajectory


class KeptAnswer(BaseModel):
    id: str
    at: float = Field(description="When it was given, in seconds since 1970.")
    trajectory: Trajectory
    kbs: list[Card]
    model: str = Field("", description="The name of the model that answered.")


class Rating(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"right": False, "answer": "Oslo"}]})
    right: bool
    answer: Annotated[str, Field(max_length=MOST_QUESTION, description="The right answer, where it was wrong.")] = ""


def router(answers: Answers) -> APIRouter:
    routes = APIRouter(tags=["Questions"])

    async def find(id: str) -> Kept:
        kept = await asyncio.to_thread(answers.find, id)
        if kept is None:
            raise Refused(404, "there is no answer at this address, or it is not kept any more")
        return kept

    @routes.get("/v1/answers/{id}", response_model=KeptAnswer)
    async def show_answer(id: str) -> Response:
        """An answer as it was given, with its steps and the picture that it was asked with."""
        kept = await find(id)
        found: dict[str, Any] = {"id": kept.id, "at": kept.at, **kept.body}
        if kept.picture:
            found["trajectory"]["question"]["image"] = to_dict(kept.picture)
        return JSONResponse(found)

    @routes.post("/v1/answers/{id}/rating", status_code=204)
    async def rate_answer(id: str, rating: Rating) -> Response:
        """Keeps whether an answer was right beside the knowledge bases, as a question for `r1router eval`."""
        kept = await find(id)
        try:
            await asyncio.to_thread(answers.rate, kept, right=rating.right, answer=rating.answer)
        except OSError as error:
            raise Refused(503, f"this cannot be kept: {error.strerror or error}") from error
        return Response(status_code=204)

    return routes
