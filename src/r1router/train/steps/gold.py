"""Makes training steps of examples with gold steps: no teacher is asked; evidence comes from the live knowledge bases.

`gold.steps` (see `evals.gold`) gives sub-questions, routes and answers. Where a data set knows only the chain of
evidence (`gold.hops`), the sub-questions are made: the first asks which entry the question means, the others put
what was found before the question. The released data have no thoughts (paper, section 3.2 has the teacher write
them); the ones made here say whether a fact is missing, which piece of evidence tells the answer, and how two
values compare.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from r1router.errors import InputError
from r1router.evals.gold import Need, meets, read_need
from r1router.evidence.numbers import read_numerals
from r1router.moves import write_need
from r1router.parse import NO_ROUTE
from r1router.routing.sights import LOOK, describe_sights
from r1router.train.steps.step_file import Gold, Past, TrainingStep
from r1router.types import Card, Evidence, Example, Kind, KnowledgeBase, Query, Sight, Step, Trajectory

log = logging.getLogger(__name__)

TOGETHER = 64
"""Examples whose searches are sent to a knowledge base in one call."""
_HOLDS: dict[Kind, str] = {
    "text": "Passages of text.", "image": "Pictures with captions.", "table": "Tables of facts and figures.",
}  # fmt: skip
ANSWERED, UNNAMED, UNFOUND = "answered", "names no evidence", "its evidence was not among the best found"
"""What becomes of a gold step's evidence."""
_MISSING, _ENOUGH = "A fact is missing.", "Nothing is missing."


@dataclass(frozen=True, slots=True)
class _Hop:
    sub_question: str
    kb: str
    need: Need
    answer: str


def make_gold_steps(
    examples: Iterable[Example],
    kbs: Mapping[str, KnowledgeBase] | None,
    *,
    k: int = 5,
    source: str = "",
    tell: Callable[[str], None] | None = None,
) -> Iterator[TrainingStep]:
    """The steps of every example that has a gold chain: a plan for each hop and the stop, an answer for each hop
    whose gold evidence is among the `k` best that its sub-question finds, the final answer. The others give none;
    those whose chain lacks a sub-question, a knowledge base or an answer on the way are counted in a warning.

    Without knowledge bases there are no answer steps, and the cards say no more than the kinds in the data. `tell`
    hears of each hop whether it gave an answer step (`ANSWERED`) or why not (`UNNAMED`, `UNFOUND`).
    Raises `InputError` where a gold step names a knowledge base that is not there.
    """
    broken = 0
    for group in _batched(examples):
        chains = [_whole(_chain(example), example) for example in group]
        broken += sum(chain is None for chain in chains)
        wanted = [(example, hop) for example, chain in zip(group, chains, strict=True) for hop in chain or ()]
        names = {hop.kb: find_named_kb(hop.kb, kbs) for _, hop in wanted}
        found = iter(_search(wanted, names, kbs, k) if kbs else [[] for _ in wanted])
        seen = iter(_look([(e, c) for e, c in zip(group, chains, strict=True) if c], kbs) if kbs else ())
        cards = tuple(kb.card for kb in kbs.values()) if kbs else _cards(hop.kb for _, hop in wanted)
        for example, chain in zip(group, chains, strict=True):
            if chain:
                sights = [next(seen, ()) for _ in range(len(chain) + 1)]
                rankings = [next(found) for _ in chain]
                if tell and kbs:
                    for hop, evidence in zip(chain, rankings, strict=True):
                        tell(_say_answered(hop, evidence))
                yield from _steps(example, chain, names, cards, sights, rankings, source)
    if broken:
        log.warning("%d questions left out: a gold step lacks its sub-question, knowledge base or answer", broken)


def _say_answered(hop: _Hop, evidence: Sequence[Evidence]) -> str:
    if not hop.need.ids and not hop.need.titles:
        return UNNAMED
    return ANSWERED if any(meets(hop.need, item) for item in evidence) else UNFOUND


def _batched(examples: Iterable[Example]) -> Iterator[Sequence[Example]]:
    group: list[Example] = []
    for example in examples:
        group.append(example)
        if len(group) == TOGETHER:
            yield group
            group = []
    yield group


def _chain(example: Example) -> list[_Hop]:
    gold = example.gold or {}
    if gold.get("steps"):
        return [
            _Hop(_told(step, "sub_question"), _told(step, "kb"), read_need(step) or Need(), _told(step, "answer"))
            for step in gold["steps"]
        ]
    chain: list[_Hop] = []
    for hop in gold.get("hops") or ():
        asked = f"{chain[-1].answer}: {example.question.text}" if chain else example.question.text
        if not chain and len(gold["hops"]) > 1:
            asked = f"Which one is meant: {asked}"
        chain.append(_Hop(asked, _told(hop, "kb"), read_need(hop) or Need(), _told(hop, "answer")))
    return chain


def _told(step: Mapping[str, Any], part: str) -> str:
    return str(step.get(part) or "")


