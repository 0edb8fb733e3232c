"""Explores a pool of questions for Step-GRPO; each gives its next decision, with a group of replies, when asked.

The trainer wants a fixed number of groups at a time, and a question has as many decisions as it happens to take. So
the pool walks as many questions as groups are wanted; each call samples the next decision of every walk, with the
weights of that moment and in one generation, and where a question is finished the next one is begun. Questions go on
across optimizer steps; every group is sampled by the policy that it trains.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from r1router.drive.batches import search_together
from r1router.drive.flow import Rankings
from r1router.drive.rounds import bring_to_asks
from r1router.drive.walk import Walk
from r1router.errors import KnowledgeBaseError, QueryError
from r1router.images import load_image
from r1router.methods import Method
from r1router.prompts import Prompts
from r1router.table import TableResult
from r1router.tables.view import TableView
from r1router.train.rewards import Values, Weighted, sum_rewards
from r1router.train.rewards._outcomes import Outcome, read_outcome
from r1router.train.steps.renamed_kbs import RenamedKbs, keep_names, rename_kbs
from r1router.train.steps.tasks import Task, check_routes, make_step
from r1router.types import (
    Ask,
    Compute,
    Inspect,
    KnowledgeBase,
    Query,
    Question,
    Reply,
    Search,
    Step,
    TableKnowledgeBase,
)

Generate = Callable[[Sequence[Ask]], Sequence[Sequence[Reply]]]
"""A group of replies for each request."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A group with what each of its replies came to."""

    ask: Ask
    replies: tuple[Reply, ...]
    outcomes: tuple[Outcome, ...]
    values: Values
    """Weighted rewards; None for a reply that none applies to."""
    chosen: int


class _Exploration(Walk):
    """One question on its way, with what is known about it."""

    def __init__(self, task: Task, offered: RenamedKbs, method: Method, prompts: Prompts, picture: Path | None) -> None:
        question = Question(task.question, load_image(picture) if picture else None)
        super().__init__(method, question, offered.cards, prompts)
        self.task, self.offered = task, offered
        self.found: dict[Search, Rankings] = {}
        """What was searched for already, by the question or for a reply of a group: often the same."""


