"""Declares the tables of a schema, and brings them into being.

    kbs              one row a knowledge base: its card, its version, how many entries and terms it has
    entries_<id>     its entries, with their terms for full text and their vectors
    words_<id>       how many of its entries have each term, which BM25 needs
    sources, about   what was taken in, and what is known of it
    files, pieces    its pictures and long tables, cut into pieces
    notes            what is kept beside the knowledge bases

Each knowledge base has tables of its own for its entries, since its vectors have their own length and its indexes their
own size, and since it is removed at once.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from r1router.kb.rows import NUMBERS, SPACES, STORED
from r1router.kb.stores.postgres.address import Address, import_psycopg

COLUMNS = (*STORED, "digest", "about")
"""Of an entry, beside its terms and vectors."""
MOST_INDEXED = 2_000
"""Numbers in a vector that pgvector can index; longer ones are compared one by one, exactly."""
HASHED = ("source", "record", "image")
"""Columns that are found by their hash, since an index takes no long text."""
MOST_PLACES = 16_383
"""The last place that a tsvector knows."""
_SHARED = """
create table if not exists kbs (
    id integer generated always as identity primary key, name text unique not null, manifest text not null,
    version bigint not null default 0, unfinished boolean not null default false,
    entries bigint not null default 0, terms bigint not null default 0, dim integer, image_dim integer);
alter table kbs add column if not exists written timestamptz;
create table if not exists sources (
    kb integer references kbs on delete cascade, source text, path text not null, fingerprint text not null,
    entries bigint not null, yields text[] not null, primary key (kb, source));
create table if not exists about (
    kb integer references kbs on delete cascade, id bigint, of bigint not null, fields text not null,
    primary key (kb, id));
create table if not exists files (
    kb integer references kbs on delete cascade, name text, source text not null, record text not null,
    digest text not null, bytes bigint not null, primary key (kb, name));
create table if not exists pieces (
    kb integer, name text, number integer, data bytea not null, primary key (kb, name, number),
    foreign key (kb, name) references files on delete cascade);
create table if not exists notes (name text primary key, content text not null);
"""
_known: set[Address] = set()
"""Schemas that are known to have our tables."""


@dataclass(frozen=True, slots=True)
class State:
    """One version of a knowledge base."""

    id: int
    name: str
    manifest: str
    version: int
    unfinished: bool
    entries: int
    terms: int
    dim: int | None
    """Numbers in a vector; None before anything is stored."""
    image_dim: int | None

    @property
    def stamp(self) -> Hashable:
        """Another one when the card was written anew."""
        return self.id, self.manifest

    @property
    def entries_table(self) -> str:
        return f"entries_{self.id}"

    @property
    def words_table(self) -> str:
        return f"words_{self.id}"


def has_tables(db: Any, address: Address) -> bool:
    """Whether there is a schema with our tables."""
    return bool(db.execute("select to_regclass(%s)", [f'"{address.schema}".kbs']).fetchone()[0])


def read_states(db: Any, address: Address, name: str | None = None) -> list[State]:
    """Of all knowledge bases, sorted by name, or of the one that is named. That there are tables is asked once."""
    if address not in _known:
        if not has_tables(db, address):
            return []
        _known.add(address)
    columns = ", ".join(State.__dataclass_fields__)
    named = f"select {columns} from kbs where %(name)s::text is null or name = %(name)s order by name"
    try:
        return [State(*row) for row in db.execute(named, {"name": name})]
    except import_psycopg().errors.UndefinedTable:  # all was removed since
        _known.discard(address)
        return []


def create_schema(db: Any, address: Address) -> None:
    """Makes what is not there yet. Raises what the data base says, such as that an administrator must add pgvector."""
    with db.transaction():
        db.execute("select pg_advisory_xact_lock(hashtext('r1router: create schema'))")
        db.execute(f'create schema if not exists "{address.schema}"')
        if not db.execute("select 1 from pg_extension where extname = 'vector'").fetchone():
            db.execute("create extension vector schema public")
        db.execute(_SHARED)


def create_entries(db: Any, id: int, *, dim: int, image_dim: int | None) -> None:
    """The tables for the entries of one knowledge base."""
    stored = ", ".join(f"{name} {'integer' if name in NUMBERS else 'text'}" for name in STORED if name != "id")
    vectors = dict(zip(SPACES, (dim, image_dim), strict=True))
    spaces = ", ".join(f"{space} vector({numbers})" for space, numbers in vectors.items() if numbers)
    db.execute(
        f"create table entries_{id} (row bigint generated always as identity primary key, id text unique not null, "
        f"{stored}, digest text not null, about bigint, length integer not null, terms tsvector not null, {spaces})"
    )
    for column in HASHED:
        db.execute(f"create index on entries_{id} (md5({column}))")
    db.execute(f"create index on entries_{id} (about)")
    db.execute(f"create index on entries_{id} using gin (terms)")
    db.execute(f"create table words_{id} (term text primary key, entries bigint not null)")
    db.execute("update kbs set dim = %s, image_dim = %s where id = %s", [dim, image_dim, id])


def write_equal(equal: Mapping[str, str | int]) -> tuple[str, list[Any]]:
    """The condition that columns have these values, and its parameters; long text is compared by its hash first."""
    conditions, values = ["true"], list[Any]()
    for name, value in equal.items():
        hashed = name in HASHED
        conditions.append(f"{name} = %s" + (f" and md5({name}) = md5(%s)" if hashed else ""))
        values += [value, value] if hashed else [value]
    return " and ".join(conditions), values


def write_terms(terms: str) -> str:
    """A tsvector of terms that have a blank between, each at its place."""
    places: dict[str, list[str]] = {}
    for place, term in enumerate(terms.split(), 1):
        places.setdefault(term, []).append(str(min(place, MOST_PLACES)))
    return " ".join(f"{quote(term)}:{','.join(dict.fromkeys(at))}" for term, at in places.items())


def write_any_of(terms: Sequence[str]) -> str:
    """A tsquery for entries with any of these terms."""
    return " | ".join(map(quote, terms))


def write_all_phrases(phrases: Sequence[str]) -> str:
    """A tsquery for entries with each of these phrases."""
    return " & ".join(f"({' <-> '.join(map(quote, phrase.split()))})" for phrase in phrases)


def quote(term: str) -> str:
    """A term as tsvector and tsquery read it, whatever it is made of."""
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"
