"""Queries the tables that a step found, the likeliest first, because a count needs every row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from r1router import parse
from r1router.errors import InputError, KnowledgeBaseError, ParseError, QueryError
from r1router.moves.asking import RE_ASKS, Flow
from r1router.moves.changes import note_last, replace_last
from r1router.prompts import Prompts
from r1router.table import TableResult
from r1router.tables.choosing import weigh_table
from r1router.tables.results import make_evidence, read_answer_off
from r1router.tables.view import LikelyQuery, TableView
from r1router.types import Answer, Ask, Compute, Computed, Evidence, Inspect, Malformed, TableQuery, Trajectory

SURE_QUERY = 0.5
"""From this probability of its answer on, a likely query is asked though the policy reads nothing in the table.

Of 73 questions over tables written by hand, kept apart, 21 had one so likely that says all it compares with, 18 of them
right (0.88: 12, all right); of 56 whose rows were taken out of the table, 8; of 73 asked of another table, 3."""
IN_TURN = 3
"""So many tables and the rest are asked at most where nothing says what is asked."""
Views = dict[tuple[str, str], TableView]
"""What a question touches in tables, by the knowledge base and the id of a piece of each."""
QUERY, READ = "query", "read"
"""What a method does with the tables that it finds."""


def is_of_table(part: tuple[Evidence, ...]) -> bool:
    """Whether these pieces, which belong together, are of a table."""
    return bool(part) and part[0].table is not None


def take_in_turn(evidence: Sequence[Evidence]) -> list[tuple[Evidence, ...]]:
    """What of the evidence is asked at once, best first: the pieces of one table each, and all that are of none."""
    parts: dict[tuple[str, str] | None, list[Evidence]] = {}
    for piece in evidence:
        parts.setdefault((piece.kb, piece.record or piece.id) if piece.table else None, []).append(piece)
    return [tuple(part) for part in parts.values()][:IN_TURN] or [()]


def rank_tables(
    parts: Sequence[tuple[Evidence, ...]], question: str, prompts: Prompts
) -> Flow[tuple[list[tuple[Evidence, ...]], Views]]:
    """The parts, the tables among them by how much speaks for each (`tables.choosing`), and the views of these.

    As found and without views where there is one table or no queries are told."""
    tables = [part for part in parts if is_of_table(part)]
    views: Views = {}
    if len(tables) < 2 or not prompts.likely_queries:
        return list(parts), views
    weights = []
    for part in tables:
        try:
            view = yield _inspect(part[0], question, prompts)
        except (QueryError, KnowledgeBaseError):
            weights.append(-math.inf)
        else:
            views[part[0].kb, part[0].id] = view
            weights.append(weigh_table(question, view, part, first=part is tables[0]))
    ranked = iter([table for _, table in sorted(zip(weights, tables, strict=True), key=lambda pair: -pair[0])])
    return [next(ranked) if is_of_table(part) else part for part in parts], views


def _inspect(piece: Evidence, question: str, prompts: Prompts) -> Inspect:
    return Inspect(piece.kb, piece.id, question, prompts.joined_tables, likely=prompts.likely_queries)


def query_table(
    trajectory: Trajectory, prompts: Prompts, *, tables: str, view: TableView | None = None
) -> Flow[tuple[Trajectory, Answer | None]]:
    """The trajectory with what a query over the last step's table gave, and the step's answer where that is known.

    Only where `tables` is "query", the prompt set has the form for it and the best evidence is from a table. The
    policy chooses: it answers from the evidence, or writes a query. A query that is refused is asked for again with
    the reason, within the usual bound; where none runs, or it gives nothing, the step is left to be read, and its note
    says so. `view`: of that table, where it was inspected before.
    """
    if tables not in (QUERY, READ):
        raise InputError(f"tables are for {QUERY} or for {READ}, not for {tables!r}")
    step = trajectory.steps[-1]
    best = step.evidence[0] if step.evidence else None
    if tables == READ or not prompts.table_queries or best is None or best.table is None or best.result is not None:
        return trajectory, None
    try:
        if view is None:
            view = yield _inspect(best, step.sub_question or "", prompts)
        request = prompts.query_step(replace(trajectory, steps=trajectory.steps[:-1]), step, view)
        said, result = yield from _ask_table(request, best, prompts, joined=bool(view.others))
        if isinstance(said, Answer) and said.text == parse.UNKNOWN and (sure := find_sure_query(view)):
            said = TableQuery("The table is asked.", sure.sql, sure.support)
            result = yield Compute(best.kb, best.id, sure.sql, bool(view.others))
    except (QueryError, KnowledgeBaseError) as error:
        return note_last(trajectory, f"the table was not queried: {error}"), None
    except ParseError:
        return note_last(trajectory, "no query was in form"), None
    if isinstance(said, Answer) or result is None:
        return trajectory, said if isinstance(said, Answer) else None
    if not any(any(row) for row in result.rows):
        return note_last(trajectory, f"the query gave nothing: {said.sql}"), None
    step = replace(step, evidence=(make_evidence(best, result), *step.evidence))
    trajectory = replace_last(trajectory, step)
    yield Computed(len(trajectory.steps) - 1, step)
    text = read_answer_off(result)
    known = {likely.sql: likely.support for likely in view.likely}
    return trajectory, Answer(said.thought, text, confidence=known.get(said.sql, said.confidence)) if text else None


def find_sure_query(view: TableView) -> LikelyQuery | None:
    """The query that the question means, where that is likely and the question says all that it compares with."""
    best = view.likely[0] if view.likely else None
    return best if best and best.stated and best.support >= SURE_QUERY else None


def _ask_table(
    request: Ask, table: Evidence, prompts: Prompts, *, joined: bool
) -> Flow[tuple[Answer | TableQuery, TableResult | None]]:  # fmt: skip
    """What the policy says, and what its query gave. Raises what the last of several bad replies raised."""
    reply = yield request
    for left in range(RE_ASKS, -1, -1):
        try:
            said = parse.read_table_reply(reply)
            if isinstance(said, Answer):
                return said, None
            return said, (yield Compute(table.kb, table.id, said.sql, joined))
        except (ParseError, QueryError) as error:
            reason = error.reason if isinstance(error, ParseError) else str(error)
            yield Malformed(request.purpose, reason, reply.text)
            if not left:
                raise
        reply = yield prompts.ask_again(request, reply.text, reason)
    raise AssertionError("the last reply is used or raises")
