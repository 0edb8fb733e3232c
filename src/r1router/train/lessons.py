"""Training steps to lessons, questions with their gold chains; and a state of an explored question back to a step.

Online, the policy's own steps make the history, and what would be right next depends on them: the first hop of the
gold chain whose evidence has not been found yet, or to stop where all of it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from r1router.errors import InputError
from r1router.parse import NO_ROUTE
from r1router.train.steps import Gold, Past, StepRow
from r1router.types import Ask, Card, Evidence, Step, Trajectory


@dataclass(frozen=True, slots=True)
class Lesson:
    """A question to explore, and what is known about it."""

    id: str
    """The trajectory's, which its steps' ids begin with."""
    question: str
    picture: str
    hops: tuple[Gold, ...]
    """What is to be found out, in order: sub-question, route, evidence, and answers where they are known."""
    answers: tuple[str, ...]
    """Accepted final answers."""
    source: str = ""


def lessons(rows: Sequence[StepRow]) -> dict[str, Lesson]:
    """The lessons that these steps are cut from, by id. Raises `InputError` where no trajectory has a plan."""
    trajectories: dict[str, list[StepRow]] = {}
    for row in rows:
        trajectories.setdefault(row.id.rsplit("/", 2)[0], []).append(row)
    found = {name: _lesson(name, steps) for name, steps in trajectories.items() if any(s.kind == "plan" for s in steps)}
    if not found:
        raise InputError("online training starts from plan steps with ids TRAJECTORY/INDEX/plan; there are none")
    return found


def _lesson(name: str, steps: Sequence[StepRow]) -> Lesson:
    plans = [step for step in steps if step.kind == "plan"]
    known = {past.sub_question: past.answer for step in steps for past in step.history if past.answer}
    for step in steps:
        if step.kind == "answer" and step.gold.answers:
            known.setdefault(step.sub_question, step.gold.answers[0])
    hops = tuple(
        replace(plan.gold, answers=plan.gold.answers or _one(known.get(plan.gold.sub_question or "")))
        for plan in plans
        if plan.gold.route and not plan.stops
    )
    final = next((step.gold.answers for step in steps if step.kind == "final"), ())
    first = plans[0]
    return Lesson(name, first.question, first.picture, hops, final, first.source)


def _one(answer: str | None) -> tuple[str, ...]:
    return (answer,) if answer else ()


def row(lesson: Lesson, ask: Ask, path: Trajectory, cards: Mapping[str, Card], *, id: str = "") -> StepRow:
    """The training step that this request is, asked when `path` had happened; its gold is what is right now.

    `cards` are the knowledge bases offered, with the names that the lesson's routes use.
    """
    steps = path.steps
    base = StepRow(id, ask.purpose, lesson.question, lesson.picture, source=lesson.source)
    match ask.purpose:
        case "plan":
            gold = _next(lesson, steps)
            return replace(base, history=_history(steps), kbs=tuple(cards.values()), gold=gold)
        case "answer":
            before, step = steps[:-1], steps[-1]
            asked, gold = step.sub_question or "", _read(lesson, before, step)
            return replace(base, history=_history(before), sub_question=asked, evidence=step.evidence, gold=gold)
        case "final":
            return replace(base, history=_history(steps), gold=Gold(answers=lesson.answers))


def _history(steps: Sequence[Step]) -> tuple[Past, ...]:
    return tuple(Past(step.sub_question or "", step.answer, step.routes[0] if step.routes else "") for step in steps)


def _next(lesson: Lesson, steps: Sequence[Step]) -> Gold:
    """The first hop that is still to be made; a stop after the last. Not known where the chain is not."""
    left = _unmet(lesson, steps)
    if left:
        return left[0]
    return Gold(route=NO_ROUTE) if lesson.hops else Gold()


def _read(lesson: Lesson, before: Sequence[Step], step: Step) -> Gold:
    """The answers of the hop that this step's evidence is for; nothing where it is for none that was left."""
    made = next((hop for hop in _unmet(lesson, before) if _meets(hop, step.evidence)), None)
    return Gold(evidence_ids=made.evidence_ids, answers=made.answers) if made else Gold()


def _unmet(lesson: Lesson, steps: Sequence[Step]) -> list[Gold]:
    """Hops whose evidence no step has found; one of which no evidence is known is met by the step in its place."""
    return [
        hop
        for index, hop in enumerate(lesson.hops)
        if not (any(_meets(hop, step.evidence) for step in steps) if hop.evidence_ids else index < len(steps))
    ]


def _meets(hop: Gold, evidence: Sequence[Evidence]) -> bool:
    return any(piece.record in hop.evidence_ids or piece.id in hop.evidence_ids for piece in evidence)
