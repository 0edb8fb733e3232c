"""Runs commands of r1router in forked processes, because most of a command's time is to start Python.

The parent never touches the store of the knowledge bases, whose threads would not come along.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    code: int
    """Of the exit; minus the number of a signal that ended it."""
    said: str
    """On standard error."""

    @property
    def is_plain(self) -> bool:
        """Done, or refused in a line or two."""
        lines = [line for line in self.said.splitlines() if line.strip()]
        return self.code in (0, 1) and "Traceback" not in self.said and (self.code == 0 or 0 < len(lines) <= 4)


def run_command(*arguments: str, kill_after: float | None = None, before: Callable[[], None] | None = None) -> Ended:
    """`r1router` with these arguments; `before` is called in its process, which is killed after so many seconds."""
    import r1router.cli.commands

    def work() -> int:
        sys.argv = ["r1router", *arguments]
        try:
            return r1router.cli.commands.run()
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 1

    return run_forked(work, kill_after=kill_after, before=before)


def run_forked(
    work: Callable[[], int], *, kill_after: float | None = None, before: Callable[[], None] | None = None
) -> Ended:
    """What `work` gives, as an exit code, in a process of its own."""
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            code = 99
            try:
                os.setsid()
                os.dup2(said.fileno(), 2)
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                if before:
                    before()
                code = work()
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        said.seek(0)
        return Ended(os.waitstatus_to_exitcode(status), said.read().decode(errors="replace"))


def read_entries(kb: Path) -> dict[str, list[tuple[str, str]]]:
    """(id, text) of every entry by source, read in another process; raises where the check finds anything."""
    import json

    found = kb.with_name(f".{kb.name}.found")

    def work() -> int:
        from r1router.kb.stores.folder.check import check
        from r1router.kb.stores.folder.table import open_table

        if findings := check(kb):
            raise AssertionError(findings)
        table = open_table(kb)
        rows = table.search().select(["source", "id", "text"]).to_arrow().to_pylist() if table is not None else []
        found.write_text(json.dumps([[row["source"], row["id"], row["text"]] for row in rows]))
        return 0

    ended = run_forked(work)
    if ended.code:
        raise AssertionError(ended.said[-500:])
    entries: dict[str, list[tuple[str, str]]] = {}
    for source, id_, text in json.loads(found.read_text()):
        entries.setdefault(source, []).append((id_, text))
    found.unlink()
    return entries
