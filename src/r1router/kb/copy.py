"""Copies a knowledge base from one store to another, because what was embedded once need not be embedded again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from r1router.errors import EmbedderMismatch, InputError, KnowledgeBaseError
from r1router.images import load_image
from r1router.kb.entry import Entry
from r1router.kb.manifest import Manifest
from r1router.kb.products import Vectors
from r1router.kb.rows import read_block
from r1router.kb.stores.store import Row, Store, Taken
from r1router.kb.writer import Writer, open_writer


def copy_kb(source: Store, target: Store, *, tell: Callable[[int, int], None] = lambda *_: None) -> int:
    """Makes `target` what `source` is; returns how many entries were written.

    Where it was interrupted, the next copy goes on. `tell` is called with how many entries are done, and how many
    there are. Raises `InputError` where the target has something else, `EmbedderMismatch` where other embedders built
    it, `Busy`, and `KnowledgeBaseError` where the source was written to meanwhile: copied again, it is whole.
    """
    manifest = replace(source.read_manifest(), name=target.name)
    taken = {
        name: replace(row, yields=_rename(row.yields, source.name, target.name))
        for name, row in source.ledger.read().items()
    }
    is_new = not target.exists()
    there = {} if is_new else _check_target(target, manifest, taken)
    total, done, written = sum(row.entries for row in taken.values()), 0, 0
    records: dict[str, list[str]] = {}
    for name, record in source.tables.list_records():
        records.setdefault(name, []).append(record)
    changed = []
    dim = source.use(lambda snapshot: snapshot.measure_width("vector"), empty=0)
    with open_writer(target, manifest if is_new else target.read_manifest()) as writer:
        with writer.explain():
            writer.about.take(source.field_sets.read())
        for row in taken.values():
            if row.fingerprint and there.get(row.source) == row:
                done += row.entries
                tell(done, total)
                continue
            for met, new in _copy_entries(source, writer, row, dim):
                done, written = done + met, written + new
                tell(done, total)
            _copy_tables(source, writer, row.source, records.get(row.source, []))
            if row.fingerprint and writer.held.count(row.source) != row.entries:
                changed.append(row.source)
            else:
                writer.ledger.put([row])
        writer.finish(
            holds=manifest.holds if manifest.holds_given or manifest.holds_by else None,
            holds_by=manifest.holds_by,
            label=manifest.label,
            details=manifest.details if manifest.details_given else None,
        )
    if changed:
        raise KnowledgeBaseError(f"{source.place} was written to while it was copied ({changed[0]}); copy it again")
    return written


def _check_target(target: Store, manifest: Manifest, taken: dict[str, Taken]) -> dict[str, Taken]:
    """What the target has taken in. Raises `InputError`, `EmbedderMismatch`."""
    found = target.read_manifest()
    if found.kind != manifest.kind:
        raise InputError(f"{target.place} holds {found.kind}, not {manifest.kind}; give the copy another name: --name")
    built = zip(_list_embedders(found), _list_embedders(manifest), strict=True)
    for theirs, ours in built:
        if theirs != ours:
            raise EmbedderMismatch(target.name, theirs, ours)
    there = target.ledger.read()
    if more := sorted(there.keys() - taken.keys()):
        said = f"{target.place} has {more[0]}, which is not in what is copied"
        raise InputError(f"{said}; remove it from there, or give the copy another name: --name")
    return there


def _rename(names: Sequence[str], old: str, new: str) -> tuple[str, ...]:
    return tuple(new if name == old else name for name in names)


def _list_embedders(manifest: Manifest) -> tuple[str, str]:
    return manifest.text_embedder, manifest.image_embedder or ""


def _copy_entries(source: Store, writer: Writer, taken: Taken, dim: int) -> Iterator[tuple[int, int]]:
    """Tells after each batch how many entries it had, and how many of them were written."""
    writer.held.begin()
    writer.ledger.put([replace(taken, fingerprint="", entries=0)])
    for rows in source.read_batches(taken.source):
        new, described = [], []
        for row in rows:
            held = writer.held.meet(taken.source, row["id"])
            if held is None or held.digest != row["digest"]:
                new.append(row)
            elif held.about != row["about"]:
                described.append(row)
        with writer.group_writes():
            if new:
                pictured = writer.manifest.image_embedder is not None
                entries = [_read_entry(row, source) for row in new]
                writer.put(entries, *_read_vectors(new, dim=dim, pictured=pictured))
            if described:
                writer.describe([_read_entry(row, source) for row in described])
        yield len(rows), len(new)
    with writer.group_writes():
        writer.drop(taken.source, writer.held.list_unmet(taken.source))


def _copy_tables(source: Store, writer: Writer, name: str, records: Sequence[str]) -> None:
    """The files of the long tables of one source."""
    with writer.explain():
        for record in records:
            if path := source.tables.find(name, record):
                writer.tables.take(name, record, path)
        writer.tables.drop(name, but=records)


def _read_entry(row: Row, source: Store) -> Entry:
    """As it was when it was stored."""
    path = source.find_picture(row["image"].rpartition("/")[2]) if row["image"] else None
    return Entry(
        row["id"],
        row["record"],
        row["source"],
        row["text"],
        row["digest"],
        title=row["title"],
        page=row["page"],
        section=row["section"],
        rows=(row["first_row"], row["last_row"]) if row["first_row"] is not None else None,
        table=read_block(row),
        embedded=row["vector"] is not None,
        image=load_image(path) if path else None,
        about=row["about"],
    )


def _read_vectors(rows: Sequence[Row], *, dim: int, pictured: bool) -> tuple[Vectors, Vectors | None]:
    """As a writer takes them: of the entries that have one, and of all pictures."""
    vectors = [row["vector"] for row in rows if row["vector"] is not None]
    pictures = np.array([row["image_vector"] for row in rows], np.float32) if pictured else None
    return np.array(vectors, np.float32).reshape(len(vectors), dim), pictures
