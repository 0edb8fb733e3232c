"""Reads what an OpenAI-compatible server sends, because servers send more than one specification knows.

A body becomes a typed model or a `ValueError` of one line. Words of a server are shown short and without the key,
which some servers and proxies repeat.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ValidationError

from r1router.codec import replace_surrogates

M = TypeVar("M", bound=BaseModel)
_WORDS = 500
"""Characters of a server's words that are shown."""


Text = Annotated[str, BeforeValidator(lambda value: replace_surrogates(value) if isinstance(value, str) else value)]
"""A string of a JSON body; escapes in one may make lone surrogates."""


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


def quote_server(error: Any, *, key: str) -> str:
    """What a server said with an error status (an `openai.APIStatusError`), a few lines of it, without the key."""
    said = error.body.get("message") if isinstance(error.body, dict) else None
    return hide(str(said or error.message), key=key)[:_WORDS]


def hide(text: str, *, key: str) -> str:
    """The text without the key; one of few letters, which words may hold by chance, only where it is named as one."""
    if not key:
        return text
    return text.replace(f"Bearer {key}", "Bearer …") if len(key) < 6 else text.replace(key, "…")
