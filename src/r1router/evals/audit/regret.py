"""Computes the regret of a run's routes: how often what a step looked for was in another knowledge base.

Each step's sub-question (with the question's picture) is sent to the knowledge bases that it was not sent to. What
a step looks for is the gold evidence of its question that no earlier step had found; any of it counts, since a
policy may find things in another order. Where the data set names no gold evidence, it is an entry whose text
contains the gold answer of a step or of the question, unless the answer is a yes, a no, a single character, or in
the sub-question itself. A step with nothing left to look for is not judged.

- *found*: the evidence that the step got has it.  *regret*: it has not, and another knowledge base's has.
  *nowhere*: none has it, so no route was right.
- A route is *right* when found, among the steps where any knowledge base had it; its confidence is the probability
  that the policy gave it. Expected calibration error (Naeini et al. 2015): the mean distance of confidence and
  share of right routes over ten equal bins, weighted by steps.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from r1router.codec import from_dict, to_dict
from r1router.evals import gold
from r1router.evals.audit.other_routes import Answers, Searched
from r1router.evals.metrics import contains
from r1router.evals.metrics.yes_no import read_asked_side
from r1router.evals.run import RunLine, RunSettings
from r1router.evals.statistics import Interval, compute_clustered_interval
from r1router.types import Evidence

FILE = "audit.json"
"""Beside the run's files."""
BINS = 10


@dataclass(frozen=True, slots=True)
class Route:
    """The judged steps that were sent to one knowledge base (or to several at once, joined by "+")."""

    route: str
    steps: int
    found: int
    regret: int
    nowhere: int
    instead: Mapping[str, int]
    """Knowledge base → steps of the regret that it would have served."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Steps of about the same confidence."""

    low: float
    high: float
    confidence: float
    """Mean of the bin's steps."""
    right: Interval
    """Share of right routes; `n` is the number of steps."""


@dataclass(frozen=True, slots=True)
class MethodAudit:
    method: str
    searches: int
    """Steps that searched."""
    judged: int
    by_gold: int
    """Of the judged steps, those judged by gold evidence; the others by answers in the text."""
    regret: Interval | None
    """Share of the judged steps."""
    nowhere: int
    routes: tuple[Route, ...]
    bins: tuple[Bin, ...]
    """Empty where the policy gave no probabilities."""
    calibration_error: float | None
    answers: Answers | None = None

    @property
    def regretted(self) -> int:
        """The judged steps of the regret."""
        return sum(route.regret for route in self.routes)


@dataclass(frozen=True, slots=True)
class Audit:
    dataset: str
    k: int
    run: str
    """Hash of the searches that were audited."""
    methods: tuple[MethodAudit, ...]


def audit(
    settings: RunSettings,
    rows: Sequence[RunLine],
    searched: Sequence[Searched],
    *,
    answers: Mapping[str, Answers] | None = None,
) -> Audit:
    """What `search_elsewhere` found for these rows, summed up; `answers` by method, where they were read too."""
    by_method: dict[str, list[_Judged]] = defaultdict(list)
    searches = Counter(one.row.method for one in searched)
    for one in searched:
        if (judged := _judge(one)) is not None:
            by_method[one.row.method].append(judged)
    methods = [_method(name, n, by_method[name], (answers or {}).get(name)) for name, n in searches.items()]
    return Audit(settings.dataset, settings.k, compute_digest(rows), tuple(methods))


def list_targets(one: Searched) -> list[str]:
    """The answers that this step could give: those of the gold steps not yet met, and of the question."""
    example, asked = one.row.example, f" {one.step.sub_question} "
    steps = (example.gold or {}).get("steps") or (example.gold or {}).get("hops") or ()
    wanted = [str(step["answer"]) for step in steps if step.get("answer")] + list(example.answers)
    return [
        answer
        for answer in dict.fromkeys(wanted)
        if len(answer) > 1 and read_asked_side(answer) is None and not contains.score(asked, [answer])
    ]


# ── one step ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Judged:
    question: str
    route: str
    confidence: float | None
    by_gold: bool
    found: bool
    others: tuple[str, ...]
    """Knowledge bases it was not sent to that have it."""


