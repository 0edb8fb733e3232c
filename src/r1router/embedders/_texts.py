"""Cleans text as files hold it, so that tokenizers and JSON take it."""

from __future__ import annotations

from collections.abc import Iterable

from r1router.codec import replace_surrogates

MAX_CHARS = 40_000
"""More than any of these models reads (8,192 tokens); a stray megabyte would only cost tokenising."""


def clean(texts: Iterable[str], *, most: int = MAX_CHARS) -> list[str]:
    """Each cut at `most` characters; a lone surrogate, which has no UTF-8, becomes a question mark."""
    return [replace_surrogates(text[:most]) for text in texts]
