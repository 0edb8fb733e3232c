"""Makes the moves that methods consist of: ask until it parses, plan a step, retrieve, read, conclude.

Each is a generator to be used with `yield from`: it yields requests (`Ask`, `Search`) and receives what they
bring (`Reply`, a ranking for each route), and it yields news (`Planned`, `Retrieved`, …) and receives nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

from r1router import parse
from r1router.conversation import join_last_question, put_in_full
from r1router.errors import BudgetSpent, InputError, KnowledgeBaseError, ParseError, QueryError, UnknownName
from r1router.evidence.cite import cite
from r1router.evidence.fuse import fuse
from r1router.evidence.support import Support, judge, measure_support
from r1router.evidence.versions import keep_newer
from r1router.evidence.words import read_words, tell_language
from r1router.prompts import Prompts
from r1router.routing.odds import estimate_probabilities, fuse_odds
from r1router.routing.sights import LOOK, bring_less, describe_sights, name_records
from r1router.table import TableResult
from r1router.tables.choosing import weigh_table
from r1router.tables.results import make_evidence, read_answer_off
from r1router.tables.view import LikelyQuery, TableView
from r1router.types import (
    Answer,
    Answered,
    Ask,
    Card,
    Compute,
    Computed,
    Event,
    Evidence,
    Image,
    Inspect,
    Malformed,
    Planned,
    Query,
    Question,
    Reply,
    Retrieved,
    Rewritten,
    Search,
    Sight,
    Step,
    TableQuery,
    Trajectory,
)

T = TypeVar("T")
Flow = Generator[Ask | Search | Inspect | Compute | Event, Any, T]
"""What a method and each of its moves is: requests and news out, replies in, a result at the end."""

SURE_QUERY = 0.5
"""From this probability of its answer on, a likely query is asked though the policy reads nothing in the table.

Of 73 questions over tables written by hand, kept apart, 21 had one so likely that says all it compares with, 18 of them
right (0.88: 12, all right); of 56 whose rows were taken out of the table, 8; of 73 asked of another table, 3."""
SURE_READING = 0.5
"""With less confidence, what is read of the question's picture is no answer yet: what it shows is looked up."""
WHOLE = 0.9
"""A sub-question with so large a share of the question's telling words asks all of it."""
IN_TURN = 3
"""So many tables and the rest are asked at most where nothing says what is asked."""
RE_ASKS = 2
"""How often a malformed reply is asked for again before it counts as a format error for good."""


Views = dict[tuple[str, str], TableView]
"""What a question touches in tables, by the knowledge base and the id of a piece of each."""
QUERY, READ = "query", "read"
"""What a method does with the tables that it finds."""


def ask(request: Ask, read: Callable[[Reply], T], prompts: Prompts) -> Flow[T]:
    """The parsed reply to a request. Raises `ParseError` when the last re-ask is malformed too.

    So it does for a final answer that the budget does not allow to ask for again: a malformed one is better than none.
    """
    reply = yield request
    for left in range(RE_ASKS, -1, -1):
        try:
            return read(reply)
        except ParseError as error:
            reason = f"{error.reason}; the reply was cut off" if reply.truncated else error.reason
            yield Malformed(request.purpose, reason, error.reply)
            if not left:
                raise
            try:
                reply = yield prompts.ask_again(request, error.reply, reason)
            except BudgetSpent:
                if request.purpose == "final":
                    raise error from None
                raise
    raise AssertionError("the last reply is read or raises")


def ask_answer(request: Ask, prompts: Prompts) -> Flow[Answer]:
    """The answer to a request; where no reply parses, what can be salvaged from the last one."""
    try:
        answer = yield from ask(request, parse.read_answer, prompts)
    except ParseError as error:
        answer = parse.salvage_answer(error.reply)
    return answer


def rewrite(question: Question, prompts: Prompts) -> Flow[Question]:
    """The question as it stands alone: itself where nothing was said before it.

    The policy rewrites it; where the prompt set has none rewritten, or no reply is in form, a short one gets those of
    the question before in front.
    """
    if not question.turns or question.typed:
        return question
    text = join_last_question(question)
    if prompts.rewrites_questions:
        try:
            said = yield from ask(prompts.rewrite(question), parse.read_query, prompts)
            text = said.sub_question or question.text
        except (ParseError, BudgetSpent):
            pass
    question = put_in_full(question, text)
    yield Rewritten(question)
    return question