def _whole(chain: list[_Hop], example: Example) -> list[_Hop] | None:
    """The chain, its last answer that of the question where it is not told; None where something else is missing."""
    if chain and not chain[-1].answer and example.answers:
        chain[-1] = replace(chain[-1], answer=example.answers[0])
    return chain if all(hop.sub_question and hop.kb and hop.answer for hop in chain) else None


def find_named_kb(kb: str, kbs: Mapping[str, KnowledgeBase] | None) -> str:
    """The knowledge base that a gold step means: by its name, or the only one of that kind."""
    if kbs is None or kb in kbs:
        return kb
    of_kind = [name for name, opened in kbs.items() if opened.card.kind == kb]
    if len(of_kind) != 1:
        raise InputError(
            f"gold steps are sent to {kb!r}, which is neither a knowledge base nor the kind of a single one here; "
            f"there are: {', '.join(f'{name} ({opened.card.kind})' for name, opened in kbs.items())}"
        )
    return of_kind[0]


def _cards(kbs: Iterable[str]) -> tuple[Card, ...]:
    kinds: dict[str, Kind] = {"text": "text", "image": "image", "table": "table"}
    names = sorted({*kinds, *kbs})
    return tuple(Card(name, kinds.get(name, "text"), _HOLDS[kinds.get(name, "text")]) for name in names)


def _search(
    wanted: Sequence[tuple[Example, _Hop]], names: Mapping[str, str], kbs: Mapping[str, KnowledgeBase], k: int
) -> list[list[Evidence]]:
    found: list[list[Evidence]] = [[] for _ in wanted]
    for name in sorted(set(names.values())):
        places = [place for place, (_, hop) in enumerate(wanted) if names[hop.kb] == name]
        queries = [Query(wanted[p][1].sub_question, wanted[p][0].question.image) for p in places]
        for place, ranking in zip(places, kbs[name].search(queries, k=k), strict=True):
            found[place] = ranking
    return found


def _look(chains: Sequence[tuple[Example, list[_Hop]]], kbs: Mapping[str, KnowledgeBase]) -> list[tuple[Sight, ...]]:
    """What is seen of every knowledge base before each plan of these chains, the last one, which stops, included."""
    queries = []
    for example, chain in chains:
        for end in range(len(chain) + 1):
            told = tuple(Step(answer=hop.answer) for hop in chain[:end])
            queries.append(Query(write_need(Trajectory(example.question, told)), example.question.image))
    found = {name: iter(kb.search(queries, k=LOOK)) for name, kb in kbs.items()} if queries else {}
    return [
        describe_sights(query.text, {name: next(rankings) for name, rankings in found.items()}) for query in queries
    ]


def _steps(
    example: Example,
    chain: Sequence[_Hop],
    names: Mapping[str, str],
    cards: tuple[Card, ...],
    sights: Sequence[tuple[Sight, ...]],
    found: Sequence[Sequence[Evidence]],
    source: str,
) -> Iterator[TrainingStep]:
    question = example.question
    common: dict[str, Any] = {
        "question": question.text, "picture": question.image.name if question.image else "", "source": source,
    }  # fmt: skip
    history: tuple[Past, ...] = ()
    for index, (hop, evidence) in enumerate(zip(chain, found, strict=True)):
        kb, ids = names[hop.kb], tuple(sorted(hop.need.ids))
        plan = Gold(_MISSING, hop.sub_question, kb, ids)
        yield TrainingStep(
            f"{example.id}/{index}/plan", "plan", history=history, kbs=cards, sights=sights[index], gold=plan, **common
        )
        piece = next((n for n, item in enumerate(evidence, 1) if meets(hop.need, item)), None)
        if piece and hop.answer:
            read = Gold(f"Piece {piece} says it.", evidence_ids=ids, answers=(hop.answer,))
            yield TrainingStep(
                f"{example.id}/{index}/answer", "answer", history=history,
                sub_question=hop.sub_question, evidence=tuple(evidence), gold=read, **common,
            )  # fmt: skip
        history = (*history, Past(hop.sub_question, hop.answer, kb))
    end = Gold(_ENOUGH, None, NO_ROUTE)
    yield TrainingStep(
        f"{example.id}/{len(chain)}/plan", "plan", history=history, kbs=cards, sights=sights[-1], gold=end, **common
    )
    last = Gold(_concluded(example, history), answers=example.answers)
    yield TrainingStep(f"{example.id}/{len(chain)}/final", "final", history=history, gold=last, **common)


def _concluded(example: Example, history: Sequence[Past]) -> str:
    """Why the answer is the answer: a step that says it, or how the last two values compare."""
    if (example.gold or {}).get("final_reasoning") and len(history) > 1:
        values = [found[0] for past in history[-2:] if (found := read_numerals(past.answer))]
        if len(values) == 2:
            one, other = (float(value.digits) for value in values)
            sign = "equals" if one == other else "is more than" if one > other else "is less than"
            return f"{values[0].written} {sign} {values[1].written}."
    accepted = {answer.casefold() for answer in example.answers}
    for number in range(len(history), 0, -1):
        if history[number - 1].answer.casefold() in accepted:
            return f"Fact {number} is the answer."
    return ""
