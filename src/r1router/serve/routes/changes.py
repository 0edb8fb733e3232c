"""Serves changes of a whole knowledge base: it is made, described, renamed and removed while others are asked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from r1router.ingest.run import describe_new
from r1router.kb.details import BUDGET
from r1router.kb.naming import LONGEST_LABEL, LONGEST_LINE, change_kb, make_kb
from r1router.serve.routes.kbs import KnowledgeBaseInfo, describe_opened
from r1router.serve.work import uploads
from r1router.serve.work.jobs import Jobs
from r1router.serve.work.kbs import KnowledgeBases
from r1router.types import ImageEmbedder, Kind, TextEmbedder

Name = Annotated[str, Field(min_length=1, max_length=200)]
Line = Annotated[str, Field(max_length=10 * LONGEST_LINE, description="One line that says what it holds.")]
Details = Annotated[
    str, Field(max_length=10 * BUDGET, description='Lines that say more; "" for those that follow from its content.')
]
Label = Annotated[str, Field(max_length=10 * LONGEST_LABEL, description="What the policy writes to choose it.")]


class NewKnowledgeBase(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "rivers", "holds": "All about rivers"}]},
    )
    name: Name
    kind: Kind = "text"
    holds: Line = ""
    label: Label = ""


class Change(BaseModel):
    """What is to be another; the rest stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"holds": "All about rivers and lakes"}]})
    name: Name | None = None
    holds: Line | None = None
    label: Label | None = None
    details: Details | None = None


def router(
    knowledge_bases: KnowledgeBases,
    jobs: Jobs,
    *,
    text_embedder: TextEmbedder | None,
    image_embedder: ImageEmbedder | None,
) -> APIRouter:
    routes = APIRouter(tags=["Knowledge bases"])

    async def show(name: str) -> dict[str, Any]:
        return await asyncio.to_thread(lambda: describe_opened(knowledge_bases.get(name)))

    @routes.post("/v1/kbs", status_code=201, response_model=KnowledgeBaseInfo)
    async def make_knowledge_base(new: NewKnowledgeBase) -> dict[str, Any]:
        """Makes an empty knowledge base, to be filled by uploads that name it."""
        knowledge_bases.check_change(uploads.check_kb_name(new.name))

        def make() -> None:
            made = describe_new(new.name, new.kind, embedder=text_embedder, image_embedder=image_embedder)
            make_kb(knowledge_bases.location, replace(made, holds=new.holds, label=new.label))

        await asyncio.to_thread(make)
        return await show(new.name)

    @routes.patch("/v1/kbs/{kb}", response_model=KnowledgeBaseInfo)
    async def change_knowledge_base(kb: str, change: Change) -> dict[str, Any]:
        """Gives a knowledge base another name, line, label or details, for questions that come later."""
        knowledge_bases.check_change()
        await asyncio.to_thread(knowledge_bases.get, kb)
        if change.name is not None and change.name != kb:
            knowledge_bases.check_change(uploads.check_kb_name(change.name))
        name = change.name or kb
        jobs.check_idle(kb, name)

        given = {"holds": change.holds, "label": change.label, "details": change.details}
        await asyncio.to_thread(change_kb, knowledge_bases.location, kb, new=name, **given)
        return await show(name)

    @routes.delete("/v1/kbs/{kb}", status_code=204)
    async def remove_knowledge_base(kb: str) -> Response:
        """Deletes a knowledge base. Files that were indexed where they are stay; uploads that no other one has go."""
        knowledge_bases.check_change()
        store = (await asyncio.to_thread(knowledge_bases.get, kb)).store
        jobs.check_idle(kb)
        await asyncio.to_thread(uploads.remove_kb, store, knowledge_bases.catalog)
        return Response(status_code=204)

    return routes
