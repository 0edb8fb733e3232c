"""Reads the location of a Milvus, connects to it, and shows it without a password.

    milvus://HOST[:PORT][/DATABASE][?prefix=NAME][&secure=true][&index=HNSW]

The user and password, or the key, come from `MILVUS_TOKEN` ("user:password", or a key), unless the
location has them (`USER:PASSWORD@HOST`).
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from r1router.errors import InputError, KnowledgeBaseError, MissingExtra, NotWritten
from r1router.once import open_once

PREFIX = "r1router"
"""What the names of our collections begin with, where a location does not say."""
PORT = 19530
TOKEN = "MILVUS_TOKEN"
TIMEOUT = 60.0
"""Seconds that a request may take."""
REACHED = 10.0
"""Seconds until a server that does not answer is given up."""
QUIET = {"grpc.keepalive_time_ms": 300_000}
"""How often an idle connection is kept up: a gRPC server closes one that asks for it more often, as pymilvus does."""
INDEXES: dict[str, dict[str, Any]] = {
    "HNSW": {"M": 16, "efConstruction": 200},
    "HNSW_SQ": {"M": 16, "efConstruction": 200, "sq_type": "SQ8"},
    "IVF_RABITQ": {"nlist": 1024, "refine": True, "refine_type": "SQ8"},
    "DISKANN": {},
    "FLAT": {},
}
"""Kinds of index for vectors, with how each is built."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_REACH = "see that Milvus runs and can be reached; the same command goes on from there"


@dataclass(frozen=True, slots=True)
class Address:
    uri: str
    database: str
    token: str = field(repr=False)
    prefix: str
    index: str
    place: str
    """The location without a password."""


def read_address(location: str) -> Address:
    """Raises `InputError` for what cannot be one."""
    parts = urlsplit(location)
    options = dict(parse_qsl(parts.query))
    prefix, index = options.pop("prefix", PREFIX), options.pop("index", "HNSW")
    secure = options.pop("secure", "false")
    scheme = "https" if secure == "true" else "http"
    database = parts.path.strip("/")
    if unknown := sorted(options):
        raise InputError(f"{unknown[0]!r} is no option of a location in Milvus: prefix, secure and index are")
    for what, name in (("a prefix", prefix), ("a data base", database or PREFIX)):
        if not _NAME.fullmatch(name):
            raise InputError(f"{name!r} cannot be {what}: use letters, digits and '_', a letter first")
    if secure not in ("true", "false"):
        raise InputError(f"secure={secure} is neither: give secure=true for TLS, or secure=false")
    if parts.username and not parts.password:
        raise InputError(f"a user without a password cannot connect: give user:password in {TOKEN}, and no user here")
    if index not in INDEXES:
        raise InputError(f"{index!r} is no index: choose one of {', '.join(INDEXES)}")
    try:
        host, port = parts.hostname or "localhost", parts.port or PORT
    except ValueError as error:
        raise InputError(f"{parts.netloc.rpartition('@')[2]!r} is no host and port: {error}") from error
    given = f"{unquote(parts.username or '')}:{unquote(parts.password)}" if parts.password else ""
    chosen = [f"prefix={prefix}"] if prefix != PREFIX else []
    chosen += ["secure=true"] if scheme == "https" else []
    chosen += [f"index={index}"] if index != "HNSW" else []
    user = f"{parts.username}@" if parts.username else ""
    place = f"milvus://{user}{host}:{port}/{database}{'?' if chosen else ''}{'&'.join(chosen)}"
    token = given or os.environ.get(TOKEN, "")
    return Address(f"{scheme}://{host}:{port}", database, token, prefix, index, place)


@open_once
def open_client(address: Address) -> Any:
    """One for this process, which all threads share. Raises `KnowledgeBaseError`."""
    pymilvus = import_pymilvus()
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # what it logs is told in an error of ours
    with explain_reading(address):
        return pymilvus.MilvusClient(
            uri=address.uri, token=address.token, db_name=address.database, timeout=REACHED, grpc_options=QUIET
        )


@contextmanager
def explain_reading(address: Address) -> Iterator[None]:
    """Raises `KnowledgeBaseError` for what Milvus says."""
    try:
        yield
    except _list_errors() as error:
        raise KnowledgeBaseError(f"{address.place} cannot be read: {_shorten(error)}") from error


@contextmanager
def explain_writing(address: Address) -> Iterator[None]:
    """Raises `NotWritten` for what Milvus or this machine refuses."""
    try:
        yield
    except _list_errors(OSError, ValueError) as error:
        advice = "" if isinstance(error, (OSError, ValueError)) else _REACH
        raise NotWritten(address.place, OSError(_shorten(error)), advice=advice) from error


def import_pymilvus() -> Any:
    """Raises `MissingExtra` where it is not installed."""
    try:
        import pymilvus
    except ImportError as error:
        raise MissingExtra("pymilvus", "milvus", "a location milvus://…") from error
    return pymilvus


def _list_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    pymilvus = import_pymilvus()
    import grpc

    return (pymilvus.exceptions.MilvusException, grpc.RpcError, *others)


def _shorten(error: Exception) -> str:
    said = getattr(error, "message", "") or str(error)
    return " ".join(str(said).split())[:300] or type(error).__name__
