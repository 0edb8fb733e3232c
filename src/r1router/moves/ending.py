"""Ends a trajectory: which answer stands, what it rests on, and how it stands to that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from r1router import parse
from r1router.errors import BudgetSpent
from r1router.evidence.cite import cite, find_sources
from r1router.evidence.codes import has_codes, read_codes
from r1router.evidence.support import Support, judge, measure_support
from r1router.evidence.words import measure_share, read_words, tell_language
from r1router.moves.asking import Flow, ask_answer
from r1router.moves.changes import fill_in
from r1router.moves.pictures import find_picture_name
from r1router.moves.reading import SURE_READING
from r1router.prompts import Prompts
from r1router.types import Answer, Ask, Step, Trajectory

WHOLE = 0.9
"""A sub-question with so large a share of the question's telling words asks all of it."""


def conclude(
    trajectory: Trajectory, request: Ask, stop: str, prompts: Prompts, *, verify: bool = False
) -> Flow[Trajectory]:
    """The finished trajectory: the final answer with the evidence that it rests on.

    With `verify` it is judged by its evidence, where the prompt set has weights for that (see `evidence.support`).

    Where the budget does not even leave room for that, the last step's answer stands in for it.
    """
    try:
        answer = yield from ask_answer(request, prompts)
    except BudgetSpent as spent:
        answer, stop = (
            Answer("", next((step.answer for step in reversed(trajectory.steps) if step.answer), "")),
            spent.budget,
        )
    return finish(trajectory, answer, stop, prompts, verify=verify)


def finish(
    trajectory: Trajectory,
    answer: Answer,
    stop: str,
    prompts: Prompts,
    *,
    verify: bool = False,
    rests_on: Trajectory | None = None,
) -> Trajectory:
    """The finished trajectory with this answer, its citations and, with `verify`, how it stands to them.

    `rests_on`: the trajectory whose steps it is cited and judged by; the same one where not given.
    """
    rests_on = rests_on or trajectory
    if answer.text == parse.UNKNOWN and prompts.copied_answers:
        answer = replace(answer, text=find_picture_name(trajectory) or answer.text)
    answer = replace(answer, citations=cite(rests_on.steps, answer.text))
    if verify and prompts.support is not None:
        answer = verify_answer(rests_on, answer, prompts.support)
    return trajectory.finish(answer, stop)


def find_other_answer(trajectory: Trajectory, prompts: Prompts) -> Flow[Trajectory | None]:
    """A trajectory of one step, whose answer stands in place of what the last step said; None where that stands."""
    return (yield from read_again(trajectory, prompts)) or find_earlier_answer(trajectory)


def read_again(trajectory: Trajectory, prompts: Prompts) -> Flow[Trajectory | None]:
    """The question itself, read in all that the steps found, as a trajectory of one step; None where that is no use.

    A policy that copies its answers may ask on after it knew enough, or for what it misread. Where its last
    sub-question found nothing, what was asked in the first place may still stand in what was found on the way.
    """
    steps = trajectory.steps
    if not steps or steps[-1].answer != parse.UNKNOWN or _asks_question_itself(trajectory, steps[-1]):
        return None
    if find_picture_name(trajectory):
        return None
    found = {(item.kb, item.id): item for step in steps for item in step.evidence if item.result is None}
    step = Step(sub_question=trajectory.question.text, evidence=tuple(found.values()))
    start = Trajectory(trajectory.question)
    try:
        answer = yield from ask_answer(prompts.answer_step(start, step), prompts)
    except BudgetSpent:
        return None
    if answer.text == parse.UNKNOWN:
        return None
    return start.add(fill_in(step, answer))


