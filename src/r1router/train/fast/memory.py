"""Keeps freed memory in this process, because a training step on a CPU asks for the same large blocks again and again.

What is given back to the system is cleared page by page when it is asked for again. That can take as long as the
computing itself, on virtual machines most of all.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

_TRIM, _ROOM, _MAPPED = -1, -2, -3
"""M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_THRESHOLD of glibc's mallopt."""
_MOST = 2**31 - 1
_GROWTH = 256 << 20
"""Bytes by which the heap grows."""


def keep_freed_memory() -> None:
    """Has freed blocks below 2 GiB used again instead of given back; does nothing where that is not glibc.

    The process then keeps what its largest step needed, until it ends.
    """
    with suppress(OSError, AttributeError, TypeError):
        system = ctypes.CDLL(None)
        for option, value in ((_MAPPED, _MOST), (_TRIM, _MOST), (_ROOM, _GROWTH)):
            system.mallopt(option, value)
