"""Reads and writes training steps: one decision of a trajectory each, with what the policy saw and what was right.

A file of steps is JSON Lines, one `TrainingStep` a line (`STEPS.jsonl`). The steps of a trajectory stay together and in
order, and each carries its *gold* history: offline Step-GRPO (paper, section 3.2) trains every step on its own.
Rows hold data, never prompts: `train.steps.render` renders them with the functions that serving uses.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from r1router.codec import from_dict, to_dict
from r1router.errors import InputError
from r1router.evals.gold import Need, meets
from r1router.parse import NO_ROUTE
from r1router.types import Card, Evidence, Purpose, Sight, Turn


@dataclass(frozen=True, slots=True)
class Past:
    """A step that has been answered: a pair of the paper's history."""

    sub_question: str
    answer: str
    kb: str = ""


@dataclass(frozen=True, slots=True)
class Gold:
    """What would have been right. Every part may be unknown; a reward that needs it then returns None."""

    thought: str = ""
    """Shown to SFT, never rewarded."""
    sub_question: str | None = None
    """None for a stop, and where it is not known."""
    route: str = ""
    """Name of a knowledge base, `NO_ROUTE` for a stop, empty where it is not known."""
    evidence_ids: tuple[str, ...] = ()
    """Records, or entries, of which any one is enough (`Evidence.record`, `Evidence.id`)."""
    evidence_titles: tuple[str, ...] = ()
    """Titles, of which any one is enough too (`Evidence.title`, but for case): question sets without ids have them."""
    answers: tuple[str, ...] = ()
    """Accepted answers of this step, the best form first; of the whole question in a `final` row."""
    query: str = ""
    """What to ask the step's table, in SQL; empty where reading is right, or where it is not known."""


def is_known(gold: Gold) -> bool:
    """Whether it is known which evidence is needed."""
    return bool(gold.evidence_ids or gold.evidence_titles)


def is_gold_evidence(gold: Gold, piece: Evidence) -> bool:
    """Whether this piece is what had to be found, as evaluation tells."""
    titles = frozenset(title.casefold() for title in gold.evidence_titles)
    return meets(Need(frozenset(gold.evidence_ids), titles), piece)


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """One decision: say a follow-up question in full, plan the next step, answer its sub-question, read or query its
    table, or give the final answer."""

    id: str
    """Unique in its file: TRAJECTORY/INDEX/KIND."""
    kind: Purpose
    question: str
    """The original question, in every kind of row."""
    picture: str = ""
    """Path of the question's picture as the data set gives it; empty where there is none."""
    history: tuple[Past, ...] = ()
    kbs: tuple[Card, ...] = ()
    """The knowledge bases to choose from."""
    sights: tuple[Sight, ...] = ()
    """`plan` rows: what was seen of them before the plan."""
    sub_question: str = ""
    """`answer` and `query` rows: what is to be answered from `evidence`. In a `query` row its first piece is from a
    table, and holds the whole of it."""
    evidence: tuple[Evidence, ...] = ()
    gold: Gold = field(default_factory=Gold)
    source: str = ""
    """Data set, for counts and weights."""
    turns: tuple[Turn, ...] = ()
    """`rewrite` rows: what was said before `question`, which `gold.sub_question` asks in full."""

    @property
    def stops(self) -> bool:
        """Whether the right plan is to stop."""
        return self.kind == "plan" and self.gold.route == NO_ROUTE


def write_steps(rows: Iterable[TrainingStep], file: Path) -> int:
    """The rows as JSON Lines, complete or not at all; how many."""
    return write_lines(rows, file)


def write_lines(nouns: Iterable[object], file: Path) -> int:
    """Nouns of any kind as JSON Lines, complete or not at all; how many."""
    count = 0
    part = file.with_name(file.name + ".part")
    file.parent.mkdir(parents=True, exist_ok=True)
    with part.open("w", encoding="utf-8") as out:
        for noun in nouns:
            out.write(write_line(noun))
            count += 1
    part.replace(file)
    return count


def write_line(noun: object) -> str:
    """The noun as a line, line end included."""
    return json.dumps(to_dict(noun), ensure_ascii=False) + "\n"


def read_steps(*files: Path) -> list[TrainingStep]:
    """The rows of all files, in order. Raises `InputError` with file and line for what is none, or an id used twice."""
    rows: dict[str, TrainingStep] = {}
    for file in files:
        for place, row in _read(file):
            if row.id in rows:
                raise InputError(f"{place}: the id {row.id!r} is used twice")
            rows[row.id] = row
    if not rows:
        raise InputError(f"no steps in {', '.join(map(str, files))}")
    return list(rows.values())


def _read(file: Path) -> Iterator[tuple[str, TrainingStep]]:
    try:
        opened = file.open(encoding="utf-8")
    except OSError as error:
        raise InputError(f"the steps cannot be read: {error}; `r1router synthesize` makes such a file") from error
    with opened:
        for number, text in enumerate(opened, 1):
            if not text.strip():
                continue
            place = f"{file}:{number}"
            try:
                row = from_dict(TrainingStep, json.loads(text))
            except (json.JSONDecodeError, InputError) as error:
                raise InputError(f"{place}: not a training step: {error}") from error
            _check(row, place)
            yield place, row


def _check(row: TrainingStep, place: str) -> None:
    names = [card.name for card in row.kbs]
    if row.kind == "rewrite" and not (row.turns and row.gold.sub_question):
        raise InputError(f"{place}: a rewrite step must have 'turns', and in 'gold' a 'sub_question'")
    if row.kind == "query" and not (row.evidence and row.evidence[0].table):
        raise InputError(f"{place}: the first piece of evidence of a query step must have a 'table'")
    if row.kind == "plan" and not names:
        raise InputError(f"{place}: a plan step must list its knowledge bases in 'kbs'")
    if row.kind == "plan" and row.gold.route and row.gold.route not in (*names, NO_ROUTE):
        raise InputError(
            f"{place}: the gold route {row.gold.route!r} is not among its knowledge bases {', '.join(names)} "
            f"(or {NO_ROUTE!r} for a stop)"
        )
    if row.kind in ("answer", "query") and not row.sub_question:
        raise InputError(f"{place}: an {row.kind} step must have a 'sub_question'")
