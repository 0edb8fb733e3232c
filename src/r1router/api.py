"""The Python interface with the nouns of the command line: ask, stream and ask_many over knowledge bases.

    import r1router as rr
    kbs, policy = rr.open_kbs("kbs"), rr.open_policy("llamacpp:")
    trajectory = rr.ask("What is the capital of Norway?", kbs=kbs, policy=policy)

Asynchronous programs use `r1router.drive.one.stream` and `r1router.drive.many.answer_many`, which these call.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from pathlib import Path

from r1router.drive import many, one, threads
from r1router.drive.budget import Budget
from r1router.images import load_image
from r1router.kb import open_kbs
from r1router.methods import Method, load_method
from r1router.policies import open_policy
from r1router.prompts import Prompts, chosen
from r1router.types import Event, Finished, Image, KnowledgeBase, Policy, Question, Trajectory

KnowledgeBases = Mapping[str, KnowledgeBase] | str | Path
"""Opened knowledge bases, or the folder that holds them."""


def stream(
    question: str | Question,
    *,
    image: Image | str | Path | None = None,
    kbs: KnowledgeBases = "kbs",
    policy: Policy | str = "llamacpp:",
    method: Method | str = "r1_router",
    prompts: Prompts | str | Path | None = None,
    max_steps: int = 3,
    k: int = 5,
    budget: Budget | None = None,
) -> Iterator[Event]:
    """The events of one question as they happen: `Planned`, `Retrieved`, `Answered`, …, `Finished` last.

    `image` is a picture or its path. A `policy` given as a spec is opened for this call and closed after it;
    open it once with `open_policy` to ask several questions. `prompts` is a prompt set or its folder; without one,
    the policy's own, else ours. `max_steps` and `k` default to the paper's.
    """
    opened = _open_policy(policy)
    try:
        yield from threads.iterate(
            one.stream(
                _question(question, image),
                method=load_method(method, max_steps=max_steps, k=k) if isinstance(method, str) else method,
                policy=opened,
                kbs=_open_kbs(kbs),
                prompts=chosen(prompts, opened),
                budget=budget,
            )
        )
    finally:
        if isinstance(policy, str):
            threads.wait_for(opened.close())


def ask(
    question: str | Question,
    *,
    image: Image | str | Path | None = None,
    kbs: KnowledgeBases = "kbs",
    policy: Policy | str = "llamacpp:",
    method: Method | str = "r1_router",
    prompts: Prompts | str | Path | None = None,
    max_steps: int = 3,
    k: int = 5,
    budget: Budget | None = None,
) -> Trajectory:
    """The finished trajectory of one question: its steps, its answer and its sources. Takes what `stream` takes."""
    events = stream(
        question,
        image=image,
        kbs=kbs,
        policy=policy,
        method=method,
        prompts=prompts,
        max_steps=max_steps,
        k=k,
        budget=budget,
    )
    finished = [event.trajectory for event in events if isinstance(event, Finished)]
    return finished[-1]


def ask_many(
    questions: Iterable[str | Question],
    *,
    kbs: KnowledgeBases = "kbs",
    policy: Policy | str = "llamacpp:",
    method: Method | str = "r1_router",
    prompts: Prompts | str | Path | None = None,
    max_steps: int = 3,
    k: int = 5,
    budget: Budget | None = None,
    in_flight: int = many.IN_FLIGHT,
) -> Iterator[tuple[int, Trajectory]]:
    """(position of the question, its trajectory) as they finish, `in_flight` of them worked on at once.

    A question that fails gets a trajectory with stop "error"; the others go on.
    """
    opened = _open_policy(policy)
    try:
        answered: AsyncIterator[tuple[int, Trajectory]] = many.answer_many(
            (_question(q, None) for q in questions),
            method=load_method(method, max_steps=max_steps, k=k) if isinstance(method, str) else method,
            policy=opened,
            kbs=_open_kbs(kbs),
            prompts=chosen(prompts, opened),
            budget=budget,
            in_flight=in_flight,
        )
        yield from threads.iterate(answered)
    finally:
        if isinstance(policy, str):
            threads.wait_for(opened.close())


def _question(question: str | Question, image: Image | str | Path | None) -> Question:
    if isinstance(question, Question):
        return question
    return Question(question, load_image(image) if isinstance(image, str | Path) else image)


def _open_kbs(kbs: KnowledgeBases) -> Mapping[str, KnowledgeBase]:
    return open_kbs(kbs) if isinstance(kbs, str | Path) else kbs


def _open_policy(policy: Policy | str) -> Policy:
    return open_policy(policy) if isinstance(policy, str) else policy
