"""Searches the knowledge bases of a step and gives the step its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from r1router import parse
from r1router.evidence.fuse import fuse
from r1router.evidence.versions import keep_newer
from r1router.moves.asking import Flow
from r1router.moves.changes import add_note
from r1router.types import Evidence, Image, Planned, Query, Retrieved, Search, Step, Trajectory


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
            step = add_note(replace(step, routes=(*step.routes, second)), note)
    evidence, versions = keep_newer(step.sub_question or "", evidence)
    step = add_note(replace(step, evidence=evidence), versions)
    yield Retrieved(len(trajectory.steps), step)
    return trajectory.add(step)


def look_up(trajectory: Trajectory, text: str, routes: tuple[str, ...], k: int) -> Flow[Trajectory]:
    """The trajectory and a step whose query the method itself sets, with its evidence."""
    step = Step(sub_question=text, routes=routes)
    yield Planned(len(trajectory.steps), step)
    return (yield from retrieve(trajectory, step, k))
