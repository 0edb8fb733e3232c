"""Reads how much memory the vectors of one folder may take, because a folder may hold more than a machine has."""

from __future__ import annotations

import os

from r1router.errors import InputError

VARIABLE = "R1ROUTER_KB_MEMORY"
DEFAULT = 256
"""Megabytes: 170,000 vectors of 384 numbers."""
NUMBER = 4
"""Bytes of one number of a vector."""


def read_memory_limit() -> int:
    """Bytes. Raises `InputError` where the variable is no number of megabytes."""
    given = os.environ.get(VARIABLE) or str(DEFAULT)
    if not given.isdecimal():
        raise InputError(f"{VARIABLE} must be a whole number of megabytes, such as {DEFAULT}, not {given!r}")
    return int(given) * 1_000_000
