"""/v1/kbs and /v1/jobs: the knowledge bases listed, searched, browsed and changed while questions are answered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile

from r1router import types
from r1router.kb.lance import LanceKnowledgeBase, Mode
from r1router.kb.ledger import Ledger
from r1router.kb.writer import PICTURES
from r1router.serve import pictures, sse, uploads
from r1router.serve.desk import Desk
from r1router.serve.jobs import Jobs
from r1router.serve.library import Library
from r1router.serve.limits import MOST_QUESTION, MOST_RESULTS, Limits
from r1router.serve.problems import Refused
from r1router.types import Evidence, ImageEmbedder, Kind, TextEmbedder

UPLOADS = "/v1/kbs/files"
_PICTURE = re.compile(r"[0-9a-f]{32}\.(png|jpg|webp|gif)")
_KINDS: tuple[Kind, ...] = ("text", "image", "table")
_MOST_FILES = 100


class KnowledgeBaseInfo(BaseModel):
    name: str
    kind: Kind
    holds: str
    label: str
    entries: int
    sources: int
    embedder: str
    bytes: int


class KnowledgeBaseList(BaseModel):
    kbs: list[KnowledgeBaseInfo]


class SearchRequest(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"text": "capital of Norway", "k": 3, "mode": "fused"}]}
    )
    text: Annotated[str, Field(max_length=MOST_QUESTION)] = ""
    image: str | None = Field(None, description="A picture as a data URL.")
    k: Annotated[int, Field(ge=1, le=MOST_RESULTS)] = 5
    mode: Mode = Field("fused", description="Which rankings are used: by meaning, by words, or both.")


class SearchResults(BaseModel):
    results: list[Evidence]


class SourceInfo(BaseModel):
    source: str
    entries: int
    complete: bool


class SourceList(BaseModel):
    sources: list[SourceInfo]
    total: int


class ProgressInfo(BaseModel):
    source: str = ""
    files: int = 0
    of_files: int = 0
    entries: int = 0
    written: int = 0


class JobInfo(BaseModel):
    id: str
    state: Literal["queued", "running", "done", "failed"]
    progress: ProgressInfo | dict[str, Any]
    report: dict[str, Any]


class JobStarted(BaseModel):
    job: str


def router(
    library: Library,
    jobs: Jobs,
    desk: Desk,
    *,
    limits: Limits,
    allow_url_images: bool,
    read_only: bool,
    text_embedder: TextEmbedder | None,
    image_embedder: ImageEmbedder | None,
) -> APIRouter:
    routes = APIRouter(tags=["Knowledge bases"])

    @routes.get("/v1/kbs", response_model=KnowledgeBaseList)
    async def list_knowledge_bases() -> dict[str, Any]:
        """What there is to be searched."""
        there = await asyncio.to_thread(library.all)
        return {"kbs": await asyncio.to_thread(lambda: [_info(kb) for kb in there.values()])}

    async def search(kb: str, text: str, image: str | None, k: int, mode: Mode) -> JSONResponse:
        found_in = library.one(kb)
        if not text.strip() and image is None:
            raise Refused(400, "give words or a picture to search for")
        with desk.place():
            picture = None
            if image is not None:
                picture = await asyncio.to_thread(pictures.take, image, limits=limits, allow_urls=allow_url_images)
            query = types.Query(text, picture)
            found = await asyncio.to_thread(found_in.search, [query], k=k, mode=mode)
        return JSONResponse({"results": pictures.shown(found[0])})

    @routes.get("/v1/kbs/{kb}/search", response_model=SearchResults)
    async def search_by_words(
        kb: str,
        q: Annotated[str, Query(max_length=MOST_QUESTION, examples=["capital of Norway"])],
        k: Annotated[int, Query(ge=1, le=MOST_RESULTS)] = 5,
        mode: Mode = "fused",
    ) -> Response:
        """The best entries for these words."""
        return await search(kb, q, None, k, mode)

    @routes.post("/v1/kbs/{kb}/search", response_model=SearchResults)
    async def search_by_words_and_picture(kb: str, asked: SearchRequest) -> Response:
        """The best entries for words, a picture, or both."""
        return await search(kb, asked.text, asked.image, asked.k, asked.mode)

    @routes.get("/v1/kbs/{kb}/sources", response_model=SourceList)
    async def list_sources(
        kb: str,
        offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        """The files that it was made from, sorted."""
        taken = list((await asyncio.to_thread(Ledger(library.one(kb).folder).read)).values())
        shown = [
            {"source": t.source, "entries": t.entries, "complete": bool(t.fingerprint)}
            for t in taken[offset : offset + limit]
        ]
        return {"sources": shown, "total": len(taken)}

    @routes.get(
        "/v1/kbs/{kb}/pictures/{file}",
        response_class=FileResponse,
        responses={200: {"content": {f"image/{kind}": {} for kind in ("png", "jpeg", "webp", "gif")}}},
    )
    async def show_picture(kb: str, file: str) -> FileResponse:
        """A picture that is evidence; its name follows from its content, so it may be kept for ever."""
        if not _PICTURE.fullmatch(file):
            raise Refused(404, "there is no picture of this name")
        path = library.one(kb).folder / PICTURES / file
        if not path.is_file():
            raise Refused(404, "there is no picture of this name")
        return FileResponse(path, headers={"cache-control": "private, max-age=31536000, immutable"})

    # ── changes ────────────────────────────────────────────────────────────────────────────────

    def check_writable() -> None:
        if read_only:
            raise Refused(403, "the knowledge bases of this server are not changed over HTTP")

    @routes.post(UPLOADS, status_code=202, response_model=JobStarted, openapi_extra=_FILES)
    async def add_files(request: Request) -> dict[str, Any]:
        """Takes files into the knowledge bases for what they hold, or into the one named; the job says how far it is.

        A file of the same name replaces the one before.
        """
        check_writable()
        async with request.form(max_files=_MOST_FILES, max_fields=10, max_part_size=1024) as form:
            files = [value for value in form.values() if isinstance(value, UploadFile)]
            unknown = {key for key, value in form.items() if isinstance(value, str)} - {"as", "name"}
            if unknown or not files:
                raise Refused(400, "a multipart form with a file or more is wanted, and optionally as and name")
            as_, name = form.get("as") or None, form.get("name") or None
            if as_ not in (None, *_KINDS) or isinstance(name, UploadFile):
                raise Refused(400, "as is text, image or table; name is that of a knowledge base")
            if name:
                uploads.check_kb_name(name)
            given = [uploads.Upload(file.filename or "", file.file) for file in files]
            kept = await asyncio.to_thread(uploads.keep, given, library.folder, name)

        def work(tell: Any) -> dict[str, Any]:
            return uploads.index_uploads(
                kept, library.folder, as_=as_, name=name,
                text_embedder=text_embedder, image_embedder=image_embedder, tell=tell,
            )  # fmt: skip

        return {"job": jobs.submit(work).id}

    @routes.delete("/v1/kbs/{kb}/sources/{source:path}", status_code=202, response_model=JobStarted)
    async def remove_source(kb: str, source: str) -> dict[str, Any]:
        """Takes a source and its entries out of a knowledge base; an upload that is in no other one is deleted."""
        check_writable()
        folder = library.one(kb).folder
        if source not in await asyncio.to_thread(Ledger(folder).read):
            raise Refused(404, "this knowledge base has no such source")
        return {"job": jobs.submit(lambda _: uploads.remove_source(folder, source, library.folder)).id}

    @routes.get("/v1/jobs/{id}", response_model=JobInfo, tags=["Jobs"])
    async def show_job(id: str) -> dict[str, Any]:
        """Where a job is."""
        return jobs.one(id).shown()

    @routes.get(
        "/v1/jobs/{id}/events",
        status_code=200,
        response_class=sse.EventStream,
        responses={200: {"content": sse.DOCUMENT}},
        tags=["Jobs"],
    )
    async def watch_job(id: str) -> sse.EventStream:
        """The job after each change, as server-sent events named `job`, until it is done or failed."""
        job = jobs.one(id)

        async def chunks() -> AsyncGenerator[bytes, None]:
            async for shown in jobs.watch(job):
                yield sse.event("job", shown) if shown else sse.COMMENT

        return sse.EventStream(chunks())

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


def _info(kb: LanceKnowledgeBase) -> dict[str, Any]:
    manifest, card = kb.manifest, kb.card
    embedders = (manifest.text_embedder, manifest.image_embedder)
    return {
        "name": card.name,
        "kind": card.kind,
        "holds": card.holds,
        "label": card.label,
        "entries": len(kb),
        "sources": len(Ledger(kb.folder).read()),
        "embedder": " + ".join(spec for spec in embedders if spec),
        "bytes": sum(_size(path) for path in kb.folder.rglob("*")),
    }


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:  # a writer has tidied it up
        return 0
