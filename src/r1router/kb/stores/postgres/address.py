"""Reads the location of a data base, connects to it, and shows it without a password.

    postgresql://[USER@]HOST[:PORT]/DATABASE[?schema=NAME][&option=value]

What the location leaves out comes from where every client of PostgreSQL looks for it: PGHOST, PGUSER, PGPASSWORD,
~/.pgpass, a service file.
"""

from __future__ import annotations

import atexit
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit
from weakref import WeakKeyDictionary

from r1router.errors import InputError, KnowledgeBaseError, MissingExtra, NotWritten
from r1router.once import open_once

SCHEMA = "r1router"
"""The schema of the data base where a location names none."""
CONNECTIONS = 8
"""At once, of one process and data base, for searching; a writer has one of its own."""
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_SECRETS = ("password", "sslpassword")
_REACH = "see that the data base runs and can be reached; the same command goes on from there"
_ADVICE = {
    "08": _REACH,
    "57": _REACH,
    "53": "make room where the data base runs; the same command goes on from there",
    "42501": "ask who runs the data base for the right to write there, or choose another one with --kbs",
    "25006": "this server only reads; give the address of the one that is written to",
}
"""What a person can do, by how the code of PostgreSQL's error begins (appendix A of its manual)."""


@dataclass(frozen=True, slots=True)
class Address:
    conninfo: str = field(repr=False)
    """For libpq; it may hold a password, so it is not shown."""
    schema: str
    place: str
    """The location without a password."""


def read_address(location: str) -> Address:
    """Raises `InputError` for a schema that cannot be one."""
    parts = urlsplit(location)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    schema = options.pop("schema", SCHEMA)
    if not _NAME.fullmatch(schema):
        raise InputError(f"{schema!r} cannot be a schema: use small letters, digits and '_', a letter first")
    conninfo = urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(options, quote_via=quote), ""))
    user, at, host = parts.netloc.rpartition("@")
    shown = {name: value for name, value in options.items() if name not in _SECRETS}
    if schema != SCHEMA:
        shown["schema"] = schema
    netloc = f"{user.partition(':')[0]}{at}{host}"
    place = urlunsplit(("postgresql", netloc, parts.path, urlencode(shown, safe="/", quote_via=quote), ""))
    return Address(conninfo, schema, place if "://" in place else place.replace("postgresql:", "postgresql://", 1))


def open_connection(address: Address) -> Any:
    """A connection of its own, each statement by itself, to write with. Raises `KnowledgeBaseError`."""
    psycopg = import_psycopg()
    with explain_reading(address):
        db = psycopg.connect(address.conninfo, autocommit=True)
        try:
            _set_up(db, address)
        except BaseException:
            db.close()
            raise
        return db


@contextmanager
def read(address: Address) -> Iterator[Any]:
    """A connection that sees one state of the data base, whatever is written meanwhile.

    Raises `KnowledgeBaseError` for what goes wrong inside.
    """
    with explain_reading(address), _take(_open_pool(address.conninfo)) as db:
        if _SCHEMA_OF.get(db) != address.schema:
            _set_up(db, address)
            db.commit()
            _SCHEMA_OF[db] = address.schema
        yield db


@contextmanager
def explain_reading(address: Address) -> Iterator[None]:
    """Raises `KnowledgeBaseError` for what the data base says."""
    psycopg = import_psycopg()
    try:
        yield
    except psycopg.Error as error:
        raise KnowledgeBaseError(f"{address.place} cannot be read: {_shorten(error)}") from error


@contextmanager
def explain_writing(address: Address) -> Iterator[None]:
    """Raises `NotWritten` for what the data base or this machine refuses."""
    psycopg = import_psycopg()
    try:
        yield
    except (psycopg.Error, OSError, ValueError) as error:
        raise NotWritten(address.place, error, advice=_advise(error)) from error


def _advise(error: Exception) -> str:
    """What to do about an error of the data base; "" where it is none, or says nothing of its kind."""
    state = getattr(error, "sqlstate", None) or ""
    known = next((advice for begin, advice in _ADVICE.items() if state.startswith(begin)), "")
    is_cut_off = not state and isinstance(error, import_psycopg().OperationalError)
    return known or (_REACH if is_cut_off else "")


def import_psycopg() -> Any:
    """Raises `MissingExtra` where it is not installed."""
    try:
        import psycopg
        import psycopg_pool  # noqa: F401
    except ImportError as error:
        raise MissingExtra(error.name or "psycopg", "postgres", "a location postgresql://…") from error
    return psycopg


@contextmanager
def _take(pool: Any) -> Iterator[Any]:
    """A connection that works. Where the data base has closed one, as when it starts anew, all idle ones are looked at:
    the pool's own check waits longer after each closed one, and eight of them take more than its time."""
    with pool.connection() as db:
        if _works(db):
            yield db
            return
    pool.check()
    with pool.connection() as db:
        yield db


def _works(db: Any) -> bool:
    psycopg = import_psycopg()
    from psycopg_pool import ConnectionPool

    try:
        ConnectionPool.check_connection(db)
    except psycopg.OperationalError:
        return False
    return True


@open_once
def _open_pool(conninfo: str) -> Any:
    """One for all schemas of a data base, so that a process never holds more than `CONNECTIONS` open for searching."""
    psycopg = import_psycopg()
    from psycopg_pool import ConnectionPool

    def configure(db: Any) -> None:
        db.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        db.read_only = True

    psycopg.connect(conninfo).close()  # what is wrong is told at once, not when the pool has waited
    pool = ConnectionPool(
        conninfo,
        min_size=0,
        max_size=CONNECTIONS,
        timeout=30,
        configure=configure,
        open=True,
    )
    atexit.register(pool.close)
    return pool


_SCHEMA_OF: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
"""Connection of a pool → the schema that it looks into."""


def _set_up(db: Any, address: Address) -> None:
    """Our schema first, then the one that an administrator put pgvector into."""
    found = db.execute(
        "select nspname from pg_extension join pg_namespace on pg_namespace.oid = extnamespace where extname = 'vector'"
    ).fetchone()
    path = f'"{address.schema}", "{found[0] if found else "public"}"'
    db.execute("select set_config('search_path', %s, false)", [path])


def _shorten(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
