"""Answers questions from Python: `Setup` says how, and `ask`, `stream` and `ask_many` do it.

    import r1router as rr
    kbs, policy = rr.open_kbs("kbs"), rr.open_policy("llamacpp:")
    trajectory = rr.ask("What is the capital of Norway?", kbs=kbs, policy=policy)

The command line and the server are built on the same `Setup`. Asynchronous programs use
`r1router.drive.one.stream` and `r1router.drive.many.answer_many`, which these call.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict, Unpack

from r1router.drive import many, one, threads
from r1router.drive.budget import Budget
from r1router.drive.record import Recording
from r1router.errors import InputError
from r1router.filters.narrow import check_fields
from r1router.filters.parse import join
from r1router.images import load_image
from r1router.kb import open_kbs
from r1router.methods import Method, load_method
from r1router.policies import open_policy
from r1router.prompts import Prompts, choose_prompts
from r1router.rerankers import open_reranker
from r1router.types import Event, Finished, Image, KnowledgeBase, Policy, Question, Reranker, Trajectory


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How questions are answered. What can be opened is given opened, or as what opens it."""

    kbs: Mapping[str, KnowledgeBase] | str | Path = "kbs"
    """The knowledge bases by name, or the folder that holds them."""
    policy: Policy | str = "llamacpp:"
    """The model. A spec is opened for one call; open it once with `open_policy` to ask several questions."""
    method: Method | str = "r1_router"
    prompts: Prompts | str | Path | None = None
    """A prompt set or its folder; None takes the policy's own, or ours where it has none."""
    max_steps: int = 3
    """Most steps before the final answer. This and `k` default to the paper's; methods without them ignore them."""
    k: int = 5
    """Entries for each search."""
    budget: Budget | None = None
    """What one question may cost."""
    where: str = ""
    """Filter of the sources that questions are answered from, such as `folder = "2025" and lang = "de"`."""
    record: Recording | None = None
    """Serves the requests that it has already, and keeps the others."""
    reranker: Reranker | str | None = None
    """What puts the entries of a search in a better order, or its spec (see `rerankers`)."""


class Options(TypedDict, total=False):
    """The fields of `Setup`, as keyword arguments."""

    kbs: Mapping[str, KnowledgeBase] | str | Path
    policy: Policy | str
    method: Method | str
    prompts: Prompts | str | Path | None
    max_steps: int
    k: int
    budget: Budget | None
    where: str
    record: Recording | None
    reranker: Reranker | str | None


class Parts(TypedDict):
    """A setup with everything opened: the keyword arguments of the drivers."""

    method: Method
    policy: Policy
    kbs: Mapping[str, KnowledgeBase]
    prompts: Prompts
    budget: Budget | None
    record: Recording | None
    reranker: Reranker | None


def open_parts(setup: Setup, policy: Policy) -> Parts:
    """Opens what the setup only names, for a policy that is open already.

    Raises `InputError`, `UnknownName` or `KnowledgeBaseError` for what cannot be opened.
    """
    method = setup.method
    return Parts(
        method=load_method(method, max_steps=setup.max_steps, k=setup.k) if isinstance(method, str) else method,
        policy=policy,
        kbs=open_kbs_of(setup),
        prompts=choose_prompts(setup.prompts, policy),
        budget=setup.budget,
        record=setup.record,
        reranker=open_reranker(setup.reranker) if isinstance(setup.reranker, str) else setup.reranker,
    )


def open_kbs_of(setup: Setup) -> Mapping[str, KnowledgeBase]:
    """Its knowledge bases, opened where they are only named. Raises what `open_kbs` raises."""
    return open_kbs(setup.kbs) if isinstance(setup.kbs, str | Path) else setup.kbs


def open_policy_of(setup: Setup) -> Policy:
    """Its policy, opened where it is a spec. Raises what `open_policy` raises."""
    return open_policy(setup.policy) if isinstance(setup.policy, str) else setup.policy


@contextmanager
def open_setup(setup: Setup) -> Iterator[Parts]:
    """Opens all that the setup names, and at the end closes the policy, where it was opened here."""
    policy = open_policy_of(setup)
    try:
        yield open_parts(setup, policy)
    finally:
        if policy is not setup.policy:
            threads.finish(policy.close())


def stream(
    question: str | Question,
    setup: Setup | None = None,
    *,
    image: Image | str | Path | None = None,
    **options: Unpack[Options],
) -> Generator[Event, None, None]:
    """The events of one question as they happen: `Planned`, `Retrieved`, `Answered`, …, `Finished` last.

    `image` is a picture or its path. `options` are fields of `Setup`, taken instead of those of `setup`. Raises
    `InputError` for a question without a word.
    """
    setup = replace(setup or Setup(), **options)
    asked = _make_question(question, image, setup.where)
    if not asked.text.strip():
        raise InputError("the question is empty")
    with open_setup(setup) as parts:
        check_fields(parts["kbs"], setup.where)
        yield from threads.iterate(one.stream(asked, **parts))


def ask(
    question: str | Question,
    setup: Setup | None = None,
    *,
    image: Image | str | Path | None = None,
    **options: Unpack[Options],
) -> Trajectory:
    """The finished trajectory of one question: its steps, its answer and its sources. Takes what `stream` takes."""
    events = stream(question, setup, image=image, **options)
    finished = [event.trajectory for event in events if isinstance(event, Finished)]
    return finished[-1]


def ask_many(
    questions: Iterable[str | Question],
    setup: Setup | None = None,
    *,
    in_flight: int = many.IN_FLIGHT,
    **options: Unpack[Options],
) -> Iterator[tuple[int, Trajectory]]:
    """(position of the question, its trajectory) as they finish, `in_flight` of them worked on at once.

    A question that fails gets a trajectory with stop "error"; the others go on. `options` as for `stream`.
    """
    setup = replace(setup or Setup(), **options)
    where = setup.where
    with open_setup(setup) as parts:
        check_fields(parts["kbs"], where)
        asked = (_make_question(question, None, where) for question in questions)
        yield from threads.iterate(many.answer_many(asked, in_flight=in_flight, **parts))


def _make_question(question: str | Question, image: Image | str | Path | None, where: str) -> Question:
    if isinstance(question, Question):
        return replace(question, where=join(question.where, where))
    return Question(question, load_image(image) if isinstance(image, str | Path) else image, where)
