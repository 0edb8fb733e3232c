"""Reads a reply to a training step as what rewards judge: what was said, what its search returned, what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from r1router import parse
from r1router.errors import ParseError
from r1router.train.steps.step_file import TrainingStep
from r1router.types import Answer, Evidence, Reply, Shape, Step, TableQuery

Said = Step | Answer | TableQuery


@dataclass(frozen=True, slots=True)
class Outcome:
    """One reply and what came of it."""

    step: TrainingStep
    reply: str
    said: Said | None
    """The reply as `parse` reads it: a `Step` for a plan, an `Answer` otherwise, or what a `query` row asks its table;
    None where it is malformed."""
    routes: Mapping[str, str] = field(default_factory=dict)
    """Label → knowledge base, as the prompt offered them."""
    shape: Shape | None = None
    """The form that was asked for."""
    evidence: tuple[Evidence, ...] | None = None
    """What the search returned that this plan really caused, () where it caused none; None where nobody searched."""
    tokens: int = 0
    """Generated."""
    retrievals: int = 0
    """Searches, each sent to one knowledge base."""
    further: tuple[Evidence, ...] = ()
    """What came after these, where the search reached further than the method reads."""
    known: tuple[str, ...] = ()
    """Records that earlier steps have found."""
    plain: tuple[Evidence, ...] | None = None
    """What `vanilla_rag` finds for the question; None where nobody searched for that."""
    chances: tuple[float, float] | None = None
    """How probable the policy finds a token of the gold answer before and after reading this evidence; None where
    nobody asked it, or no answer is known."""


def read_outcome(
    step: TrainingStep,
    reply: str,
    *,
    routes: Mapping[str, str],
    shape: Shape | None = None,
    evidence: tuple[Evidence, ...] | None = None,
    tokens: int = 0,
) -> Outcome:
    """The outcome of a reply to the `Ask` that `render.render` makes of this step. A malformed one is data."""
    said = _said(step, reply, routes)
    retrievals = len(said.routes) if isinstance(said, Step) else 0
    return Outcome(step, reply, said, routes, shape, evidence, tokens, retrievals)


def _said(step: TrainingStep, reply: str, routes: Mapping[str, str]) -> Said | None:
    try:
        if step.kind == "query":
            return parse.read_table_reply(Reply(reply))
        if step.kind == "rewrite":
            return parse.read_query(Reply(reply))
        return parse.read_step(Reply(reply), routes) if step.kind == "plan" else parse.read_answer(Reply(reply))
    except ParseError:
        return None
