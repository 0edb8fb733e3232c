"""Serves /v1/about and /v1/examples: says which model answers, what it is good for, and what it can be asked here."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

import r1router
from r1router.serve.work.examples import make_examples
from r1router.serve.work.kbs import KnowledgeBases
from r1router.serve.work.model import describe_model
from r1router.serve.work.questions import Questions


class About(BaseModel):
    version: str
    model: str
    good_for: str = Field(description="What the model is good for, in a sentence or two; empty where unknown.")
    method: str = Field(description="The method of a question that names none.")


class ExampleQuestion(BaseModel):
    kb: str = Field(description="The knowledge base that it is made from.")
    question: str


class ExampleList(BaseModel):
    examples: list[ExampleQuestion]


def router(questions: Questions, knowledge_bases: KnowledgeBases) -> APIRouter:
    routes = APIRouter(tags=["Questions"])

    @routes.get("/v1/about", response_model=About)
    async def show_about() -> dict[str, Any]:
        """Which model answers, and what it is good for."""
        model = describe_model(questions.policy_spec)
        return {
            "version": r1router.__version__,
            "model": model.name,
            "good_for": model.good_for,
            "method": questions.method,
        }

    @routes.get("/v1/examples", response_model=ExampleList)
    async def list_examples() -> dict[str, Any]:
        """Questions that the knowledge bases may answer, made from what they hold, by rule and without the model."""
        there = await asyncio.to_thread(knowledge_bases.open_all)
        return {"examples": [one._asdict() for one in await asyncio.to_thread(make_examples, there)]}

    return routes
