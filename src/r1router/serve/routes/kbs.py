"""Serves /v1/kbs: lists and searches the knowledge bases, and shows their sources and pictures."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from r1router import types
from r1router.codec import to_dict
from r1router.errors import KnowledgeBaseError
from r1router.kb.stored import Mode, StoredKnowledgeBase
from r1router.kb.stored_tables import StoredTable, StoredTables
from r1router.serve.error_responses import Refused
from r1router.serve.limits import MOST_QUESTION, MOST_RESULTS, Limits
from r1router.serve.work import pictures
from r1router.serve.work.admission import Admission
from r1router.serve.work.kbs import KnowledgeBases
from r1router.serve.work.options import Where
from r1router.table import TableColumn, TableResult
from r1router.tables import workers
from r1router.tables.check import LONGEST
from r1router.types import Evidence, Kind

_PICTURE = re.compile(r"[0-9a-f]{32}\.(png|jpg|webp|gif)")


AtLeast = Annotated[
    float | None,
    Field(ge=-1, le=1, description="Leaves out what is less similar to the words than this (cosine)."),
]


class KnowledgeBaseInfo(BaseModel):
    name: str
    kind: Kind
    holds: str
    details: str = Field(
        description="Topics, titles, columns, languages, years and counts in a few lines; may be empty."
    )
    label: str
    entries: int
    sources: int
    unfinished: int = Field(description="Sources whose indexing was interrupted; index them again.")
    embedder: str
    bytes: int | None = Field(description="On disk; null where only a part of it may be seen.")


class KnowledgeBaseList(BaseModel):
    kbs: list[KnowledgeBaseInfo]
    may_be_changed: bool = Field(description="Whether who asks may upload, make, rename and remove.")


class SearchRequest(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"text": "capital of Norway", "k": 3, "mode": "fused"}]}
    )
    text: Annotated[str, Field(max_length=MOST_QUESTION)] = ""
    image: str | None = Field(None, description="A picture as a data URL.")
    k: Annotated[int, Field(ge=1, le=MOST_RESULTS)] = 5
    mode: Mode = Field("fused", description="Which rankings are used: by meaning, by words, or both.")
    at_least: AtLeast = None
    where: Where = None


class SearchResults(BaseModel):
    results: list[Evidence]


class TableInfo(BaseModel):
    id: str
    title: str
    section: str
    source: str
    rows: int
    columns: list[TableColumn] = Field(description="As queries see them; empty for one from before there were queries.")


class TableList(BaseModel):
    tables: list[TableInfo]
    total: int


class QueryRequest(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"sql": "SELECT count(*) FROM t WHERE \"Country\" = 'Norway'"}]}
    )
    sql: Annotated[str, Field(max_length=LONGEST, description="One SELECT. The table is t, its columns as its header.")]
    table: str | None = Field(None, description="Title or id of the table, where there are several.")


class EntryList(BaseModel):
    entries: list[Evidence] = Field(description="As they follow each other in the source.")
    offset: int = Field(description="Number of the first of them.")
    total: int
    at: str = Field("", description="Id of the entry that was asked for, or of the one with the row.")


class SourceInfo(BaseModel):
    source: str
    entries: int
    complete: bool
    fields: dict[str, Any] = Field(description="What is known of it, for filters: path, dates, author, …")


class SourceList(BaseModel):
    sources: list[SourceInfo]
    total: int


def router(knowledge_bases: KnowledgeBases, admission: Admission, *, limits: Limits) -> APIRouter:
    routes = APIRouter(tags=["Knowledge bases"])

    @routes.get("/v1/kbs", response_model=KnowledgeBaseList)
    async def list_knowledge_bases() -> dict[str, Any]:
        """What there is to be searched."""
        there = await asyncio.to_thread(knowledge_bases.open_all)
        shown = await asyncio.to_thread(lambda: [describe_opened(kb) for kb in there.values()])
        return {"kbs": shown, "may_be_changed": knowledge_bases.may_be_changed}

    async def search(
        kb: str, text: str, image: str | None, k: int, mode: Mode, where: str | None, at_least: float | None
    ) -> JSONResponse:
        found_in = await asyncio.to_thread(knowledge_bases.get, kb, where)
        if not text.strip() and image is None:
            raise Refused(400, "give words or a picture to search for")
        with admission.admit():
            picture = None
            if image is not None:
                picture = await asyncio.to_thread(pictures.decode, image, limits=limits)
            query = types.Query(text, picture)
            [found] = await asyncio.to_thread(found_in.search, [query], k=k, mode=mode)
        near = [e for e in found if at_least is None or (e.similarity is not None and e.similarity >= at_least)]
        return JSONResponse({"results": [to_dict(pictures.link_pictures(evidence)) for evidence in near]})

    @routes.get("/v1/kbs/{kb}/search", response_model=SearchResults)
    async def search_by_words(
        kb: str,
        q: Annotated[str, Query(max_length=MOST_QUESTION, examples=["capital of Norway"])],
        k: Annotated[int, Query(ge=1, le=MOST_RESULTS)] = 5,
        mode: Mode = "fused",
        where: Where = None,
        at_least: AtLeast = None,
    ) -> Response:
        """The best entries for these words."""
        return await search(kb, q, None, k, mode, where, at_least)

    @routes.post("/v1/kbs/{kb}/search", response_model=SearchResults)
    async def search_by_words_and_picture(kb: str, asked: SearchRequest) -> Response:
        """The best entries for words, a picture, or both."""
        return await search(kb, asked.text, asked.image, asked.k, asked.mode, asked.where, asked.at_least)

    @routes.get("/v1/kbs/{kb}/tables", response_model=TableList)
    async def list_tables(
        kb: str,
        offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> dict[str, Any]:
        """The tables with their columns, sorted by where they are from."""
        tables = (await asyncio.to_thread(knowledge_bases.get, kb)).tables
        with admission.admit():
            found = await asyncio.to_thread(tables.list_all)
            shown = await asyncio.to_thread(lambda: [_table(tables, table) for table in found[offset : offset + limit]])
        return {"tables": shown, "total": len(found)}

    @routes.post("/v1/kbs/{kb}/query", response_model=TableResult)
    async def query_table(kb: str, asked: QueryRequest) -> JSONResponse:
        """What a query over a whole table gives, and the rows that it rests on; those of one file may be joined."""
        tables = (await asyncio.to_thread(knowledge_bases.get, kb)).tables
        with admission.admit():
            table = await asyncio.to_thread(tables.find, asked.table)
            result = await workers.run(lambda: tables.compute(table.id, asked.sql, joined=True))
        return JSONResponse(asdict(result))

    @routes.get("/v1/kbs/{kb}/sources", response_model=SourceList)
    async def list_sources(
        kb: str,
        offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        where: Where = None,
    ) -> JSONResponse:
        """The files that it was made from, sorted, with what is known of each."""

        def list_some() -> dict[str, Any]:
            found = knowledge_bases.get(kb, where).list_sources()
            return {"sources": [asdict(source) for source in found[offset : offset + limit]], "total": len(found)}

        return JSONResponse(await asyncio.to_thread(list_some))

    @routes.get("/v1/kbs/{kb}/entries", response_model=EntryList)
    async def list_entries(
        kb: str,
        source: Annotated[str, Query(max_length=MOST_QUESTION)],
        at: Annotated[
            str, Query(max_length=MOST_QUESTION, description="Id of an entry that is to be among them.")
        ] = "",
        row: Annotated[
            int | None, Query(ge=0, le=10**9, description="Instead of `at`, the entry of its table with this row.")
        ] = None,
        offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> JSONResponse:
        """What a source says, entry by entry: from `offset`, or from the page of `limit` entries with `at` in it."""

        def list_some() -> dict[str, Any]:
            found = knowledge_bases.get(kb).list_entries(source)
            if not found:
                raise Refused(404, "this knowledge base has no such source")
            place = _find_place(found, at, row)
            first = offset if place is None else place - place % limit
            shown = [to_dict(pictures.link_pictures(entry)) for entry in found[first : first + limit]]
            cited = "" if place is None else found[place].id
            return {"entries": shown, "offset": first, "total": len(found), "at": cited}

        with admission.admit():
            return JSONResponse(await asyncio.to_thread(list_some))

    @routes.get("/v1/kbs/{kb}/files/{source:path}", response_class=FileResponse)
    async def download_file(kb: str, source: str) -> FileResponse:
        """The file that a source was read from, where it still is there and all of it may be seen."""
        found_in = await asyncio.to_thread(knowledge_bases.get, kb)
        path = await asyncio.to_thread(_find_file, found_in, source)
        if path is None:
            raise Refused(404, "the file of this source is not to be had here")
        return FileResponse(path, filename=path.name, headers={"content-security-policy": "sandbox"})

    @routes.get(
        "/v1/kbs/{kb}/pictures/{file}",
        response_class=FileResponse,
        responses={200: {"content": {f"image/{kind}": {} for kind in ("png", "jpeg", "webp", "gif")}}},
    )
    async def show_picture(kb: str, file: str) -> FileResponse:
        """A picture that is evidence; its name follows from its content, so it may be kept for ever."""
        if not _PICTURE.fullmatch(file):
            raise Refused(404, "there is no picture of this name")
        try:
            found_in = await asyncio.to_thread(knowledge_bases.get, kb)
            path = await asyncio.to_thread(found_in.find_picture, file)
        except KnowledgeBaseError:
            raise Refused(404, "there is no picture of this name") from None
        return FileResponse(path, headers={"cache-control": "private, max-age=31536000, immutable"})

    return routes


def _table(tables: StoredTables, table: StoredTable) -> dict[str, Any]:
    try:
        columns = [asdict(column) for column in tables.columns(table.id)]
    except KnowledgeBaseError:
        columns = []
    known = {"id": table.id, "title": table.title, "section": table.section, "source": table.source}
    return {**known, "rows": table.rows, "columns": columns}


def _find_file(kb: StoredKnowledgeBase, source: str) -> Path | None:
    """None where it is gone or hidden, is not one file (`inside.zip/a.txt`), or a part of it may not be seen."""
    taken = kb.store.ledger.read().get(source)
    if taken is None or not Path(taken.path).is_file():
        return None
    if kb.is_part and len(kb.list_entries(source)) < taken.entries:
        return None
    return Path(taken.path)


def describe_opened(kb: StoredKnowledgeBase) -> dict[str, Any]:
    """The fields of `KnowledgeBaseInfo`."""
    manifest, card = kb.manifest, kb.card
    if kb.is_part:
        complete = [source.complete for source in kb.list_sources()]
    else:
        # A file whose entries all went to other knowledge bases is written down here too, so that it is not read again.
        known = (taken for taken in kb.store.ledger.read().values() if taken.entries or not taken.fingerprint)
        complete = [bool(taken.fingerprint) for taken in known]
    embedders = (manifest.text_embedder, manifest.image_embedder)
    return {
        "name": card.name,
        "kind": card.kind,
        "holds": card.holds,
        "details": card.details,
        "label": card.label,
        "entries": len(kb),
        "sources": len(complete),
        "unfinished": complete.count(False),
        "embedder": " + ".join(spec for spec in embedders if spec),
        "bytes": None if kb.is_part else kb.store.measure(),
    }


def _find_place(entries: Sequence[Evidence], at: str, row: int | None) -> int | None:
    """Number of the entry of this id; with `row`, of the one that has this row of the same table, if one has."""
    place = next((n for n, entry in enumerate(entries) if entry.id == at), None)
    if place is None or row is None:
        return place
    spans = [(n, entry.location.rows) for n, entry in enumerate(entries)
             if entry.record == entries[place].record and entry.location and entry.location.rows]  # fmt: skip
    return next((n for n, (first, last) in spans if first <= row <= last), place)
