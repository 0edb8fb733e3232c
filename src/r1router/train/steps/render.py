"""Renders a training step as what the policy sees and what it should have said, by the functions that serving uses."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from r1router import parse
from r1router.errors import InputError
from r1router.evals.answers import read_range
from r1router.images import load_image
from r1router.prompts import Prompts
from r1router.tables.inspect import inspect_table
from r1router.tables.view import TableView
from r1router.train.steps.cards import vary_cards as vary_cards
from r1router.train.steps.step_file import TrainingStep
from r1router.types import Answer, Ask, Image, Question, Step, TableQuery, Trajectory

CUTS = (400, 700)
"""Characters of evidence that are shown now and then instead of the prompt set's limit, where that is more or none:
for a reader of short and of long evidence, and less computing."""


@dataclass(frozen=True, slots=True)
class RenderedStep:
    """A training step as the policy is asked it."""

    step: TrainingStep
    ask: Ask
    """Exactly what the method would have asked in this state."""
    reply: str
    """The right reply; empty where the gold step is not known (it then serves rewards only)."""


def render(step: TrainingStep, prompts: Prompts, *, pictures: Path | None = None) -> RenderedStep:
    """A step as it is asked. `pictures` is the folder that its picture's path starts from, for models that see;
    without it a step with a picture is rendered with the words that stand for one."""
    trajectory = _history(step, pictures)
    match step.kind:
        case "rewrite":
            ask = prompts.rewrite(Question(step.question, turns=step.turns))
        case "plan":
            ask = prompts.next_step(trajectory, {card.name: card for card in step.kbs}, sights=step.sights)
        case "answer":
            ask = prompts.answer_step(trajectory, Step(sub_question=step.sub_question, evidence=step.evidence))
        case "query":
            read = Step(sub_question=step.sub_question, evidence=step.evidence)
            ask = prompts.query_step(trajectory, read, find_view(step, likely=prompts.likely_queries))
        case "final":
            ask = prompts.final_answer(trajectory)
    return RenderedStep(step, ask, _reply(step, prompts))


def find_view(step: TrainingStep, *, likely: int = 0) -> TableView:
    """What the question of a `query` row touches in its table, with so many `likely` queries, as serving finds it."""
    table = step.evidence[0].table
    if table is None:
        raise InputError(f"{step.id}: the first piece of evidence of a query step must have a 'table'")
    return inspect_table(table, step.sub_question, likely=likely)


def render_varied(
    steps: Sequence[TrainingStep], prompts: Prompts, *, seed: int, vary: bool, pictures: Path | None = None
) -> Iterator[RenderedStep]:
    """Every step as it is asked, in order; with `vary` each over knowledge bases of its own (see `train.steps.cards`),
    and the evidence cut to one of `CUTS`, where that leaves the answer in view."""
    chance = random.Random(seed)
    titles = sorted({item.title for step in steps for item in step.evidence if 0 < len(item.title) < 60})
    narrower = [Prompts(prompts.folder, limits={"evidence": chars}) for chars in CUTS if prompts.shows_more_than(chars)]
    for step in steps:
        if vary and step.kind == "answer":
            row = render(step, chance.choice([prompts, *narrower]), pictures=pictures)
            yield row if shows_answer(row) else render(step, prompts, pictures=pictures)
        else:
            yield render(vary_cards(step, chance, titles=titles) if vary else step, prompts, pictures=pictures)


def shows_answer(row: RenderedStep) -> bool:
    """Whether the prompt shows the accepted answer, where the evidence has it word for word."""
    shown, answers = row.ask.messages[-1].content.casefold(), find_stated_answers(row.step)
    return not answers or any(answer in shown for answer in answers)


def find_stated_answers(step: TrainingStep) -> list[str]:
    """The accepted answers that stand in the step's evidence word for word, case-folded."""
    evidence = "\n".join(item.text for item in step.evidence).casefold()
    return [answer.casefold() for answer in step.gold.answers if answer.casefold() in evidence]


def open_pictures(row: RenderedStep) -> list[Any]:
    """The pictures that the row shows, as PIL images."""
    from PIL import Image as Picture

    return [Picture.open(io.BytesIO(image.data)) for message in row.ask.messages for image in message.images]


def _history(step: TrainingStep, pictures: Path | None) -> Trajectory:
    image = _picture(str(pictures / step.picture)) if pictures and step.picture else None
    if step.picture and image is None:
        image = Image(b"", name=step.picture)  # the templates say that there is one
    past = (Step(sub_question=p.sub_question, routes=(p.kb,) if p.kb else (), answer=p.answer) for p in step.history)
    return Trajectory(Question(step.question, image), tuple(past))


@lru_cache(maxsize=256)
def _picture(path: str) -> Image:
    return load_image(Path(path))


def _reply(step: TrainingStep, prompts: Prompts) -> str:
    gold = step.gold
    if step.kind == "rewrite":
        return parse.write_query(Step(sub_question=gold.sub_question))
    if step.kind == "query" and gold.query:
        return parse.write_table_query(TableQuery(gold.thought, gold.query))
    if step.kind != "plan":
        if not gold.answers:
            return ""
        return parse.write_answer(Answer(gold.thought, _said(gold.answers[0])), spaced=prompts.spaced_answers)
    if step.stops:
        return parse.write_step(Step(gold.thought), None)
    if not gold.route or gold.sub_question is None:
        return ""
    label = {name: label for label, name in prompts.labels({card.name: card for card in step.kbs}).items()}
    return parse.write_step(Step(gold.thought, gold.sub_question), label[gold.route])


def _said(answer: str) -> str:
    """An accepted answer as a person would give it: of a range the value, or what lies in its middle."""
    if (bounds := read_range(answer)) is None:
        return answer
    value = bounds.value if bounds.value is not None else (bounds.low + bounds.high) / 2
    return str(int(value)) if value == int(value) else str(value)
