"""Serves /v1/kbs/files and deletes sources: each change of the knowledge bases is a job that the client can follow."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.datastructures import UploadFile

from r1router.serve.error_responses import Refused
from r1router.serve.work import uploads
from r1router.serve.work.jobs import Jobs
from r1router.serve.work.kbs import KnowledgeBases
from r1router.types import ImageEmbedder, Kind, TextEmbedder

UPLOADS = "/v1/kbs/files"
_KINDS: tuple[Kind, ...] = ("text", "image", "table")
_MOST_FILES = 100


class JobStarted(BaseModel):
    job: str


def router(
    knowledge_bases: KnowledgeBases,
    jobs: Jobs,
    *,
    text_embedder: TextEmbedder | None,
    image_embedder: ImageEmbedder | None,
) -> APIRouter:
    routes = APIRouter(tags=["Knowledge bases"])

    @routes.post(UPLOADS, status_code=202, response_model=JobStarted, openapi_extra=_FILES)
    async def add_files(request: Request) -> dict[str, Any]:
        """Takes files into the knowledge bases for what they hold, or into the one named; the job says how far it is.

        A file of the same name replaces the one before.
        """
        knowledge_bases.check_change()
        async with request.form(max_files=_MOST_FILES, max_fields=10, max_part_size=1024) as form:
            given = form.multi_items()  # all files of a field; `items` has the last one alone
            files = [value for _, value in given if isinstance(value, UploadFile)]
            fields = [key for key, value in given if isinstance(value, str)]
            if set(fields) - {"as", "name"} or len(set(fields)) < len(fields) or not files:
                raise Refused(400, "a multipart form with a file or more is wanted, and optionally one as and one name")
            as_, name = form.get("as") or None, form.get("name") or None
            if as_ not in (None, *_KINDS) or isinstance(name, UploadFile):
                raise Refused(400, "as is text, image or table; name is that of a knowledge base")
            if name:
                uploads.check_kb_name(name)
            knowledge_bases.check_change(name)
            sent = [uploads.Upload(file.filename or "", file.file) for file in files]
            kept = await asyncio.to_thread(uploads.keep, sent, knowledge_bases.catalog, name)

        def work(tell: Any) -> dict[str, Any]:
            return uploads.index_uploads(
                kept, knowledge_bases.catalog, as_=as_, name=name,
                text_embedder=text_embedder, image_embedder=image_embedder, tell=tell,
            )  # fmt: skip

        target = name or as_
        return {"job": jobs.submit(work, writes=[target] if target else partial(uploads.find_targets, kept)).id}

    @routes.delete("/v1/kbs/{kb}/sources/{source:path}", status_code=202, response_model=JobStarted)
    async def remove_source(kb: str, source: str) -> dict[str, Any]:
        """Takes a source and its entries out of a knowledge base; an upload that is in no other one is deleted."""
        knowledge_bases.check_change()
        store = (await asyncio.to_thread(knowledge_bases.get, kb)).store
        if source not in await asyncio.to_thread(store.ledger.read):
            raise Refused(404, "this knowledge base has no such source")

        def work(_: Any) -> dict[str, Any]:
            return uploads.remove_source(store, source, knowledge_bases.catalog)

        return {"job": jobs.submit(work, writes=[kb]).id}

    return routes


_FILES = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1},
                        "as": {"type": "string", "enum": list(_KINDS), "description": "Read every file as this kind."},
                        "name": {"type": "string", "description": "The knowledge base to fill."},
                    },
                    "required": ["file"],
                }
            }
        },
    }
}
