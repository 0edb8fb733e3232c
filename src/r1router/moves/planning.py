"""Plans the next step: what is asked, and of which knowledge bases, by what the policy says and what a look sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from r1router import parse
from r1router.errors import UnknownName
from r1router.moves.asking import Flow, ask
from r1router.moves.changes import add_note
from r1router.moves.pictures import ask_of_picture, drop_pictures, drop_preface, find_picture_name, is_picture_unseen
from r1router.prompts import Prompts
from r1router.routing.odds import estimate_probabilities, fuse_odds
from r1router.routing.sights import LOOK, bring_less, describe_sights, name_records
from r1router.types import Card, Planned, Query, Search, Sight, Step, Trajectory


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
    possible = kbs
    if look and prompts.copied_answers:
        step = drop_preface(trajectory, kbs, ask_of_picture(trajectory, kbs, step))
        if find_picture_name(trajectory):  # pictures have said what they can
            possible = drop_pictures(kbs) or kbs
    if look and step.sub_question is not None:
        if is_for_unknown(trajectory, step):
            note = f"the policy asked {step.sub_question!r}, though that was not found"
            step = add_note(replace(step, sub_question=trajectory.question.text), note)
        asked = step.sub_question or ""
        if asked != wanted:
            sights = yield from look_around(trajectory, possible, asked)
            if not trajectory.steps and bring_less(sights, shown):
                note = f"the policy asked {asked!r}, which finds less than the question itself"
                step, sights = add_note(replace(step, sub_question=wanted), note), shown
        told = step.probabilities or estimate_probabilities(step.routes[0], kbs)
        sights = tuple(sight for sight in sights if sight.kb in possible)
        told = {name: p for name, p in told.items() if name in possible or name == parse.NO_ROUTE}
        unseen, later = is_picture_unseen(trajectory, kbs), bool(trajectory.steps)
        fused = fuse_odds(prompts.odds, sights, kbs, told, picture=unseen, later=later)
        step = _follow_odds(replace(step, probabilities=fused))
    yield Planned(len(trajectory.steps), step)
    return step


def is_for_unknown(trajectory: Trajectory, step: Step) -> bool:
    """Whether the sub-question takes "unknown", which is an earlier step's answer, for the name of something."""
    unknown = any(before.answer == parse.UNKNOWN for before in trajectory.steps)
    asked, question = (text.casefold() for text in (step.sub_question or "", trajectory.question.text))
    return unknown and parse.UNKNOWN in asked and parse.UNKNOWN not in question


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
    return add_note(replace(step, routes=(best,)), f"the policy named {own}; {best} has nearer entries")


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
    return add_note(replace(step, routes=(own, *more)), f"unsure of {own}; searched {', '.join(more)} too")


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
