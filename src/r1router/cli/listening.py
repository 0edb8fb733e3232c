"""Checks the address and the key of a server, because an address that others can reach needs a key."""

from __future__ import annotations

import os
from collections.abc import Iterable

from r1router.errors import InputError


def read_key(names: Iterable[str], variable: str, *, others: bool = False) -> str:
    """The key in the environment variable; empty where none is named and only this machine reaches `names`, or there
    are `others`, in a file.

    Raises `InputError` for names that others reach without a key, and for a variable that holds none.
    """
    from r1router.serve.middleware import access

    key = os.environ.get(variable, "").strip() if variable else ""
    if variable and not key:
        raise InputError(f"the environment variable {variable} holds no key")
    reached = sorted(set(names))
    if key and others:
        raise InputError("give either one key, --api-key-env, or a file of keys, --keys")
    if not key and not others and not all(map(access.is_loopback, reached)):
        raise InputError(
            f"{', '.join(reached)} can be reached by others, which needs a key: put one into an environment "
            "variable and name it, --api-key-env NAME, or give a file of keys, --keys FILE"
        )
    return key
