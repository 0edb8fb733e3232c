"""Gathers training steps into tasks, questions with their gold chains, and cuts explored questions into steps again.

Online, the policy's own steps make the history, and what would be right next depends on them: the first hop of the
gold chain whose evidence has not been found yet, or to stop where all of it has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from r1router.errors import InputError
from r1router.evals.metrics.contains import score as contains
from r1router.evidence.abstaining import abstains
from r1router.kb.collections import Collections, find_collection
from r1router.parse import NO_ROUTE
from r1router.train.steps.step_file import Gold, Past, TrainingStep, is_gold_evidence, is_known
from r1router.types import Ask, Card, Evidence, Image, Sight, Step, Trajectory

_ID = re.compile(r"(.+)/(\d+)/(?:plan|answer|query|final)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Task:
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
    whole: bool = True
    """Whether the chain is known to its end; where it is not, what comes after its last hop is not known either."""
    ordered: bool = True
    """Whether only the first hop that is left is right next, instead of any that is."""
    image: Image | None = None
    """The question's picture where it is at hand; else `picture` says where it lies."""
    collection: str = ""
    """Where its knowledge bases are, of several collections (see `kb.collections`)."""


def gather_tasks(rows: Sequence[TrainingStep]) -> dict[str, Task]:
    """The tasks that these steps are cut from, by id; the order of the steps does not matter.

    Raises `InputError` where no trajectory has a plan, and for an id that does not tell a step's place in one.
    """
    trajectories: dict[str, list[tuple[int, TrainingStep]]] = {}
    for row in rows:
        if row.kind == "rewrite":  # no decision of a question on its way
            continue
        if not (told := _ID.fullmatch(row.id)):
            raise InputError(f"the step {row.id!r} has no id of the form TRAJECTORY/INDEX/KIND, such as q1/0/plan")
        trajectories.setdefault(told[1], []).append((int(told[2]), row))
    found = {
        name: _task(name, [row for _, row in sorted(steps, key=lambda step: step[0])])
        for name, steps in trajectories.items()
        if any(row.kind == "plan" for _, row in steps)
    }
    if not found:
        raise InputError("online training starts from plan steps with ids TRAJECTORY/INDEX/plan; there are none")
    return found


def check_routes(known: Mapping[str, Task], collections: Collections) -> None:
    """Raises `InputError` where a task is sent to a knowledge base that there is not: no reply could be right. The same
    for a collection."""
    by_collection: dict[str, list[Task]] = {}
    for task in known.values():
        by_collection.setdefault(task.collection, []).append(task)
    for name, tasks in by_collection.items():
        kbs = find_collection(collections, name, of=tasks[0].id)
        missing = sorted({hop.route for task in tasks for hop in task.hops if hop.route} - set(kbs))
        if missing:
            where = f" of {name}" if name else ""
            raise InputError(
                f"the steps are sent to {', '.join(missing)}, and the knowledge bases{where} are "
                f"{', '.join(sorted(kbs))}; make the steps with the same --kbs, or give knowledge bases of these names"
            )


def _task(name: str, steps: Sequence[TrainingStep]) -> Task:
    """A chain from its steps, in order. Where a plan was left out, a later step's history tells of it."""
    plans = {len(step.history): step for step in steps if step.kind == "plan"}
    past = max((step.history for step in steps), key=len)
    known: dict[str, tuple[str, ...]] = {p.sub_question: (p.answer,) for p in past if not abstains(p.answer)}
    read = [step for step in steps if step.kind in ("answer", "query") and step.gold.answers]
    known |= {step.sub_question: step.gold.answers for step in read}
    hops = []
    for place in range(max([len(past), *(at + 1 for at in plans)])):
        if place in plans:
            gold = plans[place].gold
        elif past[place].kb and not abstains(past[place].answer):
            gold = Gold("", past[place].sub_question, past[place].kb)
        else:  # a teacher's step that brought nothing
            continue
        if gold.route and gold.route != NO_ROUTE:
            hops.append(replace(gold, answers=gold.answers or known.get(gold.sub_question or "", ())))
    first = next(iter(plans.values()))
    return Task(
        name,
        first.question,
        first.picture,
        tuple(hops),
        next((step.gold.answers for step in steps if step.kind == "final"), ()),
        first.source,
        any(step.stops or step.kind == "final" for step in steps),
    )


