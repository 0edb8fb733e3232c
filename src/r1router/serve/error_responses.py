"""Turns every error into what a client is told: a status, a type, words; never a path or a stack trace."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from r1router.errors import (
    ADVICE,
    Busy,
    InputError,
    KnowledgeBaseError,
    NotWritten,
    PolicyError,
    R1RouterError,
    UnknownName,
)
from r1router.serve import logs

ErrorType = Literal[
    "invalid_request",
    "unauthorized",
    "forbidden",
    "not_found",
    "method_not_allowed",
    "conflict",
    "too_large",
    "unsupported_type",
    "too_many_requests",
    "policy_failed",
    "search_failed",
    "not_written",
    "timeout",
    "stopping",
    "internal_error",
]

_TYPE_OF: dict[int, ErrorType] = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_type",
    429: "too_many_requests",
    503: "stopping",
    504: "timeout",
}
_PATH = re.compile(r"(?<![\w:/.…])(?:[A-Za-z]:[\\/]|/)(?:[^\s/\\'\"]+[\\/])+(?=[^\s/\\'\"])")
_log = logging.getLogger(__name__)


class ErrorDetail(BaseModel):
    type: ErrorType
    message: str


class ErrorResponse(BaseModel):
    """The body of every response that is not a success."""

    error: ErrorDetail
    request_id: str


class Refused(HTTPException):
    """A request that is not served, and why, in words for the client."""

    def __init__(
        self, status: int, message: str, *, type: ErrorType | None = None, retry_after: int | None = None
    ) -> None:
        headers = {"Retry-After": str(retry_after)} if retry_after is not None else None
        super().__init__(status, message, headers)
        self.type: ErrorType = type or _TYPE_OF.get(status, "invalid_request")
        self.message = message


def explain(error: Exception) -> Refused:
    """What a client is told about any error. What it is not told goes into the log."""
    match error:
        case Refused():
            return error
        case UnknownName() | InputError():
            return Refused(400, hide_paths(str(error)))
        case Busy():
            return Refused(409, "another process is writing to this knowledge base; try again later", retry_after=5)
        case NotWritten(reason=reason):
            _log.error("a knowledge base cannot be written: %s", error)
            return Refused(507, f"the server cannot write: {reason}", type="not_written")
        case OSError() if error.errno in ADVICE:
            _log.error("the server is refused a file: %s", error)
            return Refused(507, f"the server cannot write: {error.strerror}", type="not_written")
        case PolicyError():
            _log.error("the policy failed: %s", error)
            return Refused(502, "the model failed or could not be reached; the log says more", type="policy_failed")
        case KnowledgeBaseError():
            _log.error("a knowledge base failed: %s", error)
            return Refused(500, "a knowledge base could not be read; the log says more", type="search_failed")
        case R1RouterError():
            _log.error("a request failed: %s", error)
        case _:
            _log.error("a request failed unexpectedly", exc_info=error)
    return Refused(500, "something went wrong here; the log says more", type="internal_error")


def hide_paths(text: str) -> str:
    """The text with the folders of absolute paths left out; the names of files stay."""
    return _PATH.sub("…/", text)


def write_body(refused: Refused) -> dict[str, Any]:
    """The JSON that says it, in responses and in event streams."""
    return {"error": {"type": refused.type, "message": refused.message}, "request_id": logs.request_id.get()}


def make_response(refused: Refused) -> JSONResponse:
    return JSONResponse(write_body(refused), refused.status_code, headers=refused.headers)


def handle_all(app: FastAPI) -> None:
    """Makes the app answer every error in this form."""

    async def refuse(request: Request, error: Exception) -> JSONResponse:
        return make_response(explain(error))

    async def refuse_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        if isinstance(error, Refused):
            return make_response(error)
        refused = Refused(error.status_code, str(error.detail))
        refused.headers = error.headers
        return make_response(refused)

    async def refuse_invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return make_response(Refused(400, "; ".join(map(_invalid, error.errors()[:5]))))

    app.add_exception_handler(R1RouterError, refuse)
    app.add_exception_handler(HTTPException, refuse_http)
    app.add_exception_handler(RequestValidationError, refuse_invalid)


def _invalid(fault: Mapping[str, Any]) -> str:
    """Where and what, without what was given."""
    where = ".".join(str(part) for part in fault["loc"] if part != "body")
    return f"{where}: {fault['msg']}" if where else str(fault["msg"])
