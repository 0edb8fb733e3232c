"""Rewards a reply as the paper's released code does (section 3.2): half similarity and half route, or answer recall.

Its quirks are kept, since this is what published numbers come from:

- the tags are searched anywhere, so junk around a good step costs nothing; only a missing tag makes a reply malformed;
- the cosine is taken as it is, also below 0;
- None is compared as a word like any other, so that None in one field only, where the gold step stops, earns half.
"""

from __future__ import annotations

from collections.abc import Sequence

from r1router.parse import NO_ROUTE, STOP
from r1router.train.rewards._outcomes import Outcome
from r1router.train.rewards._similarity import compute_cosines
from r1router.train.rewards.answer import score_recall
from r1router.types import TextEmbedder


def published(outcomes: Sequence[Outcome], *, embedder: TextEmbedder | str = "minilm:") -> list[float | None]:
    """Plans of which sub-question and route are known; answers and final answers with accepted ones."""
    values = [_answer(outcome) if outcome.step.kind != "plan" else _malformed(outcome) for outcome in outcomes]
    plans = {row: plan for row, outcome in enumerate(outcomes) if (plan := _plan(outcome))}
    pairs = [(said, wanted) for said, wanted, _ in plans.values()]
    for (row, (_, _, routed)), cosine in zip(plans.items(), compute_cosines(pairs, embedder), strict=True):
        values[row] = 0.5 * cosine + 0.5 * routed
    return values


def _plan(outcome: Outcome) -> tuple[str, str, bool] | None:
    """(sub-question said, gold one, whether the route is right) of a plan that has both tags."""
    wanted = _gold(outcome)
    asked, label = _field(outcome.reply, "sub-question"), _field(outcome.reply, "ret")
    if wanted is None or asked is None or label is None:
        return None
    sub_question, route = wanted
    names = {_plain(word): name for word, name in outcome.routes.items()} | {_plain(STOP): NO_ROUTE}
    # One spelling of None, so that it is equal to itself.
    return (STOP if _plain(asked) == _plain(STOP) else asked), sub_question, names.get(_plain(label)) == route


def _malformed(outcome: Outcome) -> float | None:
    return None if _gold(outcome) is None else 0.0


def _gold(outcome: Outcome) -> tuple[str, str] | None:
    gold = outcome.step.gold
    if outcome.step.kind != "plan" or not gold.route:
        return None
    if outcome.step.stops:
        return STOP, NO_ROUTE
    return None if gold.sub_question is None else (gold.sub_question, gold.route)


def _answer(outcome: Outcome) -> float | None:
    answers, said = outcome.step.gold.answers, _field(outcome.reply, "answer")
    if not answers:
        return None
    return 0.0 if said is None else score_recall(said, answers)


def _field(reply: str, name: str) -> str | None:
    """What stands between the first opening tag and the closing tag after it; None where one is missing."""
    _, _, rest = reply.partition(f"<{name}>")
    text, closed, _ = rest.partition(f"</{name}>")
    return text.strip() if closed else None


def _plain(label: str) -> str:
    return " ".join(label.casefold().split())
