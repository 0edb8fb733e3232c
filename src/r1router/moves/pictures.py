"""Asks what the question's picture shows and names it by its caption, because a small policy does not see it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from r1router.moves.changes import add_note
from r1router.types import Card, Step, Trajectory


def ask_of_picture(trajectory: Trajectory, kbs: Mapping[str, Card], step: Step) -> Step:
    """The step with what it has to ask where all that the first one found is what the question's picture shows: the
    question about that, in knowledge bases of something else, whatever the policy wrote.

    A policy that stopped says nothing of where to ask it.
    """
    named, others = find_picture_name(trajectory), drop_pictures(kbs)
    asked = f"{named}: {trajectory.question.text}"
    if len(trajectory.steps) != 1 or not named or not others or step.sub_question == asked:
        return step
    if step.sub_question is None:
        wrote, alike = "stopped", dict.fromkeys(others, 1 / len(others))
        step = replace(step, routes=tuple(alike)[:1], probabilities=alike)
    else:
        wrote = f"asked {step.sub_question!r}"
    return add_note(replace(step, sub_question=asked), f"the policy {wrote}; what the picture shows is asked for")


def drop_preface(trajectory: Trajectory, kbs: Mapping[str, Card], step: Step) -> Step:
    """A first step that puts words before the whole question ("Which one is meant: …") asks the question itself, where
    pictures are searched with the question's own: that says which one."""
    question, asked = (" ".join(text.split()) for text in (trajectory.question.text, step.sub_question or ""))
    has_preface = question and asked != question and asked.casefold().endswith(question.casefold())
    seen = trajectory.steps or len(drop_pictures(kbs)) == len(kbs) or not is_picture_unseen(trajectory, kbs)
    if seen or not has_preface:
        return step
    note = f"the policy asked {step.sub_question!r}; the question itself is asked"
    return add_note(replace(step, sub_question=trajectory.question.text), note)


def drop_pictures(kbs: Mapping[str, Card]) -> dict[str, Card]:
    """The knowledge bases that are of no pictures."""
    return {name: card for name, card in kbs.items() if card.kind != "image"}


def is_picture_unseen(trajectory: Trajectory, kbs: Mapping[str, Card]) -> bool:
    """Whether the question comes with a picture that no step has searched pictures for."""
    searched = (kbs[name].kind for step in trajectory.steps for name in step.routes if name in kbs)
    return trajectory.question.image is not None and "image" not in searched


def name_picture(trajectory: Trajectory) -> str:
    """What is written of the question's picture where the last step searched with it first: its caption, up to a point
    or a colon, else its title. The policy, which has not seen it, can go on with that."""
    first = trajectory.steps[-1].evidence[:1] if len(trajectory.steps) == 1 and trajectory.question.image else ()
    if not first or not first[0].image:
        return ""
    title = " ".join(first[0].title.split())
    caption = " ".join(first[0].text.split()).removeprefix(title).strip()
    return re.split(r"[.:;](?: |$)", caption)[0] or title


def find_picture_name(trajectory: Trajectory) -> str:
    """What the first step called the question's picture, where that was all it found."""
    named = name_picture(replace(trajectory, steps=trajectory.steps[:1])) if trajectory.steps else ""
    return named if named and trajectory.steps[0].answer == named else ""
