"""Searches the knowledge bases that a step was not sent to, because its answer may have been there."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from r1router import parse
from r1router.drive.flow import Served, measure_time
from r1router.drive.in_flight import Tell, map_in_flight
from r1router.drive.record import Recording
from r1router.errors import ParseError, UnknownName
from r1router.evals.metrics import length_aware
from r1router.evals.run import RunLine, RunSettings
from r1router.prompts import Prompts, choose_prompts
from r1router.types import Ask, Evidence, KnowledgeBase, Policy, Query, Reply, Step

_BATCH = 256
_RIGHT = 0.5
"""Least length-aware score of a right answer."""


@dataclass(frozen=True, slots=True)
class Searched:
    """One step that searched, and what the other knowledge bases have for its sub-question."""

    row: RunLine
    at: int
    """0-based number of the step."""
    elsewhere: Mapping[str, tuple[Evidence, ...]]

    @property
    def step(self) -> Step:
        return self.row.trajectory.steps[self.at]


def search_elsewhere(
    settings: RunSettings, rows: Iterable[RunLine], kbs: Mapping[str, KnowledgeBase], *, tell: Tell | None = None
) -> list[Searched]:
    """Every step that searched, in order. Equal queries are made once, all in batches.

    Only the knowledge bases that the run had are searched. Raises `UnknownName` where one is not in `kbs`.
    """
    for name in settings.kbs:
        if name not in kbs:
            raise UnknownName("knowledge base", name, kbs)
    steps = [(row, at) for row in rows for at, step in enumerate(row.trajectory.steps) if step.routes]
    queries: dict[str, dict[str, Query]] = {name: {} for name in settings.kbs}
    for row, at in steps:
        query = _query(row, at)
        for name in settings.kbs:
            if name not in row.trajectory.steps[at].routes:
                queries[name][_key(query)] = query
    total = sum(map(len, queries.values()))
    found: dict[tuple[str, str], tuple[Evidence, ...]] = {}
    for name, of_kb in queries.items():
        keys = list(of_kb)
        for start in range(0, len(keys), _BATCH):
            part = keys[start : start + _BATCH]
            rankings = kbs[name].search([of_kb[key] for key in part], k=settings.k)
            found |= {(name, key): tuple(ranking) for key, ranking in zip(part, rankings, strict=True)}
            if tell:
                tell(len(found), total)
    return [
        Searched(
            row,
            at,
            {
                name: found[name, _key(_query(row, at))]
                for name in settings.kbs
                if name not in row.trajectory.steps[at].routes
            },
        )
        for row, at in steps
    ]


def _query(row: RunLine, at: int) -> Query:
    return Query(row.trajectory.steps[at].sub_question or "", row.trajectory.question.image)


def _key(query: Query) -> str:
    picture = hashlib.sha256(query.image.data).hexdigest() if query.image else ""
    return f"{picture} {query.text}"


# ── answers from there ─────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Answers:
    """The steps whose sub-question was answered from the other knowledge bases' evidence too."""

    steps: int
    right: int
    """The answer that the step gave was right."""
    regret: int
    """It was not, and the one from another knowledge base's evidence was."""


async def read_elsewhere(
    searched: Sequence[Searched],
    targets: Sequence[Sequence[str]],
    *,
    policy: Policy,
    record: Recording,
    prompts: Prompts | None = None,
    in_flight: int = 16,
    tell: Tell | None = None,
) -> dict[str, Answers]:
    """By method, how often reading another knowledge base's evidence gives a right answer where the step gave none.

    `targets` are the answers that each step could give; a step without any, or one whose method does not answer
    sub-questions, is left out. Right is a length-aware score of 0.5 against one of them.
    """
    prompts = choose_prompts(prompts, policy)
    judged = [(one, wanted) for one, wanted in zip(searched, targets, strict=True) if wanted and one.step.answer]
    wrong = [(one, wanted) for one, wanted in judged if not _right(one.step.answer, wanted, one)]
    todo = [(at, evidence) for at, (one, _) in enumerate(wrong) for evidence in one.elsewhere.values() if evidence]

    def reply(ask: Ask) -> Awaitable[Served[Reply]]:
        return measure_time(policy.reply(ask))

    answer = record.keep(Ask, reply)

    async def read(place: tuple[int, tuple[Evidence, ...]]) -> bool:
        """Whether this evidence gives a right answer."""
        at, evidence = place
        one, wanted = wrong[at]
        before = replace(one.row.trajectory, steps=one.row.trajectory.steps[: one.at], answer=None)
        served = await answer(prompts.answer_step(before, replace(one.step, evidence=evidence)))
        try:
            said = parse.read_answer(served.result).text
        except ParseError as error:
            said = parse.salvage_answer(error.reply).text
        return _right(said, wanted, one)

    answers = map_in_flight(read, todo, in_flight=in_flight, tell=tell)
    rescued = {todo[place][0] async for place, right in answers if right}
    steps = Counter(one.row.method for one, _ in judged)
    failed = Counter(one.row.method for one, _ in wrong)
    regret = Counter(wrong[at][0].row.method for at in rescued)
    return {method: Answers(n, n - failed[method], regret[method]) for method, n in steps.items()}


def _right(said: str, wanted: Sequence[str], one: Searched) -> bool:
    return length_aware.score(said, wanted, question=one.step.sub_question or "") >= _RIGHT
