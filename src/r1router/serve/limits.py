"""Defines the limits of one client and of all together, so that they stand in one place."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    questions: int = 64
    """Questions and searches worked on at once; one more is told to come back (429)."""
    seconds: float = 300.0
    """For one question, from its first byte to its last; its budget of seconds is three quarters of it at most,
    so that there is time left for an answer from what is known."""
    body_bytes: int = 16 * MIB
    """Of a request that is no upload."""
    body_items: int = 500_000
    """Commas and opening brackets in it, those of its texts included: reading them takes 50 ms."""
    body_seconds: float = 60.0
    """Until a body has come in, for each `body_bytes` that it may have."""
    upload_bytes: int = 64 * MIB
    """Of one request with files."""
    all_bytes: int = 256 * MIB
    """Of the bodies of all requests in work; what comes on top of it is told to come back (429)."""
    picture_bytes: int = 10 * MIB
    picture_pixels: int = 40_000_000
    sessions: int = 256
    """Sessions of MCP clients over HTTP that are open at once."""
    session_seconds: float = 1800.0
    """Until a session is closed in which nothing happens."""
    jobs: int = 32
    """Uploads and removals that wait for their turn."""
    jobs_at_once: int = 4
    """Of them, on different knowledge bases."""


MOST_QUESTION = 8_000
"""Characters of a question."""
MOST_TURNS = 1000
"""Messages of the conversation before it."""
MOST_STEPS = 10
MOST_EVIDENCE = 50
"""Entries a search of a question, `k`."""
MOST_RESULTS = 100
"""Entries of a search by itself."""
