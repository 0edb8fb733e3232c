"""Text as files hold it to text that tokenizers and JSON take."""

from __future__ import annotations

from collections.abc import Iterable

MAX_CHARS = 40_000
"""More than any of these models reads (8,192 tokens); a stray megabyte would only cost tokenising."""


def clean(texts: Iterable[str]) -> list[str]:
    """Each cut at `MAX_CHARS`; a lone surrogate, which has no UTF-8, becomes a question mark."""
    return [text[:MAX_CHARS].encode("utf-8", "replace").decode() for text in texts]
