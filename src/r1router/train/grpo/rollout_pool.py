"""Explores a pool of questions for Step-GRPO; each gives its next decision, with a group of replies, when asked.

The trainer wants a fixed number of groups at a time, and a question has as many decisions as it happens to take. So
the pool walks as many questions as groups are wanted; each call samples the next decision of every walk, with the
weights of that moment and in one generation, and where a question is finished the next one is begun. Questions go on
across optimizer steps; every group is sampled by the policy that it trains.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from r1router.drive.batches import search_together
from r1router.drive.flow import Rankings
from r1router.drive.rounds import bring_to_asks
from r1router.drive.walk import Walk
from r1router.errors import KnowledgeBaseError, QueryError, R1RouterError
from r1router.evidence.fuse import fuse
from r1router.images import load_image
from r1router.kb.collections import Collections
from r1router.methods import Method
from r1router.parse import write_answer
from r1router.prompts import Prompts
from r1router.routing.sights import describe_sights
from r1router.table import TableResult
from r1router.tables.view import TableView
from r1router.train.grpo.known_replies import draw_start, is_given, write_known
from r1router.train.rewards import Values, Weighted, sum_parts
from r1router.train.rewards._outcomes import Outcome, read_outcome
from r1router.train.steps.renamed_kbs import RenamedKbs, keep_names, rename_kbs
from r1router.train.steps.tasks import Task, check_routes, is_made, make_step
from r1router.types import (
    Answer,
    Ask,
    Compute,
    Evidence,
    Inspect,
    Purpose,
    Query,
    Question,
    Reply,
    Search,
    Sight,
    Step,
    TableKnowledgeBase,
    Trajectory,
)

Generate = Callable[[Sequence[Ask], int], Sequence[Sequence[Reply]]]
"""So many replies to each request; 0 for as many as a group has."""
DECISIONS: tuple[Purpose, ...] = ("plan", "answer", "query", "final")


@dataclass(frozen=True, slots=True)
class Reading:
    """A reply of which it is to be found out how probable the policy finds its end."""

    ask: Ask
    before: str
    said: str
    """What comes after `before`."""


Read = Callable[[Sequence[Reading]], Sequence[float]]
"""Of each, the geometric mean of the probabilities of the tokens of `said`."""


@dataclass(frozen=True, slots=True)
class LabelValues:
    """What a plan would have earned with each of the labels in place of its own."""

    before: str
    """The reply up to where its label begins."""
    labels: tuple[str, ...]
    values: tuple[float, ...]
    said: int
    """The place of the reply's own label."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A group with what each of its replies came to."""

    ask: Ask
    replies: tuple[Reply, ...]
    outcomes: tuple[Outcome, ...]
    values: Values
    """Weighted rewards; None for a reply that none applies to."""
    parts: Mapping[str, tuple[float | None, ...]]
    """Of each reward by its spec, unweighted."""
    chosen: int
    by_label: tuple[LabelValues | None, ...]
    """For each reply, where all labels are judged; None for one that names none."""
    walk: Exploration
    """The question on its way."""


class Exploration(Walk):
    """One question on its way, with what is known about it."""

    def __init__(
        self, task: Task, offered: RenamedKbs, method: Method, prompts: Prompts, picture: Path | None, given: int
    ) -> None:
        question = Question(task.question, load_image(picture) if picture and not task.image else task.image)
        super().__init__(method, question, offered.cards, prompts)
        self.task, self.offered = task, offered
        self.given = given
        """How many first hops of the task are given to the policy."""
        self.found: dict[Search, Rankings] = {}
        """What was searched for already, by the question or for a reply of a group: often the same."""


