"""Writes training steps over made folders, with live looks and searches, because routers meet folders, not benchmarks.

    python recipes/router/write_folder_steps.py OUT [--folders 60] [--dev-folders 6] [--seed 0]
        [--written readings asked --of-others 8]

Each folder is three of `folders/` filled anew and indexed as any user's. With `--written` the first of each is from the
first of these folders beside this file, in turn, and the others are from all of them. OUT/steps.jsonl gets plans,
readings, queries and final answers. Questions are typed as people type. A reading whose evidence does not hold the
answer is answered "unknown", and one in eight gets the evidence of another knowledge base, so that a reader learns to
say so. Whole kinds of folders are kept for OUT/*.dev.jsonl.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from made_folders import FOLDERS, Asked, Hop, Made, Table, fill, find_answer, read_folders, roughen, write_files
from write_query_steps import thought_for

import r1router as rr
from r1router.moves import write_need
from r1router.parse import NO_ROUTE
from r1router.routing.sights import LOOK, describe_sights
from r1router.table import TableColumn
from r1router.tables.columns import read_columns
from r1router.tables.grammar import can_write, write_query_grammar
from r1router.tables.view import view_table
from r1router.train.steps.step_file import Gold, Past, TrainingStep, write_steps
from r1router.types import Evidence, KnowledgeBase, Query, Question, Sight, Step, Trajectory

TOGETHER = 3
"""Folders as written that make up one."""
ELSEWHERE = 0.12
"""How often a reading gets evidence that does not hold the answer."""
NOTHING = Gold("Nothing says it.", answers=("unknown",))
"""What is read where the evidence does not say it."""
KEPT_APART = ("beekeepers", "radio station", "gasthof", "mediatheque")
"""Kinds of folders for dev only."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--folders", type=int, default=60)
    parser.add_argument("--dev-folders", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--of-others", type=int, default=999, help="questions of each folder after the first")
    parser.add_argument("--written", nargs="+", default=[FOLDERS.name])
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    firsts, *others = (read_folders(FOLDERS.parent / name) for name in given.written)
    written = [*firsts, *itertools.chain(*others)]
    apart = [lines for lines in written if _name(lines) in KEPT_APART]
    learned = [lines for lines in written if _name(lines) not in KEPT_APART]
    in_turn = itertools.cycle(random.Random(given.seed).sample(firsts, len(firsts))) if others else None
    for part, pool, count in (("", learned, given.folders), (".dev", apart, given.dev_folders)):
        rows: list[TrainingStep] = []
        for number in range(count):
            rng = random.Random(f"{given.seed}/{part}/{number}")
            first = next(in_turn) if in_turn else rng.choice(pool)
            for steps in _work(f"folder{part}-{number}", first, pool, rng, given.of_others):
                rows += steps
            print(f"{number + 1} of {count} folders{part}, {len(rows)} steps", flush=True)
        write_steps(rows, given.out / f"steps{part}.jsonl")


def _name(lines: Sequence[str]) -> str:
    return lines[0][2:].split("|")[0].strip()


def _work(
    name: str, first: list[str], pool: list[list[str]], rng: random.Random, of_others: int
) -> Iterator[list[TrainingStep]]:
    """The steps of one folder, question by question."""
    language = first[0].split("|")[1].strip()
    alike = [lines for lines in pool if lines is not first and lines[0].split("|")[1].strip() == language]
    others = rng.sample(alike, min(rng.choice((1, 2, 2)), len(alike)))
    if rng.random() < 0.3 or not others:
        others.append(rng.choice([lines for lines in pool if lines is not first and lines not in others]))
    made = [fill(lines, rng) for lines in [first, *others]]
    with tempfile.TemporaryDirectory() as scratch:
        write_files(made, Path(scratch, "files"))
        rr.index([Path(scratch, "files")], kbs=Path(scratch, "kbs"), ocr=False)
        for folder in made[1:]:
            folder.asked = rng.sample(folder.asked, min(of_others, len(folder.asked)))
        questions = [
            (f"{name}-{folder.name}-{number}", folder, asked, roughen(asked.question, rng))
            for folder in made
            for number, asked in enumerate(folder.asked)
        ]
        tables = {path: table for folder in made for path, table in folder.tables.items()}
        texts = [text for _, *question in questions for text in _searched(*question)]
        index = _Index(rr.open_kbs(Path(scratch, "kbs")), texts, tables)
        for named, folder, asked, question in questions:
            yield _steps(named, folder, asked, question, index, rng)


def _searched(folder: Made, asked: Asked, question: str) -> list[str]:
    """All words that the steps of a question search or look for."""
    answers = [find_answer(folder, hop) or "" for hop in asked.hops]
    told = [Step(answer=answer) for answer in answers or ["unknown"]]
    looked = [write_need(Trajectory(Question(question), tuple(told[:end]))) for end in range(len(told) + 1)]
    return [question, *looked, *(hop.sub_question for hop in asked.hops)]


class _Index:
    """The knowledge bases of one folder, with all that will be searched for found in one go."""

    def __init__(self, kbs: Mapping[str, KnowledgeBase], texts: Sequence[str], tables: Mapping[str, Table]) -> None:
        self._tables = tables
        self.cards = tuple(kb.card for kb in kbs.values())
        self.names = list(kbs)
        wanted = list(dict.fromkeys(texts))
        self._found = {
            name: dict(zip(wanted, kb.search([Query(text) for text in wanted], k=6), strict=True))
            for name, kb in kbs.items()
        }

    def search(self, name: str, text: str, k: int = 5) -> list[Evidence]:
        return self._found.get(name, {}).get(text, [])[:k]

    def whole(self, evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
        """The pieces, the first with the whole of its table, as a query sees it."""
        if not evidence or evidence[0].table is None:
            return tuple(evidence)
        table = next((t for path, t in self._tables.items() if _is_of(evidence[0], path)), None)
        if table is None:
            return tuple(evidence)
        block = replace(evidence[0].table, header=tuple(table.header), rows=tuple(map(tuple, table.rows)), first_row=1)
        return (replace(evidence[0], table=block), *evidence[1:])

    def look(self, text: str) -> tuple[Sight, ...]:
        return describe_sights(text, {name: self.search(name, text, LOOK) for name in self.names})

    def look_after(self, question: str, history: Sequence[Past]) -> tuple[Sight, ...]:
        path = Trajectory(Question(question), tuple(Step(answer=past.answer) for past in history))
        return self.look(write_need(path))


def _steps(
    name: str, folder: Made, asked: Asked, question: str, index: _Index, rng: random.Random
) -> list[TrainingStep]:
    cards = index.cards
    common: dict[str, Any] = {"question": question, "source": "folders"}
    rows: list[TrainingStep] = []
    history: tuple[Past, ...] = ()
    single = len(asked.hops) == 1
    for place, hop in enumerate(asked.hops):
        wanted = question if single else hop.sub_question
        answer = find_answer(folder, hop)
        if answer is None:
            return []
        sights = index.look_after(question, history)
        evidence = index.search(hop.kind, wanted)
        plan = Gold("A fact is missing.", wanted, hop.kind)
        plans: dict[str, Any] = {"history": history, "kbs": cards, "sights": sights, "gold": plan, **common}
        rows.append(TrainingStep(f"{name}/{place}/plan", "plan", **plans))
        found = next((n for n, e in enumerate(evidence, 1) if _holds(e, hop, answer)), None)
        if hop.sql:
            rows += _query(f"{name}/{place}", wanted, hop, evidence, history, index, common)
        else:
            rows.append(_read(f"{name}/{place}", wanted, hop, answer, found, evidence, history, index, rng, common))
        history = (*history, Past(wanted, answer, hop.kind))
    if not asked.hops:
        sights = index.look(question)
        nearest = max(sights, key=lambda sight: sight.similarity).kb
        plan = Gold("A fact is missing.", question, nearest)
        rows.append(TrainingStep(f"{name}/0/plan", "plan", kbs=cards, sights=sights, gold=plan, **common))
        evidence = index.search(nearest, question)
        rows.append(_reading(f"{name}/0", question, evidence, NOTHING, index, common))
        history = (Past(question, "unknown", nearest),)
    stop = Gold("Nothing is missing.", None, NO_ROUTE)
    sights = index.look_after(question, history)
    plans = {"history": history, "kbs": cards, "sights": sights, "gold": stop, **common}
    rows.append(TrainingStep(f"{name}/{len(history)}/plan", "plan", **plans))
    last = Gold(f"Fact {len(history)} is the answer.", answers=(history[-1].answer,))
    rows.append(TrainingStep(f"{name}/{len(history)}/final", "final", history=history, gold=last, **common))
    return rows


def _is_of(evidence: Evidence, path: str) -> bool:
    """Whether it is from this file of the folder, which was written with another ending."""
    source = Path(evidence.location.source if evidence.location else "").with_suffix("").as_posix()
    return bool(path) and source.endswith(Path(path).with_suffix("").as_posix())


def _holds(evidence: Evidence, hop: Hop, answer: str) -> bool:
    if not _is_of(evidence, hop.path):
        return False
    return answer.casefold() in evidence.text.casefold() or answer in ("yes", "no")


def _query(
    id_: str, wanted: str, hop: Hop, evidence: Sequence[Evidence], history: tuple[Past, ...], index: _Index,
    common: dict[str, Any],
) -> list[TrainingStep]:  # fmt: skip
    """The query of the hop's table, where that is the best evidence and the grammar has the query."""
    whole = index.whole(evidence)
    if not evidence or not _is_of(evidence[0], hop.path) or whole[0].table is None:
        return []
    table = whole[0].table
    readers, values = read_columns(table.header, table.rows)
    view = view_table(wanted, table, [reader.column for reader in readers], values)
    sql = _unquote_numbers(hop.sql, [reader.column for reader in readers])
    if not can_write(write_query_grammar(view), sql):
        return []
    gold = Gold(thought_for(sql), query=sql)
    return [
        TrainingStep(f"{id_}/query", "query", history=history, sub_question=wanted, evidence=whole, gold=gold, **common)
    ]


def _unquote_numbers(sql: str, columns: Sequence[TableColumn]) -> str:
    """The query with numbers compared as numbers, where their column is one."""
    numbers = {column.name for column in columns if column.kind in ("integer", "decimal")}
    return re.sub(
        r'("[^"]+") = \'([^\']*)\'', lambda m: f"{m[1]} = {m[2]}" if m[1].strip('"') in numbers else m[0], sql
    )


def _read(
    id_: str, wanted: str, hop: Hop, answer: str, found: int | None, evidence: Sequence[Evidence],
    history: tuple[Past, ...], index: _Index, rng: random.Random, common: dict[str, Any],
) -> TrainingStep:  # fmt: skip
    """The reading of the hop's evidence, or of some that does not hold it."""
    if found and rng.random() < ELSEWHERE:
        evidence = index.search(rng.choice(index.names), wanted, k=6)
        evidence = [e for e in evidence if not _holds(e, hop, answer)][:5]
        found = None
    elif found and rng.random() < 0.5:  # the piece is not always the first one
        evidence = rng.sample(list(evidence), len(evidence))
        found = next(n for n, e in enumerate(evidence, 1) if _holds(e, hop, answer))
    gold = Gold(f"Piece {found} says it.", answers=(answer,)) if found else NOTHING
    return _reading(id_, wanted, evidence, gold, index, {"history": history, **common})


def _reading(
    id_: str, wanted: str, evidence: Sequence[Evidence], gold: Gold, index: _Index, common: dict[str, Any]
) -> TrainingStep:
    """A step that reads; where its best evidence is a table it may also query, so its prompt is another."""
    kind: Any = "query" if evidence and evidence[0].table else "answer"
    pieces = index.whole(evidence) if kind == "query" else tuple(evidence)
    return TrainingStep(f"{id_}/{kind}", kind, sub_question=wanted, evidence=pieces, gold=gold, **common)


if __name__ == "__main__":
    main()
