"""Holds the only right to write where an engine has no locks, by a note that its holder renews.

A note that does not change for `KEPT` seconds, by the clock of the one who watches it, is nobody's: clocks of
different machines are never compared. A process that was killed on this machine is seen at once.
"""

from __future__ import annotations

import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from r1router.errors import Busy, NotWritten, R1RouterError

RENEWED = 2.0
"""Seconds after which the holder renews its note."""
KEPT = 15.0
"""Seconds that a note stays good without being renewed."""
_POLL = 0.25


class Note(Protocol):
    """A text that all who may write can read and replace."""

    def read(self) -> str:
        """ "" where nobody has written it yet."""
        ...

    def replace(self, before: str, after: str, *, is_taken: bool) -> bool:
        """Whether it was `before`, and is `after` now. `is_taken`: by one who held nothing, so others may try too."""
        ...


class Lease:
    """The right to write, as long as it is renewed."""

    def __init__(self, note: Note, place: str) -> None:
        self._note, self._place = note, place
        self._owner = {"owner": uuid.uuid4().hex, **_describe_process()}
        self._written, self._beats, self._renewed = "", 0, 0.0
        self._changing, self._ended = threading.Lock(), threading.Event()

    def take(self) -> None:
        """Raises `Busy`."""
        seen = self._note.read()
        if seen and not _is_left(self._note, seen):
            raise Busy(f"another process is writing to {self._place}; try again when it has finished")
        if not self._write(seen, is_taken=True):
            raise Busy(f"another process has just begun to write to {self._place}; try again when it has finished")
        threading.Thread(target=self._keep, name="lease", daemon=True).start()

    def check(self) -> None:
        """To be called before each change. Raises `NotWritten` where this process has the right no more."""
        with self._changing:
            is_ours = self._has_ours()
            is_fresh = time.monotonic() - self._renewed < KEPT
        if not is_ours:
            lost = OSError("another process took over, since this one was not heard of for too long")
            raise NotWritten(self._place, lost, advice="the same command goes on from there, once the other has ended")
        if not is_fresh:
            lost = OSError(f"the right to write could not be renewed for {KEPT:.0f} seconds")
            raise NotWritten(self._place, lost, advice="the same command goes on from there")

    def give_back(self) -> None:
        self._ended.set()
        with self._changing, suppress(R1RouterError):
            self._note.replace(self._written, "", is_taken=False)

    def _keep(self) -> None:
        while not self._ended.wait(RENEWED):
            with suppress(R1RouterError):  # told by the next change, if it lasts
                if not self._write(self._written, is_taken=False):
                    return

    def _write(self, before: str, *, is_taken: bool) -> bool:
        with self._changing:
            if self._ended.is_set():
                return False
            self._beats += 1
            started = time.monotonic()
            after = json.dumps({**self._owner, "beats": self._beats})
            try:
                is_written = self._note.replace(before, after, is_taken=is_taken)
            except R1RouterError:
                if is_taken or not self._has_ours():
                    raise
                is_written = False
            if is_written:
                self._written = after
            elif not self._has_ours():
                return False
            if self._written == after:
                self._renewed = started
            return True

    def _has_ours(self) -> bool:
        """Whether the note is ours. An answer that was lost is made good: what stands there is what we have written."""
        seen = self._note.read()
        if seen != self._written:
            try:
                if json.loads(seen)["owner"] != self._owner["owner"]:
                    return False
            except (ValueError, TypeError, KeyError):
                return False
            self._written = seen
        return bool(seen)


@contextmanager
def hold_lease(note: Note, place: str) -> Iterator[Lease]:
    """Raises `Busy` while another process holds it. `place`: what is written to, in words."""
    lease = Lease(note, place)
    lease.take()
    try:
        yield lease
    finally:
        lease.give_back()


def _is_left(note: Note, seen: str) -> bool:
    """Whether nobody renews a note any more; it is watched for as long as that is not plain."""
    with suppress(ValueError, TypeError, AttributeError):
        holder = json.loads(seen)
        ours = _describe_process()
        if ours["machine"] and holder.get("machine") == ours["machine"]:
            return _find_start(int(holder["process"])) != str(holder["started"])
    until = time.monotonic() + KEPT
    while time.monotonic() < until:
        time.sleep(_POLL)
        if note.read() != seen:
            return not note.read()
    return True


def _describe_process() -> dict[str, str]:
    """Where this process can be looked for; an empty machine where the system does not tell."""
    machine = ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        machine = f"{platform.node()} {boot} {os.readlink('/proc/self/ns/pid')}"
    return {"machine": machine, "process": str(os.getpid()), "started": _find_start(os.getpid())}


def _find_start(process: int) -> str:
    """When a process of this machine was started, as the system counts; "" where there is none, or it is dead."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