class Pool:
    """Questions under way. Not saved with a checkpoint: a run that is taken up again begins with new ones."""

    def __init__(
        self,
        tasks: Mapping[str, Task],
        collections: Collections,
        *,
        method: Method,
        prompts: Prompts,
        rewards: Sequence[Weighted],
        pictures: Path | None = None,
        k: int = 5,
        reach: int = 0,
        best: float = 0.0,
        decisions: Collection[str] = DECISIONS,
        anywhere: bool = False,
        all_labels: bool = False,
        vary_cards: bool = False,
        others: Generate | None = None,
        seed: int = 0,
    ) -> None:
        """`best` is the probability that a group's best reply goes on, instead of any of them.

        Only these `decisions` are groups; at the others the right reply is taken where it is known, else one of the
        policy's; where there is `others`, always what that one says. With `anywhere` a question may
        begin with some of its hops given (see `train.grpo.known_replies`); what belongs to these is gold's.
        `k` pieces are read, and rewards see as many as `reach` where that is more. With `all_labels` a plan is judged
        with every label, each knowledge base searched with its sub-question.
        With `vary_cards` each question sees the knowledge bases under other names and descriptions (see
        `train.steps.cards`). `pictures` is the folder of the questions' pictures, which are searched with. Raises
        `InputError` where the tasks are sent to a knowledge base, or a collection, that there is not.
        """
        check_routes(tasks, collections)
        self.tasks, self._collections = tasks, collections
        self._method, self._prompts, self._rewards = method, prompts, rewards
        self._pictures, self._k, self._best, self._vary = pictures, k, best, vary_cards
        self._reach, self._decisions = max(k, reach), decisions
        self._anywhere, self.judges_all_labels, self._others = anywhere, all_labels, others
        named = {one.base for one in rewards}
        self._compares_plain, self._measures_gain = "gain_over_rag" in named, "answer_gain" in named
        self._asked: dict[str, dict[int, str]] = {}
        """By task and place in its chain, the last sub-question that found what that hop needs."""
        self._chance = random.Random(seed)
        self._walks: list[Exploration] = []
        self.finished = 0
        """Questions that came to their end."""

    def next_groups(self, ids: Sequence[str], generate: Generate, read: Read | None = None) -> list[Judged]:
        """The next decision of every walk, sampled and judged; one walk for each id.

        `ids` are the tasks that are begun where a question is finished; the others are not looked at. Where an id is
        empty, no other is begun, and the walk that has ended gives nothing. `read` is needed to measure gains. Raises
        what a search or the method raises.
        """
        asking = self.bring_to_decisions(ids, generate)
        return self.take_replies(asking, generate([ask for _, ask in asking], 0), read)

    def take_replies(
        self,
        asking: Sequence[tuple[Exploration, Ask]],
        groups: Sequence[Sequence[Reply]],
        read: Read | None = None,
    ) -> list[Judged]:
        """What these groups of replies came to; one of each carries its question on."""
        judged = self._judge([(walk, ask, replies) for (walk, ask), replies in zip(asking, groups, strict=True)], read)
        for (walk, _), group in zip(asking, judged, strict=True):
            self._remember(walk, group)
            walk.advance(group.replies[group.chosen])
        return judged

    def close(self) -> None:
        """Gives up the questions that are under way."""
        for walk in self._walks:
            walk.close()

    # ── one round ──────────────────────────────────────────────────────────────────────────────

    def bring_to_decisions(self, ids: Sequence[str], generate: Generate) -> list[tuple[Exploration, Ask]]:
        """Every walk with its next decision that is trained on; where a question has ended, the next one is begun."""
        self._walks += [self._begin(name) for name in ids[len(self._walks) :]]
        while True:
            for index, name in enumerate(ids):
                if name and self._walks[index].request is None:
                    self.finished += 1
                    self._walks[index] = self._begin(name)
            walks = self._walks[: len(ids)]
            asking = bring_to_asks(walks, search=self._search, query=self._query)
            others = [(walk, ask) for walk, ask in asking if not self._is_trained_on(walk, ask)]
            ended = any(name and walk.request is None for name, walk in zip(ids, walks, strict=True))
            if not ended and not others:
                return asking
            self._pass(others, generate)

    def _is_trained_on(self, walk: Exploration, ask: Ask) -> bool:
        return ask.purpose in self._decisions and not is_given(ask, walk.trajectory, walk.given)

    def _pass(self, others: Sequence[tuple[Exploration, Ask]], generate: Generate) -> None:
        """Advances these walks by the right reply, where it is known, else by one of the policy's. What comes last in a
        question is not asked for: nothing is learned after it."""
        unknown = []
        for walk, ask in others:
            if ask.purpose == "final":
                walk.close()
            elif reply := self._write_known(walk, ask):
                walk.advance(Reply(reply))
            else:
                unknown.append((walk, ask))
        if unknown:
            said = (self._others or generate)([ask for _, ask in unknown], 1)
            for (walk, _), (own, *_) in zip(unknown, said, strict=True):
                walk.advance(own)

    def _write_known(self, walk: Exploration, ask: Ask) -> str | None:
        if self._others and not is_given(ask, walk.trajectory, walk.given):
            return None
        labels, asked = self._prompts.labels(walk.offered.cards), self._asked.get(walk.task.id, {})
        return write_known(walk.task, ask, walk.trajectory, given=walk.given, labels=labels, asked=asked)

    def _begin(self, name: str) -> Exploration:
        task = self.tasks[name]
        cards = {kb_name: kb.card for kb_name, kb in self._collections[task.collection].items()}
        offered = keep_names(cards)
        if self._vary:
            task, offered = rename_kbs(task, cards, self._chance)
        picture = self._pictures / task.picture if self._pictures and task.picture else None
        given = draw_start(task, self._chance) if self._anywhere else 0
        walk = Exploration(task, offered, self._method, self._prompts, picture, given)
        walk.start()
        return walk

    def _search(self, wanted: Sequence[tuple[Exploration, Search]]) -> list[Rankings]:
        """What each search of each walk brings, in few calls; what a walk has found before is not searched again."""
        new = [(walk, request) for walk, request in dict.fromkeys(wanted) if request not in walk.found]
        for name in dict.fromkeys(walk.task.collection for walk, _ in new):
            here = [(walk, request) for walk, request in new if walk.task.collection == name]
            translated = [walk.offered.translate(request) for walk, request in here]
            brought = search_together(self._collections[name], translated)
            for (walk, request), rankings in zip(here, brought, strict=True):
                walk.found[request] = walk.offered.translate_back(request, rankings)
        return [walk.found[request] for walk, request in wanted]

    def _query(self, walk: Exploration, request: Inspect | Compute) -> TableView | TableResult | Exception:
        """What is asked of a table; the method handles the reason where that is refused."""
        kb = self._collections[walk.task.collection].get(walk.offered.true.get(request.kb, ""))
        if not isinstance(kb, TableKnowledgeBase):
            return QueryError(f"the tables of {request.kb} cannot be queried")
        try:
            if isinstance(request, Inspect):
                return kb.inspect(request.id, request.question, joined=request.joined, likely=request.likely)
            return kb.compute(request.id, request.sql, joined=request.joined)
        except (QueryError, KnowledgeBaseError) as refused:
            return refused

    # ── what replies came to ───────────────────────────────────────────────────────────────────

    def _judge(self, groups: Sequence[tuple[Exploration, Ask, Sequence[Reply]]], read: Read | None) -> list[Judged]:
        """What each reply of each group says and earns; a plan with the evidence that its own search returns."""
        said = [(walk, self._read(walk, ask, replies)) for walk, ask, replies in groups]
        self._search([(walk, search) for walk, of in said for one in of for search in self._cause(walk, one)])
        outcomes = [[self._add_evidence(walk, outcome) for outcome in of] for walk, of in said]
        others = [
            [self._swap_labels(walk, outcome) for outcome in of]
            for (walk, _, _), of in zip(groups, outcomes, strict=True)
        ]
        if self._measures_gain:
            outcomes, others = self._measure_chances([walk for walk, _, _ in groups], outcomes, others, read)
        all_of_them = [one for of in outcomes for one in of] + [one for of in others for _, many in of for one in many]
        columns = [one.reward(all_of_them) for one in self._rewards]
        worth = sum_parts(columns, self._rewards)
        values = iter(worth[sum(map(len, outcomes)) :])  # of the labels, which come last
        judged: list[Judged] = []
        begin = 0
        for (walk, ask, replies), of, swapped in zip(groups, outcomes, others, strict=True):
            end = begin + len(of)
            earned = worth[begin:end]
            parts = {one.name: tuple(column[begin:end]) for one, column in zip(self._rewards, columns, strict=True)}
            begin = end
            by_label = tuple(
                replace(labels, values=tuple(next(values) or 0.0 for _ in many)) if labels else None
                for labels, many in swapped
            )
            chosen = pick(earned, self._chance, best=self._best)
            judged.append(Judged(ask, tuple(replies), tuple(of), earned, parts, chosen, by_label, walk))
        return judged

    def _read(self, walk: Exploration, ask: Ask, replies: Sequence[Reply]) -> list[Outcome]:
        step = make_step(
            walk.task, ask, walk.trajectory, walk.offered.cards, given=walk.given, sights=find_sights(walk, ask)
        )
        routes = self._prompts.labels(walk.offered.cards) if step.kind == "plan" else {}
        return [
            read_outcome(step, reply.text, routes=routes, shape=ask.shape, tokens=reply.completion_tokens)
            for reply in replies
        ]

    def _cause(self, walk: Exploration, outcome: Outcome) -> list[Search]:
        """The searches that a plan is judged by, one for each route; none where it stops, is malformed or no plan."""
        said = outcome.said
        if not isinstance(said, Step) or said.sub_question is None:
            return []
        routes = tuple(walk.offered.cards) if self.judges_all_labels else said.routes
        return [Search((name,), Query(said.sub_question, walk.question.image), self._reach) for name in routes]

    def _add_evidence(self, walk: Exploration, outcome: Outcome) -> Outcome:
        if outcome.step.kind != "plan":
            return outcome
        own = outcome.said.routes if isinstance(outcome.said, Step) else ()
        found = [piece for search in self._cause(walk, outcome) if search.routes[0] in own
                 for ranking in walk.found[search] for piece in ranking]  # fmt: skip
        known = tuple({piece.record or piece.id: None for step in walk.trajectory.steps for piece in step.evidence})
        made = replace(outcome, evidence=tuple(found[: self._k]), further=tuple(found[self._k :]), known=known)
        return replace(made, plain=self._search_plainly(walk)) if self._compares_plain else made

    def _search_plainly(self, walk: Exploration) -> tuple[Evidence, ...]:
        """What all knowledge bases together bring for the question itself."""
        (rankings,) = self._search(
            [(walk, Search(tuple(walk.offered.cards), Query(walk.question.text, walk.question.image), self._k))]
        )
        return tuple(fuse(rankings, self._k))

    def _measure_chances(
        self,
        walks: Sequence[Exploration],
        outcomes: Sequence[Sequence[Outcome]],
        others: Sequence[Sequence[tuple[LabelValues | None, Sequence[Outcome]]]],
        read: Read | None,
    ) -> tuple[list[list[Outcome]], list[list[tuple[LabelValues | None, list[Outcome]]]]]:
        """The same outcomes with their `chances`; equal evidence is read once."""
        if read is None:
            raise R1RouterError("nobody reads here: the gain of an answer is measured while a policy trains online")
        wanted: dict[Reading, float] = {}
        found: dict[int, tuple[Reading, Reading]] = {}
        of_walk = [
            (walk, [*of, *(one for _, many in swapped for one in many)])
            for walk, of, swapped in zip(walks, outcomes, others, strict=True)
        ]
        for walk, of in of_walk:
            for outcome in of:
                if readings := self._write_readings(walk, outcome):
                    found[id(outcome)] = readings
                    wanted |= dict.fromkeys(readings, 0.0)
        wanted = dict(zip(wanted, read(list(wanted)), strict=True)) if wanted else {}

        def add(outcome: Outcome) -> Outcome:
            readings = found.get(id(outcome))
            return replace(outcome, chances=(wanted[readings[0]], wanted[readings[1]])) if readings else outcome

        return [[add(one) for one in of] for of in outcomes], [
            [(labels, [add(one) for one in many]) for labels, many in of] for of in others
        ]

    def _write_readings(self, walk: Exploration, outcome: Outcome) -> tuple[Reading, Reading] | None:
        """The gold answer as a reply to its question, without and with what the plan has found.

        None for what is no plan, and where no answer is known. Where a hop's question is known, that is what is read
        for, else the whole one.
        """
        step, answers, asked = outcome.step, outcome.step.gold.answers, outcome.step.gold.sub_question
        if step.kind != "plan" or step.stops:
            return None
        if not (answers and asked):
            answers, asked = walk.task.answers, walk.task.question
        if not answers:
            return None
        text = write_answer(Answer("", answers[0]), spaced=self._prompts.spaced_answers)
        before, said, _ = text.rpartition(answers[0])
        space = " " * before.endswith(" ")
        without, with_ = (
            Reading(
                self._prompts.answer_step(Trajectory(walk.question), Step(sub_question=asked, evidence=evidence)),
                before.removesuffix(space),
                space + said,
            )
            for evidence in ((), outcome.evidence or ())
        )
        return without, with_

    def _swap_labels(self, walk: Exploration, outcome: Outcome) -> tuple[LabelValues | None, list[Outcome]]:
        """The places for what each label would earn, and what would have come of it; none for what names no label."""
        said = outcome.said
        if not self.judges_all_labels or not isinstance(said, Step) or said.sub_question is None:
            return None, []
        own = next(label for label, name in outcome.routes.items() if name == said.routes[0])
        before, tag, after = outcome.reply.rpartition(f"<ret>{own}</ret>")
        if not tag:
            return None, []
        swapped = [
            self._add_evidence(
                walk,
                replace(outcome, reply=f"{before}<ret>{label}</ret>{after}", said=replace(said, routes=(name,))),
            )
            for label, name in outcome.routes.items()
        ]
        labels = tuple(outcome.routes)
        return LabelValues(f"{before}<ret>", labels, (), labels.index(own)), swapped

    def _remember(self, walk: Exploration, group: Judged) -> None:
        """Keeps the group's best sub-question, for questions that begin after the hop whose evidence it has found."""
        judged = [at for at, value in enumerate(group.values) if value is not None]
        best = group.outcomes[max(judged, key=lambda at: group.values[at] or 0.0)] if judged else None
        if best is None or not isinstance(best.said, Step) or best.said.sub_question is None:
            return
        for at, hop in enumerate(walk.task.hops):
            if is_made(hop, best.evidence or ()):
                self._asked.setdefault(walk.task.id, {})[at] = best.said.sub_question
                return


def find_sights(walk: Walk, ask: Ask) -> tuple[Sight, ...]:
    """What was seen of the knowledge bases before this plan; nothing where it is none, or nobody looked."""
    if ask.purpose != "plan" or walk.looked is None:
        return ()
    request, rankings = walk.looked
    return describe_sights(request.query.text, dict(zip(request.routes, rankings, strict=True)))


def pick(values: Values, chance: random.Random, *, best: float = 0.0) -> int:
    """The place of one value: with probability `best` the highest (the first of equals), else any of them.

    Where nothing is judged there is no best, and any is picked.
    """
    judged = [place for place, value in enumerate(values) if value is not None]
    if judged and chance.random() < best:
        return max(judged, key=lambda place: values[place] or 0.0)
    return chance.randrange(len(values))