def _judge(one: Searched) -> _Judged | None:
    """None where the step has nothing left to look for, or where nothing says what that is."""
    wanted = gold.list_needs(one.row.example)
    earlier = [e for step in one.row.trajectory.steps[: one.at] for e in step.evidence]
    left = [need for need in wanted if not any(gold.meets(need, e) for e in earlier)]
    answers = [] if wanted else list_targets(one)
    if not left and not answers:
        return None

    def has(evidence: Iterable[Evidence]) -> bool:
        if wanted:
            return any(gold.meets(need, e) for need in left for e in evidence)
        return any(contains.score(f"{e.title} {e.text}", answers) for e in evidence)

    step = one.step
    return _Judged(
        one.row.example.id,
        "+".join(step.routes),
        step.probabilities.get(step.routes[0]) if len(step.routes) == 1 else None,
        bool(wanted),
        has(step.evidence),
        tuple(name for name, evidence in one.elsewhere.items() if has(evidence)),
    )


# ── many steps ─────────────────────────────────────────────────────────────────────────────────


def _method(name: str, searches: int, judged: Sequence[_Judged], answers: Answers | None) -> MethodAudit:
    by_route: dict[str, list[_Judged]] = defaultdict(list)
    for one in judged:
        by_route[one.route].append(one)
    bins = _bins(judged)
    told = sum(b.right.n for b in bins)
    return MethodAudit(
        name,
        searches,
        len(judged),
        sum(one.by_gold for one in judged),
        compute_clustered_interval([float(_regretted(one)) for one in judged], [one.question for one in judged])
        if judged
        else None,
        sum(_nowhere(one) for one in judged),
        tuple(_route(route, by_route[route]) for route in sorted(by_route)),
        bins,
        sum(b.right.n * abs(b.right.mean - b.confidence) for b in bins) / told if told else None,
        answers,
    )


def _regretted(one: _Judged) -> bool:
    return not one.found and bool(one.others)


def _nowhere(one: _Judged) -> bool:
    return not one.found and not one.others


def _route(route: str, judged: Sequence[_Judged]) -> Route:
    instead = Counter(name for one in judged if _regretted(one) for name in one.others)
    return Route(
        route,
        len(judged),
        sum(one.found for one in judged),
        sum(map(_regretted, judged)),
        sum(map(_nowhere, judged)),
        dict(sorted(instead.items())),
    )


def _bins(judged: Sequence[_Judged]) -> tuple[Bin, ...]:
    """The bins that have steps, in order. A confidence on a border belongs to the bin above it, 1 to the last."""
    members: dict[int, list[tuple[float, bool, str]]] = defaultdict(list)
    for one in judged:
        if one.confidence is not None and not _nowhere(one):
            members[min(BINS - 1, int(one.confidence * BINS))].append((one.confidence, one.found, one.question))
    return tuple(
        Bin(
            number / BINS,
            (number + 1) / BINS,
            sum(confidence for confidence, _, _ in members[number]) / len(members[number]),
            compute_clustered_interval(
                [float(right) for _, right, _ in members[number]], [question for _, _, question in members[number]]
            ),
        )
        for number in sorted(members)
    )


# ── kept beside the run ────────────────────────────────────────────────────────────────────────


def compute_digest(rows: Iterable[RunLine]) -> str:
    """Hash of the searches of a run, by which an audit knows what it was made of."""
    searches = [
        (row.method, row.example.id, step.routes, step.sub_question) for row in rows for step in row.trajectory.steps
    ]
    return hashlib.sha256(json.dumps(searches).encode()).hexdigest()[:16]


def write_audit(found: Audit, folder: str | Path) -> Path:
    path = Path(folder) / FILE
    path.write_text(json.dumps(to_dict(found), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def read_audit(folder: str | Path, rows: Iterable[RunLine]) -> Audit | None:
    """The audit of a run; None where there is none, or where the run has gone on since it was made."""
    path = Path(folder) / FILE
    if not path.exists():
        return None
    found = from_dict(Audit, json.loads(path.read_text(encoding="utf-8")))
    return found if found.run == compute_digest(rows) else None