class Pool:
    """Questions under way. Not saved with a checkpoint: a run that is taken up again begins with new ones."""

    def __init__(
        self,
        tasks: Mapping[str, Task],
        kbs: Mapping[str, KnowledgeBase],
        *,
        method: Method,
        prompts: Prompts,
        rewards: Sequence[Weighted],
        pictures: Path | None = None,
        k: int = 5,
        best: float = 0.0,
        vary_cards: bool = False,
        seed: int = 0,
    ) -> None:
        """`best` is the probability that a group's best reply goes on, instead of any of them.

        With `vary_cards` each question sees the knowledge bases under other names and descriptions (see
        `train.steps.cards`). `pictures` is the folder of the questions' pictures, which are searched with. Raises
        `InputError` where the tasks are sent to a knowledge base that there is not.
        """
        check_routes(tasks, kbs)
        self._tasks = tasks
        self._kbs = kbs
        self._cards = {name: kb.card for name, kb in kbs.items()}
        self._method, self._prompts, self._rewards = method, prompts, rewards
        self._pictures, self._k, self._best, self._vary = pictures, k, best, vary_cards
        self._chance = random.Random(seed)
        self._walks: list[_Exploration] = []
        self.finished = 0
        """Questions that came to their end."""

    def next_groups(self, ids: Sequence[str], generate: Generate) -> list[Judged]:
        """The next decision of every walk, sampled and judged; one walk for each id.

        `ids` are the tasks that are begun where a question is finished; the others are not looked at. Raises what
        a search or the method raises.
        """
        asking = self._bring_to_asks(ids)
        groups = generate([ask for _, ask in asking])
        outcomes = self._judge([(walk, ask, replies) for (walk, ask), replies in zip(asking, groups, strict=True)])
        values = iter(sum_rewards([outcome for group in outcomes for outcome in group], self._rewards))
        judged = []
        for (walk, ask), replies, of_group in zip(asking, groups, outcomes, strict=True):
            worth = [next(values) for _ in replies]
            chosen = pick(worth, self._chance, best=self._best)
            walk.advance(replies[chosen])
            judged.append(Judged(ask, tuple(replies), of_group, worth, chosen))
        return judged

    def close(self) -> None:
        """Gives up the questions that are under way."""
        for walk in self._walks:
            walk.close()

    # ── one round ──────────────────────────────────────────────────────────────────────────────

    def _bring_to_asks(self, ids: Sequence[str]) -> list[tuple[_Exploration, Ask]]:
        """Every walk with its next decision; where a question has ended, the next one is begun."""
        self._walks += [self._begin(name) for name in ids[len(self._walks) :]]
        while True:
            for index, name in enumerate(ids):
                if self._walks[index].request is None:
                    self.finished += 1
                    self._walks[index] = self._begin(name)
            asking = bring_to_asks(self._walks[: len(ids)], search=self._search, query=self._query)
            if len(asking) == len(ids):
                return asking

    def _begin(self, name: str) -> _Exploration:
        task, offered = self._tasks[name], keep_names(self._cards)
        if self._vary:
            task, offered = rename_kbs(task, self._cards, self._chance)
        picture = self._pictures / task.picture if self._pictures and task.picture else None
        walk = _Exploration(task, offered, self._method, self._prompts, picture)
        walk.start()
        return walk

    def _search(self, wanted: Sequence[tuple[_Exploration, Search]]) -> list[Rankings]:
        """What each search of each walk brings, in few calls; what a walk has found before is not searched again."""
        new = [(walk, request) for walk, request in dict.fromkeys(wanted) if request not in walk.found]
        brought = search_together(self._kbs, [walk.offered.translate(request) for walk, request in new])
        for (walk, request), rankings in zip(new, brought, strict=True):
            walk.found[request] = walk.offered.translate_back(request, rankings)
        return [walk.found[request] for walk, request in wanted]

    def _query(self, walk: _Exploration, request: Inspect | Compute) -> TableView | TableResult | Exception:
        """What is asked of a table; the method handles the reason where that is refused."""
        kb = self._kbs.get(walk.offered.true.get(request.kb, ""))
        if not isinstance(kb, TableKnowledgeBase):
            return QueryError(f"the tables of {request.kb} cannot be queried")
        try:
            if isinstance(request, Inspect):
                return kb.inspect(request.id, request.question)
            return kb.compute(request.id, request.sql)
        except (QueryError, KnowledgeBaseError) as refused:
            return refused

    def _judge(self, groups: Sequence[tuple[_Exploration, Ask, Sequence[Reply]]]) -> list[tuple[Outcome, ...]]:
        """What each reply of each group says; a plan with the evidence that its own search returns."""
        said = [(walk, self._read(walk, ask, replies)) for walk, ask, replies in groups]
        self._search([(walk, search) for walk, of in said for one in of for search in self._cause(walk, one)])
        return [tuple(self._add_evidence(walk, outcome) for outcome in of) for walk, of in said]

    def _read(self, walk: _Exploration, ask: Ask, replies: Sequence[Reply]) -> list[Outcome]:
        step = make_step(walk.task, ask, walk.path, walk.offered.cards)
        routes = self._prompts.labels(walk.offered.cards) if step.kind == "plan" else {}
        return [
            read_outcome(step, reply.text, routes=routes, shape=ask.shape, tokens=reply.completion_tokens)
            for reply in replies
        ]

    def _cause(self, walk: _Exploration, outcome: Outcome) -> list[Search]:
        """The search that a plan causes; none where it stops or is malformed, and none for an answer."""
        said = outcome.said
        if not isinstance(said, Step) or said.sub_question is None:
            return []
        return [Search(said.routes, Query(said.sub_question, walk.question.image), self._k)]

    def _add_evidence(self, walk: _Exploration, outcome: Outcome) -> Outcome:
        if outcome.step.kind != "plan":
            return outcome
        rankings = [ranking for search in self._cause(walk, outcome) for ranking in walk.found[search]]
        return replace(outcome, evidence=tuple(piece for ranking in rankings for piece in ranking))


def pick(values: Values, chance: random.Random, *, best: float = 0.0) -> int:
    """The place of one value: with probability `best` the highest (the first of equals), else any of them.

    Where nothing is judged there is no best, and any is picked.
    """
    judged = [place for place, value in enumerate(values) if value is not None]
    if judged and chance.random() < best:
        return max(judged, key=lambda place: values[place] or 0.0)
    return chance.randrange(len(values))
