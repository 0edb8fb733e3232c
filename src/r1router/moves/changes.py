"""Changes a trajectory's last step, since none is ever changed in place."""

from __future__ import annotations

from dataclasses import replace

from r1router.types import Answer, Evidence, Step, Trajectory


def replace_last(trajectory: Trajectory, step: Step) -> Trajectory:
    """The trajectory with this step in place of its last one."""
    return replace(trajectory, steps=(*trajectory.steps[:-1], step))


def put_first(trajectory: Trajectory, part: tuple[Evidence, ...]) -> Trajectory:
    """The trajectory whose last step has these pieces of its evidence before all others."""
    step = trajectory.steps[-1]
    evidence = (*part, *(piece for piece in step.evidence if piece not in part))
    return replace_last(trajectory, replace(step, evidence=evidence))


def note_last(trajectory: Trajectory, note: str) -> Trajectory:
    """The trajectory whose last step says this too."""
    return replace_last(trajectory, add_note(trajectory.steps[-1], note))


def add_note(step: Step, note: str) -> Step:
    """The step that says this too."""
    return replace(step, note="; ".join(filter(None, (step.note, note))))


def fill_in(step: Step, answer: Answer) -> Step:
    """The step with this answer."""
    return replace(
        step, answer_thought=answer.thought, answer=answer.text, confidence=answer.confidence, doubt=answer.doubt
    )