def plan(
    trajectory: Trajectory,
    kbs: Mapping[str, Card],
    prompts: Prompts,
    *,
    look: bool = False,
    template: str = "next_step",
) -> Flow[Step]:
    """The next step: a thought, a sub-question and its route, or no sub-question when the policy stops.

    With `look` the policy sees what every knowledge base would bring for the question and the answers so far, and
    the route is chosen by its label probabilities and by what they would bring for its sub-question. A first
    sub-question that would bring much less than the question has lost what was asked, and so has one that asks for what
    an earlier step did not find: the question takes its place.
    """
    wanted = write_need(trajectory)
    shown = sights = (yield from look_around(trajectory, kbs, wanted)) if look else ()
    read = partial(parse.read_step, routes=prompts.labels(kbs))
    step = yield from ask(prompts.next_step(trajectory, kbs, sights=shown, template=template), read, prompts)
    step = replace(step, sights=shown)
    if look and prompts.copied_answers:
        step = _ask_of_picture(trajectory, kbs, step)
        if _find_picture_name(trajectory):  # pictures have said what they can
            kbs = {name: card for name, card in kbs.items() if card.kind != "image"} or kbs
    if look and step.sub_question is not None:
        if is_for_unknown(trajectory, step):
            note = f"the policy asked {step.sub_question!r}, though that was not found"
            step = _add_note(replace(step, sub_question=trajectory.question.text), note)
        asked = step.sub_question or ""
        if asked != wanted:
            sights = yield from look_around(trajectory, kbs, asked)
            if not trajectory.steps and bring_less(sights, shown):
                note = f"the policy asked {asked!r}, which finds less than the question itself"
                step, sights = _add_note(replace(step, sub_question=wanted), note), shown
        told = step.probabilities or estimate_probabilities(step.routes[0], kbs)
        sights = tuple(sight for sight in sights if sight.kb in kbs)
        told = {name: p for name, p in told.items() if name in kbs or name == parse.NO_ROUTE}
        fused = fuse_odds(prompts.odds, sights, kbs, told, picture=is_picture_unseen(trajectory, kbs))
        step = _follow_odds(replace(step, probabilities=fused))
    yield Planned(len(trajectory.steps), step)
    return step


def _ask_of_picture(trajectory: Trajectory, kbs: Mapping[str, Card], step: Step) -> Step:
    """The step with what it has to ask where the question comes with a picture, whatever the policy, which has not seen
    it, wrote: first the question itself, searched with the picture; then, where all that is known is what the picture
    shows, the question about that."""
    question, named = trajectory.question.text, _find_picture_name(trajectory)
    if not trajectory.steps and is_picture_unseen(trajectory, kbs):
        asked = question
    elif named and len(trajectory.steps) == 1:
        asked = f"{named}: {question}"
    else:
        return step
    if step.sub_question == asked:
        return step
    wrote = "stopped" if step.sub_question is None else f"asked {step.sub_question!r}"
    routes = step.routes or (next(iter(kbs)),)
    step = replace(step, sub_question=asked, routes=routes)
    return _add_note(step, f"the policy {wrote}; what the picture shows is asked for")


def is_for_unknown(trajectory: Trajectory, step: Step) -> bool:
    """Whether the sub-question takes "unknown", which is an earlier step's answer, for the name of something."""
    unknown = any(before.answer == parse.UNKNOWN for before in trajectory.steps)
    asked, question = (text.casefold() for text in (step.sub_question or "", trajectory.question.text))
    return unknown and parse.UNKNOWN in asked and parse.UNKNOWN not in question


def is_picture_unseen(trajectory: Trajectory, kbs: Mapping[str, Card]) -> bool:
    """Whether the question comes with a picture that no step has searched pictures for."""
    searched = (kbs[name].kind for step in trajectory.steps for name in step.routes if name in kbs)
    return trajectory.question.image is not None and "image" not in searched


def write_need(trajectory: Trajectory) -> str:
    """The words to look with before the next plan: the question and the answers so far."""
    return " ".join([trajectory.question.text, *(step.answer for step in trajectory.steps)])


