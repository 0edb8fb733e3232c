"""Turns trajectories and evidence into what an MCP client gets: text for a model to read, and the same as data."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, unquote

from pydantic import BaseModel, Field

from r1router.evidence.location import describe
from r1router.table import TableResult, write_row
from r1router.tables.results import find_asked
from r1router.types import Ending, Evidence, Step, Trajectory

KBS = "r1router://kbs"
"""The resource that lists the knowledge bases; those below it are pieces of evidence."""
EVIDENCE = f"{KBS}/{{kb}}/{{id}}"


class SourceTable(BaseModel):
    """The rows of a source that is part of a table; a cell may hold anything, bars and line breaks too."""

    header: list[str]
    rows: list[list[str]]
    first_row: int = Field(description="1-based number of the first of these rows in the whole table.")


class SourceQuery(BaseModel):
    """What a query over a whole table gave."""

    sql: str
    columns: list[str]
    rows: list[list[str]]
    source_rows: list[int] = Field(description="Numbers, from 1, of the table's rows that it rests on; or the first.")
    more: bool = Field(description="Whether there are more rows in the result.")


class Source(BaseModel):
    number: int = Field(description="The number that the text gives it, from 1.")
    kb: str
    title: str
    where: str = Field(description="File, page, section or rows that it came from.")
    text: str
    uri: str = Field(description="The resource that holds it, with its picture where it is one.")
    table: SourceTable | None = Field(default=None, description="The cells of `text`, where it is part of a table.")
    query: SourceQuery | None = Field(default=None, description="The query whose result it is, where it was computed.")


class StepTaken(BaseModel):
    thought: str
    sub_question: str | None = Field(description="Null where the policy knew enough.")
    routes: list[str] = Field(description="The knowledge bases that were searched.")
    answer: str
    evidence: list[str] = Field(description="URIs of what was found, best first.")
    query: str = Field(default="", description="The SQL query over a whole table that gave the answer, if any did.")


class AskResult(BaseModel):
    answer: str
    ending: Ending = Field(
        description="How it stands to its evidence: supported, unsure, not_found; empty where nothing judged it."
    )
    stop: str = Field(description="Why the steps ended: enough, max_steps, tokens, seconds, retrievals, …")
    steps: list[StepTaken]
    sources: list[Source]
    nearest: Source | None = Field(default=None, description="What to look at where no source says it; it may not.")
    tokens: int


class SearchResult(BaseModel):
    results: list[Source]


def write_uri(evidence: Evidence) -> str:
    id_, _ = find_asked(evidence)
    return f"{KBS}/{quote(evidence.kb, safe='')}/{quote(id_, safe='')}"


def parse_uri(uri: str) -> tuple[str, str] | None:
    """(knowledge base, id) of a piece of evidence; None for what is no such URI."""
    head, _, rest = uri.partition(f"{KBS}/")
    kb, _, id_ = rest.partition("/")
    return (unquote(kb), unquote(id_)) if not head and kb and id_ else None


def make_ask_result(trajectory: Trajectory) -> AskResult:
    nearest = trajectory.answer.nearest if trajectory.answer else None
    return AskResult(
        answer=trajectory.answer.text if trajectory.answer else "",
        ending=trajectory.answer.ending if trajectory.answer else "",
        stop=trajectory.stop,
        steps=[_step(step) for step in trajectory.steps],
        sources=_sources(trajectory.sources),
        nearest=_source(1, nearest) if nearest else None,
        tokens=trajectory.usage.tokens,
    )


def make_search_result(found: Iterable[Evidence]) -> SearchResult:
    return SearchResult(results=_sources(found))


def write_ask(result: AskResult) -> str:
    """The answer first, then how it was found and what it rests on."""
    parts = [result.answer or "No answer was found."]
    if result.ending == "unsure":
        parts.append("Not sure: the evidence supports this only in part.")
    asked = [step for step in result.steps if step.sub_question]
    if asked:
        lines = [
            f"{n}. {step.sub_question} [{', '.join(step.routes) or 'not searched'}] {step.answer}".rstrip()
            + (f"\n   computed by {step.query}" if step.query else "")
            for n, step in enumerate(asked, 1)
        ]
        parts.append("\n".join(["Steps:", *lines]))
    if result.sources:
        parts.append("\n".join(["Sources:", *map(_line, result.sources)]))
    if result.nearest:
        parts.append("\n".join(["Nearest, which may not say it:", _line(result.nearest)]))
    return "\n\n".join(parts)


def write_search(result: SearchResult) -> str:
    return "\n\n".join(f"{_line(source)}\n{source.text}" for source in result.results) or "Nothing was found."


def _line(source: Source) -> str:
    known = dict.fromkeys(part for part in (source.title, source.where) if part)
    return f"[{source.number}] {', '.join(known)} ({source.kb}) {source.uri}"


def _sources(found: Iterable[Evidence]) -> list[Source]:
    return [_source(number, evidence) for number, evidence in enumerate(found, 1)]


def _source(number: int, evidence: Evidence) -> Source:
    return Source(
        number=number,
        kb=evidence.kb,
        title=evidence.title,
        where=describe(evidence.location) if evidence.location else "",
        text=evidence.text,
        uri=write_uri(evidence),
        table=write_table(evidence),
        query=make_query_result(evidence.result) if evidence.result else None,
    )


def make_query_result(result: TableResult) -> SourceQuery:
    return SourceQuery(
        sql=result.sql,
        columns=list(result.columns),
        rows=list(map(list, result.rows)),
        source_rows=list(result.source_rows),
        more=result.more,
    )


def write_query(result: SourceQuery) -> str:
    lines = [write_row(result.columns), *map(write_row, result.rows)]
    rests = ", ".join(map(str, result.source_rows))
    return "\n".join([*lines, *(["…"] if result.more else []), *([f"(rows {rests} of the table)"] if rests else [])])


def write_table(evidence: Evidence) -> SourceTable | None:
    table = evidence.table
    if table is None:
        return None
    return SourceTable(header=list(table.header), rows=list(map(list, table.rows)), first_row=table.first_row)


def _step(step: Step) -> StepTaken:
    return StepTaken(
        thought=step.thought,
        sub_question=step.sub_question,
        routes=list(step.routes),
        answer=step.answer,
        evidence=[write_uri(evidence) for evidence in step.evidence],
        query=next((evidence.result.sql for evidence in step.evidence if evidence.result), ""),
    )