def make_step(
    task: Task,
    ask: Ask,
    trajectory: Trajectory,
    cards: Mapping[str, Card],
    *,
    id: str = "",
    given: int = 0,
    sights: Sequence[Sight] = (),
) -> TrainingStep:
    """The training step that this request is, asked when `trajectory` had happened; its gold is what is right now.

    `cards` are the knowledge bases offered, with the names that the task's routes use; `sights` what was seen of them
    before a plan. The first `given` steps made the first hops, whatever they found: the pool said so.
    """
    steps = trajectory.steps
    base = TrainingStep(id, ask.purpose, task.question, task.picture, source=task.source)
    match ask.purpose:
        case "rewrite":  # a task's question stands alone: nothing is known of another form of it
            return base
        case "plan":
            gold = find_next(task, steps, given=given)
            return replace(base, history=_history(steps), kbs=tuple(cards.values()), sights=tuple(sights), gold=gold)
        case "answer" | "query":
            before, step = steps[:-1], steps[-1]
            asked, gold = step.sub_question or "", find_answer(task, before, step, given=given)
            return replace(base, history=_history(before), sub_question=asked, evidence=step.evidence, gold=gold)
        case "final":
            return replace(base, history=_history(steps), gold=Gold(answers=task.answers))


def _history(steps: Sequence[Step]) -> tuple[Past, ...]:
    return tuple(Past(step.sub_question or "", step.answer, step.routes[0] if step.routes else "") for step in steps)


def find_next(task: Task, steps: Sequence[Step], *, given: int = 0) -> Gold:
    """What is right after these steps: the first hop that is still to be made, or any; a stop after the last one.

    Not known where the chain is not.
    """
    left = _unmet(task, steps, given)
    if left:
        return left[0] if task.ordered else _join(left)
    return Gold(route=NO_ROUTE) if task.hops and task.whole else Gold()


def _join(hops: Sequence[Gold]) -> Gold:
    """Any of these hops; its route is known where they agree."""
    routes = {hop.route for hop in hops}
    return Gold(
        route=routes.pop() if len(routes) == 1 else "",
        evidence_ids=tuple(dict.fromkeys(name for hop in hops for name in hop.evidence_ids)),
        evidence_titles=tuple(dict.fromkeys(title for hop in hops for title in hop.evidence_titles)),
        answers=tuple(dict.fromkeys(answer for hop in hops for answer in hop.answers)),
    )


def find_answer(task: Task, before: Sequence[Step], step: Step, *, given: int = 0) -> Gold:
    """The answers of the hop that this step's evidence is for; nothing where it is for none that was left."""
    if len(before) < given:
        return Gold(answers=task.hops[len(before)].answers)
    made = next((hop for hop in _unmet(task, before, given) if is_made(hop, step.evidence)), None)
    if made is None:
        return Gold()
    return Gold(evidence_ids=made.evidence_ids, evidence_titles=made.evidence_titles, answers=made.answers)


def _unmet(task: Task, steps: Sequence[Step], given: int = 0) -> list[Gold]:
    """Hops that no step has made. A step makes one at most, the first of those left whose evidence it has found,
    though it may have found more; a hop of which no evidence is known is made by the step in its place."""
    left = list(enumerate(task.hops))[given:]
    for place, step in enumerate(steps[given:], given):
        made = next(
            (at for at, (index, hop) in enumerate(left)
             if (index == place if _is_by_place(hop) else is_made(hop, step.evidence))), None,
        )  # fmt: skip
        if made is not None:
            del left[made]
    return [hop for _, hop in left]


def _is_by_place(hop: Gold) -> bool:
    """Whether it cannot be told from the evidence that this hop was made."""
    return not is_known(hop) and (hop.sub_question is not None or not hop.answers)


def is_made(hop: Gold, evidence: Sequence[Evidence]) -> bool:
    """Whether this evidence is what the hop had to find, or says its answer where only that is known."""
    if is_known(hop):
        return any(is_gold_evidence(hop, piece) for piece in evidence)
    return not _is_by_place(hop) and any(contains(piece.text, hop.answers) > 0 for piece in evidence)
