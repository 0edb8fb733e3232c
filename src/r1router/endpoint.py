"""Reads how an OpenAI-compatible server is named, what it sends and why it fails, for policies and embedders alike.

A body becomes a typed model or a `ValueError` of one line, because servers send more than one specification knows.
Words of a server are shown short and without the key, which some servers and proxies repeat.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ValidationError

from r1router.codec import replace_surrogates
from r1router.errors import InputError

M = TypeVar("M", bound=BaseModel)
URL = "https://api.openai.com/v1"
"""Where no other server is named: OpenAI's own."""
KEY_ENV = "OPENAI_API_KEY"
"""The environment variable with the key, where no other is named."""
_WORDS = 500
"""Characters of a server's words that are shown."""

# ── how one is named ───────────────────────────────────────────────────────────────────────────


def split_target(target: str, *, example: str) -> tuple[str, str]:
    """(model, URL) of MODEL@URL, or of MODEL alone. Raises `InputError`, with the `example`, for anything else."""
    model, _, url = target.rpartition("@") if "@" in target else (target, "", URL)
    if not model:
        raise InputError(f"openai: takes MODEL or MODEL@URL, such as openai:{example}@http://host:8000/v1")
    if not url.startswith(("http://", "https://")):
        raise InputError(f"openai: {url!r} is no URL; write MODEL@http://host:port/v1")
    return model, url


def read_key(name: str, url: str) -> str:
    """The key in the environment variable `name`; "" where the server may need none.

    Raises `InputError` where OpenAI's own is asked, or a variable of one's own is named, and there is no key in it.
    """
    key = os.environ.get(name, "").strip()
    if not key and (url == URL or name != KEY_ENV):
        raise InputError(
            f"openai: the environment variable {name} holds no key for {url}; set it, or name another with ?key_env="
        )
    return key


# ── what it sends ──────────────────────────────────────────────────────────────────────────────


Text = Annotated[str, BeforeValidator(lambda value: replace_surrogates(value) if isinstance(value, str) else value)]
"""A string of a JSON body; escapes in one may make lone surrogates."""


UNPACKED = {"Accept-Encoding": "identity"}
"""The header that asks for bodies as they are: some kilobytes may unpack to more than there is memory."""


def refuse_packed(response: Any) -> None:
    """Raises `ValueError` for a response (of httpx) that is packed all the same, before it is unpacked."""
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise ValueError("the answer is compressed, which was not asked for")


def read_body(kind: type[M], body: bytes) -> M:
    """The body as this model. Raises `ValueError` that says what does not fit, without repeating values."""
    try:
        return kind.model_validate(json.loads(body))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place or 'the body'}: {first['msg']}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError as error:
        begin = " ".join(body[:80].decode("utf-8", "replace").split())
        raise ValueError(f"it is no JSON ({error}); it begins {begin!r}" if begin else "it is empty") from None


# ── why it fails ───────────────────────────────────────────────────────────────────────────────

_KEY_REFUSED = "the key was refused; it is read from OPENAI_API_KEY, or from the variable named by ?key_env="
_HINTS = {
    401: _KEY_REFUSED,
    403: _KEY_REFUSED,
    404: "the model or the URL is not known there; the URL usually ends in /v1, and URL/models lists the models",
    429: "too many calls, or the quota is spent; lower ?concurrency=",
}


def explain_failure(
    error: Exception, *, at: str, key: str, wanted: str, server: str, too_slow: str, hints: Mapping[int, str]
) -> str:
    """What happened, and what to do on a line of its own; without the key, which the client's own errors may hold.

    `at` is which model of which server was asked, `wanted` what should have come, `server` what gives such things.
    `too_slow` is what to do where no answer came in time, `hints` what to do for a status of HTTP, beside what holds
    for every server.
    """
    import openai

    match error:
        case openai.APITimeoutError() | TimeoutError():
            said, hint = "no answer in time", too_slow
        case openai.APIConnectionError():
            said, hint = str(error.__cause__ or error), "is the server running, and is the URL right?"
        case openai.APIStatusError():
            said = f"status {error.status_code}: {quote_server(error, key=key)}"
            hint = (_HINTS | dict(hints)).get(error.status_code, "")
        case _:
            said = f"not {wanted}: {error}"
            hint = f"is this {server}, and does the URL end as it should, in /v1 usually?"
    return hide(f"{at}: {said}" + (f"\n{hint}" if hint else ""), key=key)


def quote_server(error: Any, *, key: str) -> str:
    """The first words of a server with an error status (an `openai.APIStatusError`), on a line, without the key."""
    said = error.body.get("message") if isinstance(error.body, dict) else None
    return " ".join(hide(str(said or error.message), key=key).split())[:_WORDS]


def hide(text: str, *, key: str) -> str:
    """The text without the key; one of few letters, which words may hold by chance, only where it is named as one."""
    if not key:
        return text
    return text.replace(f"Bearer {key}", "Bearer …") if len(key) < 6 else text.replace(key, "…")
