"""Scores one reply to each rendered step: form, route, stop, sub-question, answer, with 95 % intervals over questions.

A reply is read as serving reads it (`parse`), once: where serving would ask again, the step counts as malformed, its
route as wrong, its sub-question as missing. An answer that does not parse is salvaged, as serving does in the end.
The names of the scores, `PART` being a kind of row (plan, answer, query, final):

    format_valid, format_valid/PART    share of the replies that parse
    route_accuracy                     share of the plans with the gold route, `NO_ROUTE` (a stop) being one of them
    route_accuracy/ROUTE, route_macro  the same for each gold route, and the mean of these
    stop_precision, stop_recall        of the stops that were made, those that are right; of the right ones, those made
    sub_question_cosine                to the gold sub-question; 0 where there should be one and is none
    answer/METRIC, final/METRIC        `exact_match` and `length_aware` of a step's answer, of the final answer
    query/METRIC                       the same where a table may be queried: of what the query gives, or of the answer
    source/NAME/…                      route_accuracy and answers of one data set, where there are several
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from r1router import parse
from r1router.evals.metrics import exact_match, length_aware
from r1router.evals.report.words import write_score as digits
from r1router.evals.statistics import (
    Interval,
    compute_clustered_interval,
    compute_clustered_rate,
    compute_interval,
    compute_macro_interval,
)
from r1router.parse import NO_ROUTE
from r1router.train.rewards import _outcomes as outcomes
from r1router.train.rewards._computed import run_query
from r1router.train.rewards._similarity import compute_cosines
from r1router.train.steps.render import RenderedStep
from r1router.train.steps.step_file import TrainingStep
from r1router.types import Answer, Step, TableQuery, TextEmbedder

MALFORMED = "malformed"
"""The column of the confusion matrix for plans that do not parse."""


@dataclass(frozen=True, slots=True)
class StepScores:
    scores: Mapping[str, Interval] = field(default_factory=dict)
    """By name, in the order above; `n` is the number of judged rows. What no row is judged by is left out."""
    confusion: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Gold route → taken route → plans."""

    @property
    def means(self) -> dict[str, float]:
        """The scores without their intervals, for logs."""
        return {name: value.mean for name, value in self.scores.items()}

    def to_dict(self) -> dict[str, object]:
        """As dicts, lists and numbers that `json.dumps` takes."""
        scores = {name: value._asdict() for name, value in self.scores.items()}
        return {"scores": scores, "confusion": {gold: dict(taken) for gold, taken in self.confusion.items()}}


def score_steps(
    rows: Sequence[RenderedStep], replies: Sequence[str], *, embedder: TextEmbedder | None = None
) -> StepScores:
    """The scores of one reply text for each row; sub-questions are judged where there is an `embedder`."""
    said = [read_reply(row, reply) for row, reply in zip(rows, replies, strict=True)]
    steps = [row.step for row in rows]
    scores = _formats(steps, said)
    planned = [(step, find_route(plan)) for step, plan in zip(steps, said, strict=True) if step.kind == "plan"]
    routes = score_routes([step for step, _ in planned], [route for _, route in planned])
    scores |= routes.scores
    if embedder is not None:
        asked = [plan.sub_question if isinstance(plan, Step) else None for plan in said]
        scores |= score_sub_questions(steps, asked, embedder).scores
    texts = [_answer_text(*told) for told in zip(steps, replies, said, strict=True)]
    scores |= dict(_answers(steps, texts))
    scores |= _rewrites(steps, said)
    if len(sources := dict.fromkeys(step.source for step in steps)) > 1:
        for source in sources:
            at = [place for place, step in enumerate(steps) if step.source == source]
            of = score_steps([rows[place] for place in at], [replies[place] for place in at])
            told = {name: value for name, value in of.scores.items() if name in _OF_A_SOURCE}
            scores |= {f"source/{source or '?'}/{name}": value for name, value in told.items()}
    return StepScores(scores, routes.confusion)


_OF_A_SOURCE = frozenset(
    (
        "route_accuracy",
        "answer/exact_match",
        "answer/length_aware",
        "query/exact_match",
        "final/exact_match",
        "final/length_aware",
    )
)


def read_reply(row: RenderedStep, reply: str) -> outcomes.Said | None:
    """What a reply to this row says, as serving reads it; None where it does not parse."""
    routes: dict[str, str] = {}
    if row.step.kind == "plan":  # the labels of other steps name no knowledge base: "unknown", for its probability
        routes = dict(zip(row.ask.labels, dict.fromkeys(card.name for card in row.step.kbs), strict=True))
    return outcomes.read_outcome(row.step, reply, routes=routes).said


def find_route(said: outcomes.Said | None) -> str | None:
    """The route of a plan: a knowledge base, `NO_ROUTE` for a stop, None where it does not parse."""
    if not isinstance(said, Step):
        return None
    return said.routes[0] if said.routes else NO_ROUTE