def find_earlier_answer(trajectory: Trajectory) -> Trajectory | None:
    """The first step alone, where the last one asked the whole question once more and its answer is less likely; else
    None.

    A small policy takes a question of one step for one of two: it asks "Which one is meant: …", reads the answer off,
    and asks on. The first answer stands if the last one is from the same knowledge base, or has less confidence than
    `SURE_READING`; a sure answer from another knowledge base goes on from the first one. What a picture is called
    stands if the last answer was read, not queried, with less confidence than that; the first step need not have said
    the question then, since it searched with the picture.
    """
    if len(trajectory.steps) < 2:
        return None
    first, last = trajectory.steps[0], trajectory.steps[-1]
    told = all(step.answer not in ("", parse.UNKNOWN) and step.evidence for step in (first, last))
    named = find_picture_name(trajectory)
    if not told or not all(_says_question(trajectory, step) for step in ((last,) if named else (first, last))):
        return None
    sure, later = first.confidence, last.confidence
    if later is None:
        return None
    if named:
        stands = last.evidence[0].result is None and later < SURE_READING
    else:
        elsewhere = first.evidence[0].kb != last.evidence[0].kb
        stands = sure is not None and later < sure and not (elsewhere and later >= SURE_READING)
    return replace(trajectory, steps=(first,)) if stands else None


def _says_question(trajectory: Trajectory, step: Step) -> bool:
    """Whether the sub-question holds nearly all telling words of the question."""
    language = tell_language(trajectory.question.text)
    asked = frozenset(read_words(trajectory.question.text, language))
    return measure_share(asked, read_words(step.sub_question or "", language)) >= WHOLE


def repeat_only_answer(trajectory: Trajectory) -> Answer | None:
    """The answer of the last step, where it was asked in the question's own words: all that is to be said."""
    step = trajectory.steps[-1] if trajectory.steps else Step()
    return repeat_answer(step) if step.answer and _asks_question_itself(trajectory, step) else None


def repeat_answer(step: Step) -> Answer:
    """The step's answer as the final one."""
    return Answer(step.answer_thought, step.answer, confidence=step.confidence, doubt=step.doubt)


def _asks_question_itself(trajectory: Trajectory, step: Step) -> bool:
    return (step.sub_question or "").split() == trajectory.question.text.split()


def verify_answer(trajectory: Trajectory, answer: Answer, support: Support) -> Answer:
    """The answer with how it stands to its evidence, as its weakest step does; "unknown" where that is too weak.

    A last step that asks the question itself stands alone: it rests on none before it. So does the picture's name, and
    what is looked up by that name.
    """
    if not trajectory.steps or answer.text.strip(" .").casefold() in ("", parse.UNKNOWN):
        guess = "" if answer.text.casefold() == parse.UNKNOWN else answer.text
        answer = replace(answer, text=parse.UNKNOWN, guess=guess, ending="not_found", support=0.0)
        return _cite_nothing(answer, trajectory.steps)
    steps = trajectory.steps
    named = find_picture_name(trajectory)
    if answer.text == named:
        steps = steps[:1]
    elif _asks_question_itself(trajectory, steps[-1]):
        steps = steps[-1:]
    elif named:
        steps = steps[1:] or steps
    strange = _is_of_another_thing(trajectory.question.text, steps)
    judgements = (judge(support, measure_step(step), strange=strange) for step in steps)
    told, ending = min(judgements, key=lambda judged: judged[0])
    judged = replace(answer, support=round(told, 3), ending=ending)
    if ending == "not_found":
        return _cite_nothing(replace(judged, text=parse.UNKNOWN, guess=answer.text), steps)
    return _cite_nothing(judged, steps) if ending == "unsure" and told < support.cited else judged


def _cite_nothing(answer: Answer, steps: Sequence[Step]) -> Answer:
    """The answer without sources, and the best piece of these steps to look at: the one that held it, if any does."""
    found = (step.evidence[0] for step in reversed(steps) if step.evidence)
    return replace(answer, citations=(), nearest=next(iter(answer.citations or found), None))


def _is_of_another_thing(question: str, steps: Sequence[Step]) -> bool:
    """Whether the question names a thing by a code, and nothing that holds the answer of a step does.

    A table that was queried holds it in any of its pieces.
    """
    codes = read_codes(question)
    if not codes:
        return False
    holding = []
    for step in steps:
        found = find_sources(step.sub_question or question, step.answer, step.evidence) or step.evidence
        records = {piece.record for piece in found} - {""}
        holding += [piece for piece in step.evidence if piece in found or piece.record in records]
    return bool(holding) and not has_codes(holding, codes)


def measure_step(step: Step) -> Mapping[str, float]:
    """What tells whether the step's evidence supports its answer."""
    asked = step.sub_question or ""
    return measure_support(asked, step.answer, step.evidence, confidence=step.confidence, doubt=step.doubt)