def look_around(trajectory: Trajectory, kbs: Mapping[str, Card], text: str) -> Flow[tuple[Sight, ...]]:
    """What every knowledge base would bring for these words, and for the question's picture."""
    names = tuple(kbs)
    rankings = yield Search(names, Query(text, trajectory.question.image), LOOK, look=True)
    return describe_sights(text, dict(zip(names, rankings, strict=True)), name_records(trajectory.steps))


def _follow_odds(step: Step) -> Step:
    """The step with its most probable route; the policy's own among equals, and where nothing is known."""
    own = step.routes[0]
    known = {name: p for name, p in step.probabilities.items() if name != parse.NO_ROUTE}
    best = max(known, key=lambda name: known[name], default=own)
    if known.get(best, 0.0) <= known.get(own, 0.0):
        return step
    return _add_note(replace(step, routes=(best,)), f"the policy named {own}; {best} has nearer entries")


def widen(step: Step, min_confidence: float, search_all_below: float) -> Step:
    """The step with more routes where it is unsure of its own: less probable than `min_confidence`, the second most
    probable one too; less than `search_all_below`, all others. Where no probabilities are known, as it is."""
    own = step.routes[0]
    others = sorted(
        (name for name in step.probabilities if name not in (own, parse.NO_ROUTE)),
        key=lambda name: -step.probabilities[name],
    )
    sure = step.probabilities.get(own, 1.0) + step.probabilities.get(parse.NO_ROUTE, 0.0)
    if not others or sure >= min_confidence:
        return step
    more = others if sure < search_all_below else others[:1]
    return _add_note(replace(step, routes=(own, *more)), f"unsure of {own}; searched {', '.join(more)} too")


def plan_query(
    trajectory: Trajectory, routes: tuple[str, ...], prompts: Prompts, *, template: str, think: bool = True
) -> Flow[Step]:
    """The next step of a method that does not route: what the policy wants to know is searched in `routes`."""
    step = yield from ask(prompts.next_query(trajectory, template=template, think=think), parse.read_query, prompts)
    if step.sub_question is not None:
        step = replace(step, routes=routes)
    yield Planned(len(trajectory.steps), step)
    return step


def was_asked_before(trajectory: Trajectory, step: Step) -> bool:
    """Whether an earlier step sent the same words, but for case and spaces, to the same knowledge base."""

    def key(s: Step) -> tuple[str, tuple[str, ...]]:
        return " ".join((s.sub_question or "").casefold().split()), s.routes[:1]

    return key(step) in map(key, trajectory.steps)


def pin_routes(kb: str, kbs: Mapping[str, Card]) -> tuple[str, ...]:
    """Where a method that does not route searches: in the named knowledge base, in all where the name is empty."""
    if kb and kb not in kbs:
        raise UnknownName("knowledge base", kb, kbs)
    return (kb,) if kb else tuple(kbs)


def search(
    routes: tuple[str, ...], text: str, image: Image | None, k: int, *, weights: Sequence[float] | None = None
) -> Flow[tuple[Evidence, ...]]:
    """The `k` best entries of these knowledge bases, their rankings fused where there are several.

    `weights`: how much the ranking of each route counts, alike where not given.
    """
    rankings = yield Search(routes, Query(text, image), k)
    return tuple(rankings[0] if len(rankings) == 1 else fuse(rankings, k, weights))


def retrieve(trajectory: Trajectory, step: Step, k: int) -> Flow[Trajectory]:
    """The trajectory and this step with its evidence; where its route has none, the next likely one is searched.

    Newer versions of a document come before older ones, or in their place, and the step's note says so.
    """
    question = trajectory.question
    weights = [max(step.probabilities.get(name, 0.0), 0.01) for name in step.routes] if step.sights else None
    evidence = yield from search(step.routes, step.sub_question or "", question.image, k, weights=weights)
    if not evidence:
        untried = {name: p for name, p in step.probabilities.items() if name not in (*step.routes, parse.NO_ROUTE)}
        if untried:
            second = max(untried, key=lambda name: untried[name])
            evidence = yield from search((second,), step.sub_question or "", question.image, k)
            note = f"{', '.join(step.routes)} had no evidence; searched {second} instead"
            step = _add_note(replace(step, routes=(*step.routes, second)), note)
    evidence, versions = keep_newer(step.sub_question or "", evidence)
    step = _add_note(replace(step, evidence=evidence), versions)
    yield Retrieved(len(trajectory.steps), step)
    return trajectory.add(step)


