"""Writes log lines as text or JSON, each with its request's id. Bodies and headers are never logged."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import uuid
from contextvars import ContextVar
from typing import Any

from r1router.codec import escape_controls

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that is being served; empty outside of one."""

_UNPRINTABLE = re.compile(r"[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What JSON leaves as it is, and a terminal or a reader of lines does not."""
_GIVEN = re.compile(r"[A-Za-z0-9_-]{8,64}")
_KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "request_id", "taskName", "color_message"}


def make_request_id(given: str | None) -> str:
    """The client's own id, where it is a plain one, so that its logs and ours can be joined."""
    return given if given and _GIVEN.fullmatch(given) else uuid.uuid4().hex


class JsonLines(logging.Formatter):
    """A record to one line of JSON, with what was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if id_ := getattr(record, "request_id", ""):
            line["request_id"] = id_
        line |= {key: value for key, value in vars(record).items() if key not in _KNOWN}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return _UNPRINTABLE.sub(lambda c: f"\\u{ord(c[0]):04x}", json.dumps(line, ensure_ascii=False, default=str))


class TextLines(logging.Formatter):
    """A record to a line for people, the request's id last."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the base class's name)
        """On one line, whatever a client has put into it."""
        id_ = getattr(record, "request_id", "")
        line = escape_controls(super().formatMessage(record).replace("\\", "\\\\")).replace("\n", "\\n")
        return line + (f" [{id_}]" if id_ else "")

    def formatException(self, ei: Any) -> str:  # noqa: N802 (the base class's name)
        return escape_controls(super().formatException(ei))


def _with_request_id(record: logging.LogRecord) -> bool:
    record.request_id = request_id.get()
    return True


def set_up(*, as_json: bool) -> None:
    """All logging of this process goes to stderr, in one of the two forms."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else TextLines())
    handler.addFilter(_with_request_id)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in ("r1router.serve", "uvicorn.error"):
        logging.getLogger(name).setLevel(min(logging.INFO, logging.getLogger("r1router").level or logging.INFO))
