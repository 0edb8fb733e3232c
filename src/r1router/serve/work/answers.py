"""Keeps answers for a set time, so that each has an address, and what people say of them, to measure and train with.

Beside the knowledge bases are `answers.sqlite`; `feedback.jsonl`, questions with an answer that somebody called right
or wrote, which `r1router eval` reads; and `feedback-wrong.jsonl`, answers that somebody called wrong. An answer stands
in one of them, once: what is said of it last holds. `feedback-pictures` has the pictures that they were asked with.
"""

from __future__ import annotations

import json
import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from r1router.codec import to_dict
from r1router.serve.work.askers import EVERYONE, asker
from r1router.types import Image, Trajectory

FILE = "answers.sqlite"
RIGHT, WRONG, PICTURES = "feedback.jsonl", "feedback-wrong.jsonl", "feedback-pictures"
MOST = 10_000
"""Answers that are kept at once; of more, the oldest go."""
MOST_PICTURED = 1 << 30
"""Bytes of the pictures that they were asked with; of more, those of the oldest answers go."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    id: str
    at: float
    """Seconds since 1970."""
    body: Mapping[str, Any]
    """What the client got: the trajectory, the cards of the knowledge bases, and the name of the model."""
    picture: Image | None = None
    """What it was asked with."""


class Answers:
    """Those of one server. Only who asked for an answer finds it, where the server tells its askers apart by keys."""

    def __init__(self, folder: Path | None, *, hours: float) -> None:
        """`folder`: of the knowledge bases; None where they are in no folder, and nothing is kept. `hours`: how long an
        answer is kept; 0 keeps none."""
        self._folder, self._seconds = folder or Path(), hours * 3600 if folder else 0.0
        self._rating = threading.Lock()

    def keep(
        self, trajectory: Trajectory, kbs: Sequence[Mapping[str, Any]], *, picture: Image | None = None, model: str = ""
    ) -> str:
        """The id of what is kept; "" where nothing is, or the disk refuses it, which the log says.

        `trajectory`: as the client gets it, without the `picture` that it was asked with. `kbs`: the cards of the
        knowledge bases. `model`: the name of the one that answered.
        """
        if not self._seconds:
            return ""
        id_ = secrets.token_urlsafe(12)
        body = {"trajectory": to_dict(trajectory), "kbs": kbs, "model": model}
        written = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        try:
            with self._open() as db, db:
                db.execute("delete from answers where at < ?", [time.time() - self._seconds])
                db.execute("insert into answers values (?, ?, ?, ?)", [id_, time.time(), _name_asker(), written])
                db.execute(
                    "delete from answers where id in (select id from answers order by at desc limit -1 offset ?)",
                    [MOST],
                )
                db.execute("delete from pictures where id not in (select id from answers)")
                if picture:
                    db.execute("insert into pictures values (?, ?, ?)", [id_, picture.media_type, picture.data])
                    db.execute(
                        "delete from pictures where id in (select id from (select id, sum(length(data)) over"
                        " (order by at desc) as taken from pictures join answers using (id)) where taken > ?)",
                        [MOST_PICTURED],
                    )
        except (OSError, sqlite3.Error) as error:
            _log.warning("an answer is not kept: %s: %s", self._folder / FILE, error)
            return ""
        return id_

    def find(self, id: str) -> Kept | None:
        """None where there is none of this id (any more), or it is somebody else's."""
        if not (self._folder / FILE).exists():
            return None
        with self._open() as db:
            wanted = (
                "select at, body, type, data from answers left join pictures using (id)"
                " where id = ? and asker = ? and at >= ?"
            )
            found = db.execute(wanted, [id, _name_asker(), time.time() - self._seconds]).fetchone()
        if not found:
            return None
        at, body, kind, data = found
        return Kept(id, at, json.loads(body), Image(data, kind) if data else None)

    def rate(self, kept: Kept, *, right: bool, answer: str) -> None:
        """Writes down that an answer was right or wrong, and the right one where the person gave it."""
        trajectory = kept.body["trajectory"]
        said = (trajectory.get("answer") or {}).get("text", "")
        row = {"id": kept.id, "question": trajectory["question"]["text"]}
        if accepted := answer.strip() or (said if right else ""):
            name, row = RIGHT, {**row, "answers": [accepted]}
        else:
            name, row = WRONG, {**row, "said": said}
        with self._rating:
            if kept.picture:
                row["image"] = _write_picture(kept.picture, self._folder / PICTURES, kept.id)
            for each in (RIGHT, WRONG):
                _drop_row(self._folder / each, kept.id)
            with (self._folder / name).open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._folder / FILE, timeout=10)) as db:
            db.execute("create table if not exists answers (id text primary key, at real, asker text, body text)")
            db.execute("create table if not exists pictures (id text primary key, type text, data blob)")
            yield db


def _write_picture(picture: Image, folder: Path, id: str) -> str:
    """Its path from the file that names it."""
    path = folder / f"{id}.{picture.media_type.partition('/')[2]}"
    folder.mkdir(exist_ok=True)
    path.write_bytes(picture.data)
    return f"{folder.name}/{path.name}"


def _drop_row(path: Path, id: str) -> None:
    """Takes the row of this id out of a file, if both are there; rows that somebody else wrote stay as they are."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    others = [line for line in lines if f'"id": {json.dumps(id)}' not in line]
    if len(others) < len(lines):
        scratch = path.with_name(f".{path.name}")
        scratch.write_text("".join(others), encoding="utf-8")
        scratch.replace(path)


def _name_asker() -> str:
    return (asker.get() or EVERYONE).name