def look_up(trajectory: Trajectory, text: str, routes: tuple[str, ...], k: int) -> Flow[Trajectory]:
    """The trajectory and a step whose query the method itself sets, with its evidence."""
    step = Step(sub_question=text, routes=routes)
    yield Planned(len(trajectory.steps), step)
    return (yield from retrieve(trajectory, step, k))


def read(
    trajectory: Trajectory, prompts: Prompts, *, template: str = "answer_step", tables: str = READ
) -> Flow[Trajectory]:
    """The trajectory with its last step answered by the policy from that step's evidence.

    With `tables=query` it may query the table that is its best evidence; what that gives is the answer, or is read.
    What does not say it is put aside, and what else was found is asked: the next table, or all that is from no table.
    A step that was unsure of its route reads both, tables and the rest, and the likelier answer stands.
    """
    found, unsure = trajectory.steps[-1].evidence, len(trajectory.steps[-1].routes) > 1
    parts: Sequence[tuple[Evidence, ...]] = [found]
    views: Views = {}
    if prompts.copied_answers and name_picture(trajectory):
        parts = [found[:1]]  # the picture that the question is about
    elif tables == QUERY and prompts.table_queries:
        parts, views = yield from rank_tables(take_in_turn(found), trajectory.steps[-1].sub_question or "", prompts)
    readings: list[Reading] = []
    for part in parts:
        told = [reading for reading in readings if reading.answer.text != parse.UNKNOWN]
        if any(not unsure or reading.of_table == _is_of_table(part) for reading in told):
            continue
        view = views.get((part[0].kb, part[0].id)) if part else None
        readings.append((yield from _read_part(trajectory, part, prompts, view, template=template, tables=tables)))
    best = choose_reading(readings)
    if prompts.copied_answers and (named := name_picture(trajectory)) and not _is_sure(best.answer):
        return (yield from settle(best.trajectory, Answer("The picture was found.", named)))
    if best.answer.text == parse.UNKNOWN and len(readings) > 1:
        best = best._replace(trajectory=_put_first(best.trajectory, found))
    for other in readings:
        if other is not best and other.answer.text not in (parse.UNKNOWN, best.answer.text):
            best = best._replace(
                trajectory=_noted(best.trajectory, f"{other.answer.text!r} was read, too, and is less likely")
            )
    return (yield from settle(best.trajectory, best.answer))


def _is_sure(answer: Answer) -> bool:
    return answer.text != parse.UNKNOWN and (answer.confidence is None or answer.confidence >= SURE_READING)


def name_picture(trajectory: Trajectory) -> str:
    """What is written of the question's picture where the last step searched with it first: its caption, up to a point
    or a colon, else its title. The policy, which has not seen it, can go on with that."""
    first = trajectory.steps[-1].evidence[:1] if len(trajectory.steps) == 1 and trajectory.question.image else ()
    if not first or not first[0].image:
        return ""
    title = " ".join(first[0].title.split())
    caption = " ".join(first[0].text.split()).removeprefix(title).strip()
    return re.split(r"[.:;](?: |$)", caption)[0] or title


def _find_picture_name(trajectory: Trajectory) -> str:
    """What the first step called the question's picture, where that was all it found."""
    named = name_picture(replace(trajectory, steps=trajectory.steps[:1])) if trajectory.steps else ""
    return named if named and trajectory.steps[0].answer == named else ""


class Reading(NamedTuple):
    """What a part of the evidence says, and the trajectory with that part before all others."""

    of_table: bool
    trajectory: Trajectory
    answer: Answer


def _read_part(
    trajectory: Trajectory,
    part: tuple[Evidence, ...],
    prompts: Prompts,
    view: TableView | None,
    *,
    template: str,
    tables: str,
) -> Flow[Reading]:
    of_table = _is_of_table(part)
    trajectory, told = yield from query_table(_put_first(trajectory, part), prompts, tables=tables, view=view)
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


