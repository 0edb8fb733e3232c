"""Varies the knowledge bases of a plan step: renamed, described otherwise, reordered and joined.

A router that always sees `text`, `image` and `table` learns three words. One that sees other names, descriptions
and neighbours each time has to read the cards, and then works with a knowledge base that it has never seen.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from r1router.train.steps.step_file import TrainingStep
from r1router.types import Card, Kind

KEEP = 0.6
"""How often a card stays as it was given."""
JOIN = 0.25
"""How often another knowledge base is put beside the given ones; half as often a second one, and so on."""
DROP = 0.15
"""How often one that the step does not need is taken away."""
PLAIN = 0.6
"""How often a card that says something of its own gets a name that says nothing, so that its description counts."""
_BY_ITSELF = re.compile(r"[\d,]+ \w+ such as ")
"""How one of many titles that nobody described introduces itself; one of few names all, which says something."""
_KINDS: tuple[Kind, ...] = ("text", "table", "image")


@dataclass(frozen=True, slots=True)
class _Pools:
    names: dict[str, list[str]]
    holds: dict[str, list[str]]
    plain: list[str]
    beside: list[Card]


@cache
def _pools() -> _Pools:
    read = tomllib.loads(Path(__file__).with_name("cards.toml").read_text(encoding="utf-8"))
    return _Pools(
        {kind: read[kind]["names"] for kind in _KINDS},
        {kind: read[kind]["holds"] for kind in _KINDS},
        read["plain"],
        [Card(**card) for card in read["beside"]],
    )


def vary_cards(row: TrainingStep, rng: random.Random, *, titles: Sequence[str] = ()) -> TrainingStep:
    """The plan step over varied knowledge bases; its gold route follows its knowledge base. Others stay as they are.

    A card that says no more than the kind of what is in it gets another name and description of that kind, unless
    it shares the kind; one that says something of its own keeps what it says. `titles` are names of records, put
    into descriptions such as "8,804 tables such as A, B, C".
    """
    if row.kind != "plan":
        return row
    kinds = [card.kind for card in row.kbs]
    cards = list(row.kbs)
    others = [card for card in cards if card.name != row.gold.route]
    if len(cards) > 2 and others and rng.random() < DROP:
        cards.remove(rng.choice(others))
    renamed: dict[str, Card] = {}
    taken: set[str] = set()
    for card in cards:
        if not _says_only_its_kind(card):
            new = replace(card, name=_plain(rng), label="") if rng.random() < PLAIN else card
        elif kinds.count(card.kind) > 1 or rng.random() < KEEP:
            new = card
        else:
            new = _other(card.kind, rng, titles)
        if new.name in taken:
            new = replace(new, name=card.name if card.name not in taken else f"{new.name}-2")
        taken.add(new.name)
        renamed[card.name] = new
    joined = []
    while rng.random() < JOIN:
        card = rng.choice(_pools().beside)
        if card.name not in taken:
            taken.add(card.name)
            joined.append(card)
    shown = [*renamed.values(), *joined]
    rng.shuffle(shown)
    route = row.gold.route
    sights = tuple(replace(s, kb=renamed[s.kb].name) for s in row.sights if s.kb in renamed)
    past = tuple(replace(p, kb=renamed[p.kb].name if p.kb in renamed else p.kb) for p in row.history)
    return replace(
        row,
        kbs=tuple(shown),
        history=past,
        sights=sights,
        gold=replace(row.gold, route=renamed[route].name if route in renamed else route),
    )


def _plain(rng: random.Random) -> str:
    return rng.choice(_pools().plain).format(n=rng.randrange(1, 100))


def _says_only_its_kind(card: Card) -> bool:
    return card.holds in _pools().holds[card.kind] or _BY_ITSELF.match(card.holds) is not None


def _other(kind: Kind, rng: random.Random, titles: Sequence[str]) -> Card:
    pools = _pools()
    holds = [h for h in pools.holds[kind] if titles or "{" not in h]
    text = rng.choice(holds)
    if "{" in text:
        a, b, c = (rng.choice(titles) for _ in range(3))
        text = text.format(n=f"{rng.randrange(10, 99_999):,}", a=a, b=b, c=c)
    return Card(rng.choice(pools.names[kind]), kind, text)
