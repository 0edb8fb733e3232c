"""Renames and redescribes the knowledge bases of a task for the policy, while searches use the real ones."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from r1router.drive.flow import Rankings
from r1router.train.steps.cards import vary_cards
from r1router.train.steps.step_file import Gold, Past, TrainingStep
from r1router.train.steps.tasks import Task
from r1router.types import Card, Search

TRIES = 20
"""Draws for new names that keep every knowledge base which the task needs; none is used where all fail."""


@dataclass(frozen=True, slots=True)
class RenamedKbs:
    cards: Mapping[str, Card]
    """What the policy is offered, by the name that it sees."""
    true: Mapping[str, str]
    """That name → the knowledge base behind it; one that is only painted has none, and nothing in it."""

    def translate(self, request: Search) -> Search:
        """The same search with the names of the knowledge bases behind; without the routes that have none."""
        return replace(request, routes=tuple(self.true[name] for name in request.routes if name in self.true))

    def translate_back(self, request: Search, rankings: Rankings) -> Rankings:
        """What the translated search brought as an answer to `request`: nothing from where nothing is behind."""
        real = [name for name in request.routes if name in self.true]
        of = {name: [replace(e, kb=name) for e in ranking] for name, ranking in zip(real, rankings, strict=True)}
        return [of.get(name, []) for name in request.routes]


def keep_names(cards: Mapping[str, Card]) -> RenamedKbs:
    return RenamedKbs(cards, {name: name for name in cards})


def rename_kbs(task: Task, cards: Mapping[str, Card], chance: random.Random) -> tuple[Task, RenamedKbs]:
    """The task with its routes renamed, and what the policy is offered for it."""
    needed = {hop.route for hop in task.hops if hop.route}
    route = next(iter(sorted(needed)), "")
    for _ in range(TRIES):
        # `vary_cards` renames the history with the cards, which tells what became of each.
        past = tuple(Past("", "", name) for name in cards)
        varied = vary_cards(
            TrainingStep(
                task.id, "plan", task.question, history=past, kbs=tuple(cards.values()), gold=Gold(route=route)
            ),
            chance,
        )
        shown = {card.name: card for card in varied.kbs}
        new = {
            old: p.kb
            for old, p in zip(cards, varied.history, strict=True)
            if p.kb in shown and shown[p.kb].kind == cards[old].kind
        }
        if needed <= new.keys():
            hops = tuple(replace(hop, route=new.get(hop.route, "")) for hop in task.hops)
            return replace(task, hops=hops), RenamedKbs(shown, {name: old for old, name in new.items()})
    return task, keep_names(cards)
