"""Records every request with its result, to continue after a kill and to replay without a model.

A record is a file of JSON lines, `{"key", "reply" | "rankings", "seconds"}`. The key is a hash of the request
itself, so an equal request is served from the record, whoever makes it, with the seconds that it took then.
Requests that differ only by sampling are not kept apart: a record is for decoding at temperature 0.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from r1router.codec import from_dict, to_dict
from r1router.drive.budget import Request
from r1router.drive.flow import Rankings, Served, Server
from r1router.errors import InputError, R1RouterError
from r1router.table import TableResult
from r1router.tables.view import TableView
from r1router.types import Ask, Compute, Evidence, Inspect, Reply, Search


class Recording:
    """An open file of a recording. `replay=True` only serves: a request that is not in it is an error."""

    def __init__(self, path: str | Path, *, replay: bool = False) -> None:
        self.path = Path(path)
        self._replay = replay
        self._served: dict[str, dict[str, Any]] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        if self.path.exists():
            self._read()
        elif replay:
            raise InputError(f"there is no record at {self.path} to replay")
        self._file = None if replay else self.path.open("a", encoding="utf-8")

    def __len__(self) -> int:
        return len(self._served)

    def close(self) -> None:
        if self._file:
            self._file.close()

    def keep(self, kind: type[Request], inner: Server, *, where: str = "") -> Server:
        """`inner`, which serves requests of this kind, asked only for what the record does not have.

        `where`: the filter that what is searched is under; what another one let through is not served.
        """
        what, read = _KEPT[kind]
        under = "" if kind is Ask else where

        async def serve(request: Request) -> Served[Any]:
            row = await self._serve(request, under, what, inner)
            return Served(read(row[what]), row["seconds"])

        return serve

    async def _serve(self, request: Request, where: str, what: str, inner: Server) -> dict[str, Any]:
        key = _key(request, where)
        if key in self._served:
            return self._served[key]
        if self._replay:
            raise R1RouterError(f"the record {self.path} has no {what} to: {_shown(request)}")
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:  # of equal requests at the same time, the first is made and the others are served
            if key in self._served:
                return self._served[key]
            result, seconds = await inner(request)
            row = {"key": key, what: to_dict(result), "seconds": round(seconds, 6)}
            assert self._file is not None
            self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
            self._file.flush()  # a killed process loses nothing that was answered
            self._served[key] = row
        return row

    def _read(self) -> None:
        """Load the lines; a last line that a kill cut short is dropped from the file."""
        whole = 0
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n"):
                    break
                try:
                    row = json.loads(line)
                    self._served[row["key"]] = row
                except (ValueError, KeyError, TypeError) as error:
                    raise InputError(f"{self.path}:{number} is not a line of a record: {error}") from error
                whole += len(line)
        if not self._replay and whole < self.path.stat().st_size:
            with self.path.open("r+b") as file:
                file.truncate(whole)


def _key(request: Request, where: str = "") -> str:
    said = [type(request).__name__, to_dict(request), *([where] if where else [])]
    canonical = json.dumps(said, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _shown(request: Request) -> str:
    match request:
        case Ask(messages=messages):
            text = messages[-1].content
        case Search(query=query):
            text = query.text
        case Inspect(question=text) | Compute(sql=text):
            pass
    return repr(text if len(text) <= 200 else "…" + text[-200:])


def _read_reply(kept: Any) -> Reply:
    return from_dict(Reply, kept)


def _read_rankings(kept: Any) -> Rankings:
    return [[from_dict(Evidence, item) for item in ranking] for ranking in kept]


_KEPT: Mapping[type[Request], tuple[str, Callable[[Any], Any]]] = {
    Ask: ("reply", _read_reply),
    Search: ("rankings", _read_rankings),
    Inspect: ("view", partial(from_dict, TableView)),
    Compute: ("result", partial(from_dict, TableResult)),
}
"""The key of what a request brought in its line, and how that is read."""
