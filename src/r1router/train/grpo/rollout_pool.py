"""Questions to groups for Step-GRPO: a pool of explored questions, each of which gives its next decision when asked.

The trainer wants a fixed number of groups at a time, and a question has as many decisions as it happens to take. So
every place of the pool works on one question; each call samples the next decision of every place, with the weights
of that moment and in one generation, and a place whose question is finished begins the next one. Questions go on
across optimizer steps; every group is sampled by the policy that it trains.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from r1router.drive.batches import in_batches
from r1router.drive.explore import explore, pick
from r1router.drive.flow import Rankings, Searcher, Served
from r1router.images import load_image
from r1router.methods import Method
from r1router.prompts import Prompts
from r1router.train.rewards import Values, Weighted, totals
from r1router.train.rewards._outcomes import Outcome, read
from r1router.train.steps.questions import Lesson, check_routes, row
from r1router.train.steps.renamed_kbs import Disguise, disguise, undisguised
from r1router.train.steps.step_file import StepRow
from r1router.types import Ask, Evidence, KnowledgeBase, Query, Question, Reply, Search, Step, Trajectory

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


@dataclass(slots=True)
class _Place:
    """Where one question is worked on."""

    lesson: Lesson
    offered: Disguise
    search: Searcher
    task: asyncio.Task[Trajectory] | None = None
    ask: Ask | None = None
    """The decision that waits for its replies."""
    path: Trajectory | None = None
    replies: asyncio.Future[Sequence[Reply]] | None = None
    choice: asyncio.Future[int] | None = None
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever it waits for something from outside."""


class Pool:
    """Questions under way. Not saved with a checkpoint: a run that is taken up again begins with new ones."""

    def __init__(
        self,
        lessons: Mapping[str, Lesson],
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
        `InputError` where the lessons are sent to a knowledge base that there is not.
        """
        check_routes(lessons, kbs)
        self._lessons = lessons
        self._cards = {name: kb.card for name, kb in kbs.items()}
        self._search = in_batches(kbs)
        self._method, self._prompts, self._rewards = method, prompts, rewards
        self._pictures, self._k, self._best, self._vary = pictures, k, best, vary_cards
        self._chance = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._places: list[_Place | None] = []
        self.finished = 0
        """Questions that came to their end."""

    def next_groups(self, ids: Sequence[str], generate: Generate) -> list[Judged]:
        """The next decision of every place, sampled and judged; one place for each id.

        `ids` are the lessons that are begun where a question is finished; the others are not looked at. Raises what
        a search or the method raises.
        """
        return self._loop.run_until_complete(self._next_groups(ids, generate))

    def close(self) -> None:
        """Gives up the questions that are under way."""
        running = [place.task for place in self._places if place and place.task]
        for task in running:
            task.cancel()
        self._loop.run_until_complete(_quietly(running))
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    # ── one round ──────────────────────────────────────────────────────────────────────────────

    async def _next_groups(self, ids: Sequence[str], generate: Generate) -> list[Judged]:
        self._places += [None] * (len(ids) - len(self._places))
        places = list(await asyncio.gather(*(self._at_ask(index, name) for index, name in enumerate(ids))))
        asks = [place.ask for place in places if place.ask is not None]
        for place, replies in zip(places, generate(asks), strict=True):
            assert place.replies is not None
            place.ask, place.choice = None, None
            place.moved.clear()
            place.replies.set_result(replies)
        await asyncio.gather(*(place.moved.wait() for place in places))
        outcomes = await asyncio.gather(*(self._outcomes(place, ask) for place, ask in zip(places, asks, strict=True)))
        values = iter(totals([outcome for group in outcomes for outcome in group], self._rewards))
        return [
            self._choose(place, ask, group, [next(values) for _ in group])
            for place, ask, group in zip(places, asks, outcomes, strict=True)
        ]

    async def _at_ask(self, index: int, name: str) -> _Place:
        """The place, once its question has come to a decision; a new question where the last one has ended."""
        while True:
            place = self._places[index] = self._places[index] or self._begin(name)
            assert place.task is not None
            if place.ask is None:
                moved = asyncio.create_task(place.moved.wait())
                await asyncio.wait({place.task, moved}, return_when=asyncio.FIRST_COMPLETED)
                moved.cancel()
            if place.ask is not None:
                return place
            place.task.result()  # raises what went wrong
            self.finished += 1
            self._places[index] = None

    def _begin(self, name: str) -> _Place:
        lesson, offered = self._lessons[name], undisguised(self._cards)
        if self._vary:
            lesson, offered = disguise(lesson, self._cards, self._chance)
        place = _Place(lesson, offered, _remembering(offered.searcher(self._search)))
        picture = load_image(self._pictures / lesson.picture) if self._pictures and lesson.picture else None
        place.task = asyncio.create_task(self._work(place, Question(lesson.question, picture)))
        return place

    async def _work(self, place: _Place, question: Question) -> Trajectory:
        loop = asyncio.get_running_loop()

        async def sample(ask: Ask) -> Sequence[Reply]:
            place.ask, place.replies = ask, loop.create_future()
            place.moved.set()
            return await place.replies

        async def choose(ask: Ask, replies: Sequence[Reply], path: Trajectory) -> int:
            place.path, place.choice = path, loop.create_future()
            place.moved.set()
            return await place.choice

        trajectory, _ = await explore(
            question,
            place.offered.cards,
            method=self._method,
            prompts=self._prompts,
            sample=sample,
            search=place.search,
            choose=choose,
        )
        return trajectory

    async def _outcomes(self, place: _Place, ask: Ask) -> tuple[Outcome, ...]:
        """What each reply of the group says, with the evidence that its own search returns."""
        assert place.path is not None
        assert place.replies is not None
        step = row(place.lesson, ask, place.path, place.offered.cards)
        replies = place.replies.result()
        routes = self._prompts.labels(place.offered.cards) if step.kind == "plan" else {}
        of = partial(self._outcome, place, step, ask, routes)
        return tuple(await asyncio.gather(*map(of, replies)))

    async def _outcome(
        self, place: _Place, step: StepRow, ask: Ask, routes: Mapping[str, str], reply: Reply
    ) -> Outcome:
        judge = partial(read, step, reply.text, routes=routes, shape=ask.shape, tokens=reply.completion_tokens)
        outcome = judge()
        if step.kind != "plan":
            return outcome
        said = outcome.said
        evidence: tuple[Evidence, ...] = ()
        if isinstance(said, Step) and said.sub_question is not None:
            assert place.path is not None
            query = Query(said.sub_question, place.path.question.image)
            rankings = (await place.search(Search(said.routes, query, self._k))).result
            evidence = tuple(piece for ranking in rankings for piece in ranking)
        return judge(evidence=evidence)

    def _choose(self, place: _Place, ask: Ask, outcomes: tuple[Outcome, ...], values: Values) -> Judged:
        assert place.choice is not None
        assert place.replies is not None
        chosen = pick(values, self._chance, best=self._best)
        place.moved.clear()
        place.choice.set_result(chosen)
        return Judged(ask, tuple(place.replies.result()), outcomes, values, chosen)


def _remembering(search: Searcher) -> Searcher:
    """Equal searches are made once: those of a group are often equal, and one of them carries the question on."""
    made: dict[Search, asyncio.Task[Served[Rankings]]] = {}

    async def remembered(request: Search) -> Served[Rankings]:
        if request not in made:
            made[request] = asyncio.ensure_future(search(request))
        return await made[request]

    return remembered


async def _quietly(tasks: Sequence[asyncio.Task[Trajectory]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)