def _is_of_table(part: tuple[Evidence, ...]) -> bool:
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
    tables = [part for part in parts if _is_of_table(part)]
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
    return [next(ranked) if _is_of_table(part) else part for part in parts], views


def _inspect(piece: Evidence, question: str, prompts: Prompts) -> Inspect:
    return Inspect(piece.kb, piece.id, question, prompts.joined_tables, likely=prompts.likely_queries)


def _put_first(trajectory: Trajectory, part: tuple[Evidence, ...]) -> Trajectory:
    """The trajectory whose last step has these pieces of its evidence before all others."""
    step = trajectory.steps[-1]
    evidence = (*part, *(piece for piece in step.evidence if piece not in part))
    return _replace_last(trajectory, replace(step, evidence=evidence))


def _replace_last(trajectory: Trajectory, step: Step) -> Trajectory:
    """The trajectory with this step in place of its last one."""
    return replace(trajectory, steps=(*trajectory.steps[:-1], step))


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
        return _noted(trajectory, f"the table was not queried: {error}"), None
    except ParseError:
        return _noted(trajectory, "no query was in form"), None
    if isinstance(said, Answer) or result is None:
        return trajectory, said if isinstance(said, Answer) else None
    if not any(any(row) for row in result.rows):
        return _noted(trajectory, f"the query gave nothing: {said.sql}"), None
    step = replace(step, evidence=(make_evidence(best, result), *step.evidence))
    trajectory = _replace_last(trajectory, step)
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


def _noted(trajectory: Trajectory, note: str) -> Trajectory:
    """The trajectory whose last step says this too."""
    return _replace_last(trajectory, _add_note(trajectory.steps[-1], note))


def _add_note(step: Step, note: str) -> Step:
    """The step that says this too."""
    return replace(step, note="; ".join(filter(None, (step.note, note))))


def settle(trajectory: Trajectory, answer: Answer) -> Flow[Trajectory]:
    """The trajectory with this answer in its last step."""
    step = _fill_in(trajectory.steps[-1], answer)
    trajectory = _replace_last(trajectory, step)
    yield Answered(len(trajectory.steps) - 1, step)
    return trajectory


def _fill_in(step: Step, answer: Answer) -> Step:
    """The step with this answer."""
    return replace(
        step, answer_thought=answer.thought, answer=answer.text, confidence=answer.confidence, doubt=answer.doubt
    )


def conclude(
    trajectory: Trajectory, request: Ask, stop: str, prompts: Prompts, *, verify: bool = False
) -> Flow[Trajectory]:
    """The finished trajectory: the final answer with the evidence that it rests on.

    With `verify` it is judged by its evidence, where the prompt set has weights for that (see `evidence.support`).

    Where the budget does not even leave room for that, the last step's answer stands in for it.
    """
    try:
        answer = yield from ask_answer(request, prompts)
    except BudgetSpent as spent:
        answer, stop = (
            Answer("", next((step.answer for step in reversed(trajectory.steps) if step.answer), "")),
            spent.budget,
        )
    return finish(trajectory, answer, stop, prompts, verify=verify)


def finish(
    trajectory: Trajectory,
    answer: Answer,
    stop: str,
    prompts: Prompts,
    *,
    verify: bool = False,
    rests_on: Trajectory | None = None,
) -> Trajectory:
    """The finished trajectory with this answer, its citations and, with `verify`, how it stands to them.

    `rests_on`: the trajectory whose steps it is cited and judged by; the same one where not given.
    """
    rests_on = rests_on or trajectory
    if answer.text == parse.UNKNOWN and prompts.copied_answers:
        answer = replace(answer, text=_find_picture_name(trajectory) or answer.text)
    answer = replace(answer, citations=cite(rests_on.steps, answer.text))
    if verify and prompts.support is not None:
        answer = verify_answer(rests_on, answer, prompts.support)
    return trajectory.finish(answer, stop)


