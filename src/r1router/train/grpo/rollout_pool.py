"""Explores a pool of questions for Step-GRPO; each gives its next decision, with a group of replies, when asked.

The trainer wants a fixed number of groups at a time, and a question has as many decisions as it happens to take. So
every place of the pool works on one question; each call samples the next decision of every place, with the weights
of that moment and in one generation, and a place whose question is finished begins the next one. Questions go on
across optimizer steps; every group is sampled by the policy that it trains.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from r1router.drive.batches import search_together
from r1router.drive.explore import pick
from r1router.drive.flow import Rankings
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


@dataclass(eq=False, slots=True)
class _Place:
    """Where one question is worked on."""

    task: Task
    offered: RenamedKbs
    walk: Walk
    found: dict[Search, Rankings] = field(default_factory=dict)
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
        self._places: list[_Place] = []
        self.finished = 0
        """Questions that came to their end."""

    def next_groups(self, ids: Sequence[str], generate: Generate) -> list[Judged]:
        """The next decision of every place, sampled and judged; one place for each id.

        `ids` are the tasks that are begun where a question is finished; the others are not looked at. Raises what
        a search or the method raises.
        """
        places = self._bring_to_asks(ids)
        asks = [ask for place in places if isinstance(ask := place.walk.request, Ask)]
        groups = generate(asks)
        outcomes = self._judge(list(zip(places, asks, groups, strict=True)))
        values = iter(sum_rewards([outcome for group in outcomes for outcome in group], self._rewards))
        judged = []
        for place, ask, replies, of_group in zip(places, asks, groups, outcomes, strict=True):
            worth = [next(values) for _ in replies]
            chosen = pick(worth, self._chance, best=self._best)
            place.walk.advance(replies[chosen])
            judged.append(Judged(ask, tuple(replies), of_group, worth, chosen))
        return judged

    def close(self) -> None:
        """Gives up the questions that are under way."""
        for place in self._places:
            place.walk.close()

    # ── one round ──────────────────────────────────────────────────────────────────────────────

    def _bring_to_asks(self, ids: Sequence[str]) -> list[_Place]:
        """Every place at its next decision; where a question has ended, the next one is begun."""
        self._places += [self._begin(name) for name in ids[len(self._places) :]]
        while True:
            for index, name in enumerate(ids):
                if self._places[index].walk.request is None:
                    self.finished += 1
                    self._places[index] = self._begin(name)
            places = self._places[: len(ids)]
            waiting = [place for place in places if not isinstance(place.walk.request, Ask)]
            if not waiting:
                return places
            wanted = [(place, request) for place in waiting if isinstance(request := place.walk.request, Search)]
            for place in waiting:
                if isinstance(request := place.walk.request, Inspect | Compute):
                    place.walk.advance(self._serve_table(place, request))
            for (place, _), rankings in zip(wanted, self._search(wanted), strict=True):
                place.walk.advance(rankings)

    def _begin(self, name: str) -> _Place:
        task, offered = self._tasks[name], keep_names(self._cards)
        if self._vary:
            task, offered = rename_kbs(task, self._cards, self._chance)
        picture = load_image(self._pictures / task.picture) if self._pictures and task.picture else None
        walk = Walk(self._method, Question(task.question, picture), offered.cards, self._prompts)
        walk.start()
        return _Place(task, offered, walk)

    def _search(self, wanted: Sequence[tuple[_Place, Search]]) -> list[Rankings]:
        """What each search of each place brings, in few calls; what a place has found before is not searched again."""
        new = [(place, request) for place, request in dict.fromkeys(wanted) if request not in place.found]
        brought = search_together(self._kbs, [place.offered.translate(request) for place, request in new])
        for (place, request), rankings in zip(new, brought, strict=True):
            place.found[request] = place.offered.translate_back(request, rankings)
        return [place.found[request] for place, request in wanted]

    def _serve_table(self, place: _Place, request: Inspect | Compute) -> TableView | TableResult | Exception:
        """What is asked of a table; the method handles the reason where that is refused."""
        kb = self._kbs.get(place.offered.true.get(request.kb, ""))
        if not isinstance(kb, TableKnowledgeBase):
            return QueryError(f"the tables of {request.kb} cannot be queried")
        try:
            if isinstance(request, Inspect):
                return kb.inspect(request.id, request.question)
            return kb.compute(request.id, request.sql)
        except (QueryError, KnowledgeBaseError) as refused:
            return refused

    def _judge(self, groups: Sequence[tuple[_Place, Ask, Sequence[Reply]]]) -> list[tuple[Outcome, ...]]:
        """What each reply of each group says; a plan with the evidence that its own search returns."""
        said = [(place, self._read(place, ask, replies)) for place, ask, replies in groups]
        self._search([(place, search) for place, of in said for one in of for search in self._cause(place, one)])
        return [tuple(self._add_evidence(place, outcome) for outcome in of) for place, of in said]

    def _read(self, place: _Place, ask: Ask, replies: Sequence[Reply]) -> list[Outcome]:
        step = make_step(place.task, ask, place.walk.path, place.offered.cards)
        routes = self._prompts.labels(place.offered.cards) if step.kind == "plan" else {}
        return [
            read_outcome(step, reply.text, routes=routes, shape=ask.shape, tokens=reply.completion_tokens)
            for reply in replies
        ]

    def _cause(self, place: _Place, outcome: Outcome) -> list[Search]:
        """The search that a plan causes; none where it stops or is malformed, and none for an answer."""
        said = outcome.said
        if not isinstance(said, Step) or said.sub_question is None:
            return []
        return [Search(said.routes, Query(said.sub_question, place.walk.question.image), self._k)]

    def _add_evidence(self, place: _Place, outcome: Outcome) -> Outcome:
        if outcome.step.kind != "plan":
            return outcome
        rankings = [ranking for search in self._cause(place, outcome) for ranking in place.found[search]]
        return replace(outcome, evidence=tuple(piece for ranking in rankings for piece in ranking))
