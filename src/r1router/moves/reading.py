"""Reads a step's answer from its evidence: from tables and from the rest, each for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from r1router import parse
from r1router.moves.asking import Flow, ask_answer
from r1router.moves.changes import fill_in, note_last, put_first, replace_last
from r1router.moves.pictures import name_picture
from r1router.moves.querying import QUERY, READ, Views, is_of_table, query_table, rank_tables, take_in_turn
from r1router.prompts import Prompts
from r1router.tables.view import TableView
from r1router.types import Answer, Answered, Evidence, Trajectory

SURE_READING = 0.5
"""With less confidence, what is read of the question's picture is no answer yet, and what a second step read elsewhere
is no better than what the first one said."""


class Reading(NamedTuple):
    """What a part of the evidence says, and the trajectory with that part before all others."""

    of_table: bool
    trajectory: Trajectory
    answer: Answer


def read(
    trajectory: Trajectory,
    prompts: Prompts,
    *,
    template: str = "answer_step",
    tables: str = READ,
    picture_alone: bool = False,
) -> Flow[Trajectory]:
    """The trajectory with its last step answered by the policy from that step's evidence.

    With `tables=query` it may query the table that is its best evidence; what that gives is the answer, or is read.
    What does not say it is put aside, and what else was found is asked: the next table, or all that is from no table.
    A step that was unsure of its route reads both, tables and the rest, and the likelier answer stands.

    With `picture_alone`, where answers are copied, a first step that found the question's picture reads what is known
    of that alone. Where this hardly answers, what the picture is called is the step's answer.
    """
    found, unsure = trajectory.steps[-1].evidence, len(trajectory.steps[-1].routes) > 1
    parts: Sequence[tuple[Evidence, ...]] = [found]
    views: Views = {}
    named = name_picture(trajectory) if prompts.copied_answers else ""
    if named and picture_alone:
        parts = [found[:1]]
    elif tables == QUERY and prompts.table_queries:
        parts, views = yield from rank_tables(take_in_turn(found), trajectory.steps[-1].sub_question or "", prompts)
    readings: list[Reading] = []
    for part in parts:
        told = [reading for reading in readings if reading.answer.text != parse.UNKNOWN]
        if any(not unsure or reading.of_table == is_of_table(part) for reading in told):
            continue
        view = views.get((part[0].kb, part[0].id)) if part else None
        readings.append((yield from _read_part(trajectory, part, prompts, view, template=template, tables=tables)))
    best = choose_reading(readings)
    if named and (best.answer.text == parse.UNKNOWN or (picture_alone and not _is_sure(best.answer))):
        return (yield from settle(best.trajectory, Answer("The picture was found.", named)))
    if best.answer.text == parse.UNKNOWN and len(readings) > 1:
        best = best._replace(trajectory=put_first(best.trajectory, found))
    for other in readings:
        if other is not best and other.answer.text not in (parse.UNKNOWN, best.answer.text):
            best = best._replace(
                trajectory=note_last(best.trajectory, f"{other.answer.text!r} was read, too, and is less likely")
            )
    return (yield from settle(best.trajectory, best.answer))


def _read_part(
    trajectory: Trajectory,
    part: tuple[Evidence, ...],
    prompts: Prompts,
    view: TableView | None,
    *,
    template: str,
    tables: str,
) -> Flow[Reading]:
    of_table = is_of_table(part)
    trajectory, told = yield from query_table(put_first(trajectory, part), prompts, tables=tables, view=view)
    if told is None:
        before, step = replace(trajectory, steps=trajectory.steps[:-1]), trajectory.steps[-1]
        step = step if of_table else replace(step, evidence=part)
        told = yield from ask_answer(prompts.answer_step(before, step, template=template), prompts)
    return Reading(of_table, trajectory, told)


def choose_reading(readings: Sequence[Reading]) -> Reading:
    """The answer that is likeliest, the first where a backend tells no confidence; the last, where none says anything.

    That texts do not say it is told with a confidence, too; that a table was not asked says nothing of the others.
    """
    told = [reading for reading in readings if reading.answer.text != parse.UNKNOWN]
    if not told:
        return readings[-1]
    if len(readings) == 1 or any(reading.answer.confidence is None for reading in readings):
        return told[0]
    weighed = [reading for reading in readings if reading in told or not reading.of_table]
    return max(weighed, key=lambda reading: reading.answer.confidence or 0.0)


def _is_sure(answer: Answer) -> bool:
    return answer.confidence is None or answer.confidence >= SURE_READING


def settle(trajectory: Trajectory, answer: Answer) -> Flow[Trajectory]:
    """The trajectory with this answer in its last step."""
    step = fill_in(trajectory.steps[-1], answer)
    trajectory = replace_last(trajectory, step)
    yield Answered(len(trajectory.steps) - 1, step)
    return trajectory