def score_routes(steps: Sequence[TrainingStep], routes: Sequence[str | None]) -> StepScores:
    """The routes taken in these plans; those whose gold route is not known are not judged."""
    judged = [
        (s.gold.route, route, find_question(s))
        for s, route in zip(steps, routes, strict=True)
        if s.kind == "plan" and s.gold.route
    ]
    if not judged:
        return StepScores()
    by_gold: dict[str, list[tuple[bool, str]]] = defaultdict(list)
    confusion: dict[str, Counter[str]] = defaultdict(Counter)
    for gold, route, question in sorted(judged, key=lambda one: (one[0] == NO_ROUTE, one[0])):
        by_gold[gold].append((gold == route, question))
        confusion[gold][route or MALFORMED] += 1
    scores = {
        "route_accuracy": _rate([(gold == route, question) for gold, route, question in judged]),
        "route_macro": compute_macro_interval([{gold: float(gold == route)} for gold, route, _ in judged]),
    }
    scores |= {f"route_accuracy/{gold}": _rate(right) for gold, right in by_gold.items()}
    stopped = [(gold == NO_ROUTE, question) for gold, route, question in judged if route == NO_ROUTE]
    if stopped:
        scores["stop_precision"] = _rate(stopped)
    if NO_ROUTE in by_gold:
        scores["stop_recall"] = _rate(by_gold[NO_ROUTE])
    return StepScores(scores, {gold: dict(counts) for gold, counts in confusion.items()})


def find_question(step: TrainingStep) -> str:
    """What the steps of one question share: their id without its last two parts."""
    return step.id.rsplit("/", 2)[0]


def _rate(told: Sequence[tuple[bool, str]]) -> Interval:
    """The share of the right ones of (right, question), steps of one question counted together."""
    return compute_clustered_rate([right for right, _ in told], [question for _, question in told])


def score_sub_questions(
    steps: Sequence[TrainingStep], asked: Sequence[str | None], embedder: TextEmbedder
) -> StepScores:
    """The cosine of what was asked to the gold sub-question, where that is known; 0 where nothing was asked."""
    pairs = [
        (step.gold.sub_question, said)
        for step, said in zip(steps, asked, strict=True)
        if step.kind == "plan" and step.gold.sub_question
    ]
    if not pairs:
        return StepScores()
    found = iter(compute_cosines([(gold, said) for gold, said in pairs if said], embedder))
    return StepScores({"sub_question_cosine": compute_interval([next(found) if said else 0.0 for _, said in pairs])})


def _formats(steps: Sequence[TrainingStep], said: Sequence[outcomes.Said | None]) -> dict[str, Interval]:
    valid: dict[str, list[tuple[bool, str]]] = defaultdict(list)
    for step, reply in zip(steps, said, strict=True):
        for name in ("format_valid", f"format_valid/{step.kind}"):
            valid[name].append((reply is not None, find_question(step)))
    return {name: _rate(valid[name]) for name in sorted(valid)}


def _answer_text(step: TrainingStep, reply: str, said: outcomes.Said | None) -> str:
    if isinstance(said, TableQuery):
        return run_query(step, said.sql) or ""
    return said.text if isinstance(said, Answer) else parse.salvage_answer(reply).text


def _answers(steps: Sequence[TrainingStep], texts: Sequence[str]) -> Iterator[tuple[str, Interval]]:
    for kind in ("answer", "query", "final"):
        judged = [(s, text) for s, text in zip(steps, texts, strict=True) if s.kind == kind and s.gold.answers]
        if judged:
            questions = [find_question(step) for step, _ in judged]
            right = [bool(exact_match.score(text, step.gold.answers)) for step, text in judged]
            close = [length_aware.score(text, step.gold.answers, question=_asked(step)) for step, text in judged]
            yield f"{kind}/exact_match", compute_clustered_rate(right, questions)
            yield f"{kind}/length_aware", compute_clustered_interval(close, questions)


def _rewrites(steps: Sequence[TrainingStep], said: Sequence[outcomes.Said | None]) -> dict[str, Interval]:
    """Whether follow-up questions are said in full with the gold words."""
    right = [
        (isinstance(told, Step) and exact_match.score(told.sub_question or "", (gold,)) == 1.0, find_question(step))
        for step, told in zip(steps, said, strict=True)
        if step.kind == "rewrite" and (gold := step.gold.sub_question)
    ]
    return {"rewrite/exact_match": _rate(right)} if right else {}


def _asked(step: TrainingStep) -> str:
    return step.question if step.kind == "final" else step.sub_question


# ── for people ─────────────────────────────────────────────────────────────────────────────────


def format_table(columns: Mapping[str, StepScores]) -> str:
    """The scores as lines of text, one column for each name: a policy beside its floors, or several policies.

    A cell is a mean and its interval; the last column says how many rows the first of them was judged on.
    """
    names = list(dict.fromkeys(name for scores in columns.values() for name in scores.scores))
    lines = [["", *columns, "rows"]]
    for name in names:
        found = [scores.scores.get(name) for scores in columns.values()]
        lines.append([name, *map(_cell, found), str(next(value.n for value in found if value))])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]).rstrip()
        for line in lines
    )


def _cell(value: Interval | None) -> str:
    return f"{digits(value.mean)} {value.low:.2f}–{value.high:.2f}" if value else "·"
