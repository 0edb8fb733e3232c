"""Makes tasks of questions whose answers are known, because few people have gold sub-questions to learn from.

A question set tells at least the answer. Where it tells which evidence is needed, or the chain of it, the task has that
too. What stands between is found by the policy itself, with live searches.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from r1router.errors import InputError
from r1router.evals.datasets import load_examples
from r1router.evals.gold import Need, list_needs, read_need
from r1router.evidence.abstaining import abstains
from r1router.kb.collections import Collections, find_collection
from r1router.train.steps.gold import find_named_kb
from r1router.train.steps.step_file import Gold, read_steps
from r1router.train.steps.tasks import Task, gather_tasks
from r1router.types import Example, KnowledgeBase

SHORTEST = 4
"""Characters of an answer that tells evidence: "no" and "22" stand anywhere."""


def read_tasks(files: Sequence[Path], collections: Collections) -> dict[str, Task]:
    """The tasks of these files by id; each holds steps, or questions in any format that `r1router eval` reads.

    Raises `InputError` for what is neither, for an id used twice, and for a collection that is not there.
    """
    steps = [file for file in files if is_step_file(file)]
    found = gather_tasks(read_steps(*steps)) if steps else {}
    for file in files:
        if file in steps:
            continue
        for task in make_tasks(load_examples(str(file)), collections, source=file.stem):
            if task.id in found:
                raise InputError(f"{file}: the question {task.id!r} stands in another file too")
            found[task.id] = task
    return found


def is_step_file(file: Path) -> bool:
    """Whether the file begins like one of training steps, or is not there to be looked at."""
    try:
        with file.open(encoding="utf-8") as opened:
            first = json.loads(next((line for line in opened if line.strip()), "null"))
    except OSError:
        return True
    except ValueError:
        return False
    return isinstance(first, dict) and {"id", "kind", "question"} <= first.keys()


def make_tasks(examples: Iterable[Example], collections: Collections, *, source: str = "") -> list[Task]:
    """A task for every question with an answer or needed evidence; the others are left out.

    Raises `InputError` where a gold step names a knowledge base that is not there, or a question a collection.
    """
    tasks = (
        make_task(example, find_collection(collections, example.collection, of=example.id), source=source)
        for example in examples
    )
    return [task for task in tasks if task.hops or task.answers]


def make_task(example: Example, kbs: Mapping[str, KnowledgeBase], *, source: str = "") -> Task:
    """The task of a question; `kbs` are those of its collection. Without a chain, what it needs may be found in any
    order."""
    gold = example.gold or {}
    chain = gold.get("steps") or gold.get("hops")
    hops = [_hop(part, kbs) for part in chain] if chain else [_needed(need) for need in list_needs(example)]
    if hops and not hops[-1].answers and (chain or len(hops) == 1):
        hops[-1] = replace(hops[-1], answers=example.answers)
    if not hops:
        telling = tuple(answer for answer in example.answers if len(answer) >= SHORTEST and not abstains(answer))
        hops = [Gold(answers=telling)] if telling else []
    return Task(
        example.id,
        example.question.text,
        example.question.image.name if example.question.image else "",
        tuple(hops),
        example.answers,
        source,
        ordered=bool(gold.get("steps")),
        image=example.question.image,
        collection=example.collection,
    )


def _hop(part: Mapping[str, Any], kbs: Mapping[str, KnowledgeBase]) -> Gold:
    need, kb, answer = read_need(part) or Need(), str(part.get("kb") or ""), str(part.get("answer") or "")
    asked = part.get("sub_question")
    return replace(
        _needed(need),
        sub_question=str(asked) if asked else None,
        route=find_named_kb(kb, kbs) if kb else "",
        answers=(answer,) if answer else (),
    )


def _needed(need: Need) -> Gold:
    return Gold(evidence_ids=tuple(sorted(need.ids)), evidence_titles=tuple(sorted(need.titles)))
