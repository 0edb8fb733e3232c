"""Tells who asks, by the key of their request, because a question must never see what its asker may not.

A file, TOML or JSON, holds the keys; it is read again when it changes, so that a key can be taken away while the server
runs:

    [[keys]]
    name = "press"                       # in the log
    sha256 = "9f86d081884c7d65…"         # of the key; or key = "…" itself
    kbs = ["text"]                       # that may be seen; all where left out
    where = 'path under "docs/public"'   # what of them may be seen
    write = true                         # may upload and remove; not with `where`
    metrics = true                       # may read /metrics
    questions = 2                        # in work at once
    per_minute = 30                      # questions and searches

The asker of a request is a context variable, which everything reads that gives something out. Where there are keys and
nobody has been recognised, nothing is given out.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, fields
from pathlib import Path
from threading import Lock
from typing import Any

from r1router.errors import InputError
from r1router.filters.parse import parse
from r1router.serve.error_responses import Refused

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and what they may."""

    name: str = ""
    kbs: frozenset[str] | None = None
    """Names of the knowledge bases that there are for them; None for all."""
    where: str = ""
    """Filter of the sources that there are for them."""
    write: bool = True
    metrics: bool = True
    questions: int | None = None
    """In work at once."""
    per_minute: int | None = None
    """Questions and searches."""

    @property
    def sees_all(self) -> bool:
        return self.kbs is None and not self.where


EVERYONE = Asker()
"""Who asks a server without a file of keys."""
asker: ContextVar[Asker | None] = ContextVar("asker", default=None)
"""Who makes the request that is being served."""


class Keys:
    """The keys in a file, as it is now."""

    def __init__(self, path: Path) -> None:
        """Raises `InputError` for a file that cannot be read, or says what is not understood."""
        self._path, self._lock = path, Lock()
        self._status = self._look()
        self._askers = dict(read_keys(path))

    def find(self, key: str) -> Asker | None:
        """Who has this key. Every key is compared, each in constant time, so that time tells nothing."""
        self._refresh()
        given, found = hash_key(key), None
        for known, one in self._askers.items():
            if hmac.compare_digest(known, given):
                found = one
        return found

    def _refresh(self) -> None:
        """Reads the file again where it has changed; one that is wrong changes nothing, and the log says so."""
        with self._lock:
            try:
                status = self._look()
                if status == self._status:
                    return
                self._status = status
                self._askers = dict(read_keys(self._path))
                _log.info("%s: %d keys", self._path, len(self._askers))
            except InputError as error:
                _log.error("the keys stay as they were: %s", error)

    def _look(self) -> tuple[int, int, int]:
        try:
            status = os.stat(self._path)
        except OSError as error:
            raise InputError(f"the file of keys cannot be read: {error}") from error
        return status.st_mtime_ns, status.st_size, status.st_ino


def hash_key(key: str) -> bytes:
    """Of equal length for all keys, so that comparing them tells nothing."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def read_keys(path: Path) -> Iterator[tuple[bytes, Asker]]:
    """The SHA-256 of each key, and whose it is. Raises `InputError`."""
    try:
        text = path.read_text(encoding="utf-8")
        held = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise InputError(f"the file of keys {path} cannot be read: {error}") from error
    entries = held.get("keys") if isinstance(held, dict) else None
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(f"{path} holds no keys: write [[keys]] with a name and a key or its sha256")
    names, digests = set[str](), set[bytes]()
    for number, entry in enumerate(entries, 1):
        where = f"{path}, key {number}"
        of, one = _read_key(entry, where)
        if one.name in names or of in digests:
            raise InputError(f"{where}: its name, or the key itself, is there twice")
        names.add(one.name)
        digests.add(of)
        yield of, one


_KINDS: Mapping[str, type] = {
    "name": str, "kbs": list, "where": str, "write": bool, "metrics": bool, "questions": int, "per_minute": int
}  # fmt: skip


def _read_key(entry: Mapping[str, Any], where: str) -> tuple[bytes, Asker]:
    known = {field.name for field in fields(Asker)} | {"key", "sha256"}
    if unknown := sorted(entry.keys() - known):
        raise InputError(f"{where}: {unknown[0]} is not known here; known: {', '.join(sorted(known))}")
    for name, kind in _KINDS.items():
        if name in entry and (not isinstance(entry[name], kind) or (kind is int and isinstance(entry[name], bool))):
            raise InputError(f"{where}: {name} is no {kind.__name__}")
    if not entry.get("name"):
        raise InputError(f"{where}: it has no name")
    if ("key" in entry) == ("sha256" in entry):
        raise InputError(f"{where}: give either the key or its sha256")
    if not all(isinstance(name, str) for name in entry.get("kbs", [])):
        raise InputError(f"{where}: kbs is a list of names")
    if any(entry.get(name, 1) < 1 for name in ("questions", "per_minute")):
        raise InputError(f"{where}: questions and per_minute are 1 or more")
    if entry.get("where", "").strip():
        try:
            parse(entry["where"])
        except InputError as error:
            raise InputError(f"{where}: {error}") from error
        if entry.get("write"):
            raise InputError(f"{where}: who sees only a part may not write: it could replace what it does not see")
    if "key" in entry:
        if not isinstance(entry["key"], str) or len(entry["key"]) < 16:
            raise InputError(f"{where}: a key has 16 characters or more: openssl rand -hex 24")
        of = hash_key(entry["key"])
    else:
        try:
            of = bytes.fromhex(entry["sha256"])
        except (ValueError, TypeError):
            of = b""
        if len(of) != hashlib.sha256().digest_size:
            raise InputError(f"{where}: sha256 has 64 hexadecimal digits: printf %s KEY | sha256sum")
    return of, Asker(
        name=entry["name"],
        kbs=frozenset(entry["kbs"]) if "kbs" in entry else None,
        where=entry.get("where", ""),
        write=entry.get("write", False),
        metrics=entry.get("metrics", False),
        questions=entry.get("questions"),
        per_minute=entry.get("per_minute"),
    )


class Shares:
    """How much each asker has in work, and has asked for in the last minute."""

    def __init__(self) -> None:
        self._in_work: dict[str, int] = {}
        self._asked: dict[str, list[float]] = {}

    def take(self, one: Asker) -> None:
        """Counts one more. Raises `Refused` where it is too many."""
        now = time.monotonic()
        asked = [at for at in self._asked.get(one.name, []) if at > now - 60] if one.per_minute else []
        if one.questions is not None and self._in_work.get(one.name, 0) >= one.questions:
            raise Refused(429, f"{one.questions} of your questions are in work already; try again soon", retry_after=2)
        if one.per_minute is not None and len(asked) >= one.per_minute:
            wait = int(asked[0] + 60 - now) + 1
            raise Refused(429, f"at most {one.per_minute} questions a minute for your key", retry_after=wait)
        if one.per_minute:
            self._asked[one.name] = [*asked, now]
        self._in_work[one.name] = self._in_work.get(one.name, 0) + 1

    def give_back(self, one: Asker) -> None:
        self._in_work[one.name] -= 1
