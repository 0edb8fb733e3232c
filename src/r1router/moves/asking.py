"""Asks a policy until its reply parses, because a malformed one is worth a second try, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

from r1router import parse
from r1router.conversation import join_last_question, put_in_full
from r1router.errors import BudgetSpent, ParseError
from r1router.prompts import Prompts
from r1router.types import Answer, Ask, Compute, Event, Inspect, Malformed, Question, Reply, Rewritten, Search

T = TypeVar("T")
Flow = Generator[Ask | Search | Inspect | Compute | Event, Any, T]
"""What a method and each of its moves is: requests and news out, replies in, a result at the end."""
RE_ASKS = 2
"""How often a malformed reply is asked for again before it counts as a format error for good."""


def ask(request: Ask, read: Callable[[Reply], T], prompts: Prompts) -> Flow[T]:
    """The parsed reply to a request. Raises `ParseError` when the last re-ask is malformed too.

    So it does for a final answer that the budget does not allow to ask for again: a malformed one is better than none.
    """
    reply = yield request
    for left in range(RE_ASKS, -1, -1):
        try:
            return read(reply)
        except ParseError as error:
            reason = f"{error.reason}; the reply was cut off" if reply.truncated else error.reason
            yield Malformed(request.purpose, reason, error.reply)
            if not left:
                raise
            try:
                reply = yield prompts.ask_again(request, error.reply, reason)
            except BudgetSpent:
                if request.purpose == "final":
                    raise error from None
                raise
    raise AssertionError("the last reply is read or raises")


def ask_answer(request: Ask, prompts: Prompts) -> Flow[Answer]:
    """The answer to a request; where no reply parses, what can be salvaged from the last one."""
    try:
        answer = yield from ask(request, parse.read_answer, prompts)
    except ParseError as error:
        answer = parse.salvage_answer(error.reply)
    return answer


def rewrite(question: Question, prompts: Prompts) -> Flow[Question]:
    """The question as it stands alone: itself where nothing was said before it.

    The policy rewrites it; where the prompt set has none rewritten, or no reply is in form, a short one gets those of
    the question before in front.
    """
    if not question.turns or question.typed:
        return question
    text = join_last_question(question)
    if prompts.rewrites_questions:
        try:
            said = yield from ask(prompts.rewrite(question), parse.read_query, prompts)
            text = said.sub_question or question.text
        except (ParseError, BudgetSpent):
            pass
    question = put_in_full(question, text)
    yield Rewritten(question)
    return question