def read_again(trajectory: Trajectory, prompts: Prompts) -> Flow[Trajectory | None]:
    """The question itself, read in all that the steps found, as a trajectory of one step; None where that is no use.

    A policy that copies its answers may ask on after it knew enough, or for what it misread. Where its last
    sub-question found nothing, what was asked in the first place may still stand in what was found on the way.
    """
    steps = trajectory.steps
    if not steps or steps[-1].answer != parse.UNKNOWN or _asks_question_itself(trajectory, steps[-1]):
        return None
    if _find_picture_name(trajectory):
        return None
    found = {(item.kb, item.id): item for step in steps for item in step.evidence if item.result is None}
    step = Step(sub_question=trajectory.question.text, evidence=tuple(found.values()))
    start = Trajectory(trajectory.question)
    try:
        answer = yield from ask_answer(prompts.answer_step(start, step), prompts)
    except BudgetSpent:
        return None
    if answer.text == parse.UNKNOWN:
        return None
    return start.add(_fill_in(step, answer))


def find_earlier_answer(trajectory: Trajectory) -> Trajectory | None:
    """The first step alone, where the last one asked the whole question once more and its answer is less likely; else
    None.

    A small policy takes a question of one step for one of two: it asks "Which one is meant: …", reads the answer off,
    and asks on. A less likely answer that is from the same knowledge base, or from no sure reading elsewhere, says
    nothing against the first; a sure one from elsewhere goes on from it, and stands.
    """
    if len(trajectory.steps) < 2:
        return None
    first, last = trajectory.steps[0], trajectory.steps[-1]
    told = all(step.answer not in ("", parse.UNKNOWN) and step.evidence for step in (first, last))
    if not told or not all(_says_question(trajectory, step) for step in (first, last)):
        return None
    sure, later = first.confidence, last.confidence
    if sure is None or later is None or sure <= later:
        return None
    goes_on = first.evidence[0].kb != last.evidence[0].kb and later >= SURE_READING
    return None if goes_on else replace(trajectory, steps=(first,))


def _says_question(trajectory: Trajectory, step: Step) -> bool:
    """Whether the sub-question holds nearly all telling words of the question."""
    language = tell_language(trajectory.question.text)
    asked = frozenset(read_words(trajectory.question.text, language))
    held = asked & frozenset(read_words(step.sub_question or "", language))
    return len(held) >= WHOLE * len(asked)


def repeat_only_answer(trajectory: Trajectory) -> Answer | None:
    """The answer of the last step, where it was asked in the question's own words: all that is to be said."""
    step = trajectory.steps[-1] if trajectory.steps else Step()
    return repeat_answer(step) if step.answer and _asks_question_itself(trajectory, step) else None


def repeat_answer(step: Step) -> Answer:
    """The step's answer as the final one."""
    return Answer(step.answer_thought, step.answer, confidence=step.confidence, doubt=step.doubt)


def _asks_question_itself(trajectory: Trajectory, step: Step) -> bool:
    return (step.sub_question or "").split() == trajectory.question.text.split()


def verify_answer(trajectory: Trajectory, answer: Answer, support: Support) -> Answer:
    """The answer with how it stands to its evidence, as its weakest step does; "unknown" where that is too weak.

    A last step that asks the question itself stands alone: it rests on none before it. So does the picture's name, and
    what is looked up by that name.
    """
    if not trajectory.steps or answer.text.strip(" .").casefold() in ("", parse.UNKNOWN):
        guess = "" if answer.text.casefold() == parse.UNKNOWN else answer.text
        return replace(answer, text=parse.UNKNOWN, guess=guess, ending="not_found", support=0.0, citations=())
    steps = trajectory.steps
    named = _find_picture_name(trajectory)
    if answer.text == named:
        steps = steps[:1]
    elif _asks_question_itself(trajectory, steps[-1]):
        steps = steps[-1:]
    elif named:
        steps = steps[1:] or steps
    told, ending = min((judge(support, measure_step(step)) for step in steps), key=lambda judged: judged[0])
    judged = replace(answer, support=round(told, 3), ending=ending)
    if ending != "not_found":
        return judged
    return replace(judged, text=parse.UNKNOWN, guess=answer.text, citations=())


def measure_step(step: Step) -> Mapping[str, float]:
    """What tells whether the step's evidence supports its answer."""
    asked = step.sub_question or ""
    return measure_support(asked, step.answer, step.evidence, confidence=step.confidence, doubt=step.doubt)
