"""Turns chat messages into a question, and events into what a chat client shows, without any I/O.

The last message of the user is the question, and what was said before it are its turns, with which it is made to stand
alone; system messages are left out, since the prompts are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from r1router.conversation import keep_last
from r1router.evidence.location import find_title
from r1router.serve.error_responses import Refused
from r1router.serve.limits import MOST_QUESTION
from r1router.serve.work.questions import Waiting
from r1router.tables.results import find_asked
from r1router.types import (
    Answered,
    Computed,
    Event,
    Evidence,
    Malformed,
    Planned,
    Retrieved,
    Rewritten,
    Trajectory,
    Turn,
)

MOST_ROWS = 20
"""Rows named in the address of a citation."""


class Part(BaseModel):
    """A part of a message: `text`, or a picture as `image_url`."""

    model_config = ConfigDict(extra="ignore")
    type: str
    text: str | None = None
    image_url: dict[str, Any] | str | None = None


class ChatMessage(BaseModel):
    model_config = ConfigDict(extra="ignore")
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None


class Asked(NamedTuple):
    text: str
    image: str | None
    """Data URL, or a web address."""
    turns: tuple[Turn, ...]


def read_question(messages: Sequence[ChatMessage]) -> Asked:
    """Raises `Refused` where there is no question in them, or more than one picture beside it."""
    last = max((i for i, m in enumerate(messages) if m.role == "user"), default=-1)
    if last < 0:
        raise Refused(400, "messages: there is no message of the user")
    text, images = _words(messages[last]), _images(messages[last])
    if len(images) > 1:
        raise Refused(400, "messages: one picture a question, please")
    if not images:  # a question that goes on about an earlier picture
        images = [image for m in messages[:last] if m.role == "user" for image in _images(m)][-1:]
    turns = [Turn(m.role, _words(m)) for m in messages[:last] if m.role == "user" or m.role == "assistant"]
    if len(text) > MOST_QUESTION:
        raise Refused(400, f"messages: the question has {len(text):,} characters; at most {MOST_QUESTION:,}")
    return Asked(text, images[0] if images else None, keep_last(turns))


def _words(message: ChatMessage) -> str:
    if not isinstance(message.content, list):
        return message.content or ""
    unknown = {part.type for part in message.content} - {"text", "image_url", "refusal"}
    if unknown and message.role == "user":
        raise Refused(400, "messages: parts are text or image_url")
    return "\n".join(part.text for part in message.content if part.type == "text" and part.text)


def _images(message: ChatMessage) -> list[str]:
    if not isinstance(message.content, list):
        return []
    given = [part.image_url for part in message.content if part.type == "image_url"]
    urls = [image.get("url") if isinstance(image, dict) else image for image in given]
    if not all(isinstance(url, str) for url in urls):
        raise Refused(400, 'messages: a picture is {"type": "image_url", "image_url": {"url": "data:image/…"}}')
    return [str(url) for url in urls]


# ── what is shown ──────────────────────────────────────────────────────────────────────────────


def write_reasoning(event: Event | Waiting) -> str:
    """What an event adds to the reasoning that a chat client folds away."""
    match event:
        case Waiting(before):
            return f"{before} {'question is' if before == 1 else 'questions are'} before yours.\n" if before else ""
        case Rewritten(question):
            return f"Asks: {question.text}\n\n"
        case Planned(index, step) if step.sub_question is None:
            return f"Step {index + 1}. {step.thought}\nEnough is known.\n\n"
        case Planned(index, step):
            asked = f"Asks {_routes(step.routes, step.probabilities)}: {step.sub_question}"
            return f"Step {index + 1}. {step.thought}\n{asked}\n"
        case Retrieved(_, step):
            titles = dict.fromkeys(map(find_title, step.evidence))
            found = "; ".join(list(titles)[:3]) + ("; …" if len(titles) > 3 else "")
            return f"Found {len(step.evidence)}: {found}\n" if titles else "Found nothing.\n"
        case Computed(_, step):
            result = step.evidence[0].result
            return f"Computed: {result.sql}\n" if result else ""
        case Answered(_, step):
            return f"Answer: {step.answer}\n\n"
        case Malformed(purpose, reason, _):
            return f"(A reply was not in form and is asked for again: {purpose}, {reason})\n"
        case _:
            return ""


def _routes(routes: Sequence[str], probabilities: Any) -> str:
    return ", ".join(f"{name} ({probabilities[name]:.0%})" if name in probabilities else name for name in routes)


def write_annotations(trajectory: Trajectory, server: str) -> list[dict[str, Any]]:
    """The sources of the answer in the form of OpenAI's url citations, each with what we know of it besides.

    `server`: its address as the client knows it, with "/" at its end; each citation opens on its page.
    """
    end = len(trajectory.answer.text) if trajectory.answer else 0
    return [{"type": "url_citation", "url_citation": _citation(e, end, server)} for e in trajectory.sources]


def _citation(evidence: Evidence, end: int, server: str) -> dict[str, Any]:
    source = evidence.location.source if evidence.location else ""
    page = evidence.location.page if evidence.location else None
    return {
        "start_index": 0,
        "end_index": end,
        "title": find_title(evidence),
        "url": source if source.startswith(("http://", "https://")) else write_url(evidence, source, server),
        "source": source,
        "page": page,
        "kb": evidence.kb,
        "id": evidence.id,
        "text": evidence.text,
    }


def write_url(evidence: Evidence, source: str, server: str) -> str:
    """Where the server's page shows the evidence in its source."""
    if not source:
        return server
    at, rows = find_asked(evidence)
    parts = [evidence.kb, source, at, *([",".join(map(str, rows[:MOST_ROWS]))] if rows else [])]
    return f"{server}#/kbs/{'/'.join(quote(part, safe='') for part in parts)}"


def count_usage(trajectory: Trajectory) -> dict[str, int]:
    usage = trajectory.usage
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.tokens,
    }
