"""Defines the error tree. Every error says what was wrong, where, and what to do.

R1RouterError
├── InputError        something given by the user does not exist or does not fit
│   ├── UnknownName   a name that is not known here; carries the nearest ones
│   ├── QueryError     a query over a table that is wrong, not allowed or too costly
│   └── UnreadableFile    a file that no reader could read (reported, never fatal to an index run)
│       └── NothingToIndex    one that holds nothing
├── MissingExtra      an optional package is needed; carries the install command
├── ParseError        a reply does not have the asked form (data of a rollout, not a crash)
├── PolicyError       the model or its server failed
├── KnowledgeBaseError    an index cannot be opened, read or written
│   ├── NotWritten        the disk is full, read-only or refuses it; carries what to do
│   ├── EmbedderMismatch  searched with another model than the one that built it
│   └── Busy              another process is writing to it
└── BudgetSpent       thrown into a method by its driver; carries which budget
"""

from __future__ import annotations

import difflib
import errno
import os
import re
from collections.abc import Iterable
from typing import Any


class R1RouterError(Exception):
    """Base of everything that this package raises on purpose. Any of them may go from one process to another."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args), self.__dict__


def _restore(kind: type[R1RouterError], said: tuple[Any, ...]) -> R1RouterError:
    """An error as it was: the exception's own way would give its text to `__init__`, which makes that text of parts."""
    return kind.__new__(kind, *said)


class InputError(R1RouterError):
    """Something given by the user does not exist or does not fit."""


class UnknownName(InputError):
    """A name that is not known here.

    >>> str(UnknownName("method", "r1-ruter", ["cot", "direct", "r1_router"]))
    "unknown method 'r1-ruter'; did you mean 'r1_router'? known: cot, direct, r1_router"
    """

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else ";"
        super().__init__(f"unknown {what} {name!r}{hint} known: {', '.join(names) or 'none'}")


class QueryError(InputError):
    """A query over a table that is wrong, not allowed, or needs too much time or memory; says which and why."""


class UnreadableFile(InputError):
    """A file that no reader could read; the index run goes on and reports it at the end."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class NothingToIndex(UnreadableFile):
    """A file that was read to its end and holds nothing: what came of it before goes."""


class MissingExtra(R1RouterError):
    """An optional package is needed.

    >>> str(MissingExtra("transformers", "transformers", "the transformers: policy"))
    "the transformers: policy needs the package 'transformers'; install it with: pip install 'r1router[transformers]'"
    """

    def __init__(self, package: str, extra: str, needed_by: str) -> None:
        super().__init__(f"{needed_by} needs the package {package!r}; install it with: pip install 'r1router[{extra}]'")


class ParseError(R1RouterError):
    """A reply does not have the asked form. Re-asked within a bound, then recorded."""

    def __init__(self, reason: str, reply: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.reply = reply


class PolicyError(R1RouterError):
    """The model or its server failed."""


class KnowledgeBaseError(R1RouterError):
    """An index cannot be opened, read or written."""


class NotWritten(KnowledgeBaseError):
    """An index cannot be written; says why and what to do.

    >>> str(NotWritten("kbs/text", OSError(28, "No space left on device")))
    'kbs/text cannot be written: No space left on device; make room on the disk; the same command goes on from there'
    """

    def __init__(self, what: str, error: Exception, *, advice: str = "") -> None:
        """`advice`: what to do, where the store knows more than the number of the error says."""
        number = find_errno(error)
        self.reason = os.strerror(number) if number else write_short(error)
        advice = advice or ADVICE.get(number or 0, CHECK)
        super().__init__(f"{what} cannot be written: {self.reason}; {advice}")


class EmbedderMismatch(KnowledgeBaseError):
    """Searched with another model than the one that built the index."""

    def __init__(self, kb: str, built_with: str, asked_with: str) -> None:
        super().__init__(
            f"knowledge base {kb!r} was built with the embedder {built_with!r} and cannot be searched with "
            f"{asked_with!r}; use {built_with!r}, or index the files again into a new knowledge base"
        )


class Busy(KnowledgeBaseError):
    """Another process is writing to this knowledge base."""


class BudgetSpent(R1RouterError):
    """Thrown into a method at a request that its budget no longer allows."""

    def __init__(self, budget: str) -> None:
        super().__init__(f"the budget of {budget} is spent")
        self.budget = budget


# ── what the system refuses ────────────────────────────────────────────────────────────────────

ADVICE = {
    errno.ENOSPC: "make room on the disk; the same command goes on from there",
    errno.EDQUOT: "make room within the quota; the same command goes on from there",
    errno.EFBIG: "a file may not become that large here: raise the limit (ulimit -f), or choose another disk",
    errno.EROFS: "choose a folder that can be written, with --kbs or --out",
    errno.EACCES: "change the rights of it, or choose another folder with --kbs or --out",
    errno.EPERM: "change the rights of it, or choose another folder with --kbs or --out",
    errno.EIO: "the disk may be failing",
    errno.EMFILE: "raise the limit of open files, with ulimit -n",
    errno.ENOMEM: "free some memory, and try again",
    errno.ENOTDIR: "a part of this path is a file; give a folder",
    errno.EISDIR: "it is a folder; give a file",
}
"""What a person can do, by the number of the error."""

CHECK = "r1router kb check --repair says what is wrong and mends what it can"
_PLACE = re.compile(r", [^\s,]+\.rs:\d+:\d+\s*$")
"""How Rust ends an error with the place in its own source."""
_NUMBER = re.compile(r"\bos error (\d{1,3})\b")
"""How Rust, in which LanceDB is written, ends what the system said."""


def find_errno(error: BaseException) -> int | None:
    """The system's number of an error, also where a store hands it on in words; None where there is none."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    said = _NUMBER.search(str(error))
    return int(said[1]) if said else None


def write_short(error: BaseException) -> str:
    """What a store says, on a line and short.

    >>> write_short(RuntimeError("lance error: Not found: kbs/a.lance, /root/lance-io/src/object_store.rs:1650:12"))
    'lance error: Not found: kbs/a.lance'
    """
    return _PLACE.sub("", str(error).partition("\n")[0])[:300]
