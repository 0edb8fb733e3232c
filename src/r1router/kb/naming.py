"""Makes, describes and renames knowledge bases, and keeps names and labels apart, because a policy chooses by them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from r1router.errors import InputError, KnowledgeBaseError
from r1router.kb import find_store
from r1router.kb import manifest as manifests
from r1router.kb.details import BUDGET
from r1router.kb.manifest import Manifest
from r1router.kb.stores import open_catalog
from r1router.kb.stores.store import Catalog, Store
from r1router.kb.writer import open_writer
from r1router.parse import normalise_label, says_nothing

LONGEST_LINE = 500
"""Characters of the line that says what a knowledge base holds; it stands in every prompt."""
LONGEST_LABEL = 64


def make_kb(location: str | Path, manifest: Manifest) -> Store:
    """Makes an empty knowledge base that the manifest introduces. Its line, where it has one, is a person's and stays.

    Raises `InputError` for a name or label that is taken, means none, or cannot be one.
    """
    catalog = open_catalog(location)
    name = manifests.check_name(manifest.name)
    store = catalog.get_store(name)
    if store.exists() or (catalog.folder and (catalog.folder / name).exists()):
        raise InputError(f"{name!r} is there already; choose another name")
    check_told_apart(catalog, name)
    line = tidy_line(manifest.holds) if manifest.holds.strip() else ""
    holds = line or manifests.describe(manifest.kind, 0, [])
    label = _check_label(catalog, name, manifest.label)
    made = replace(manifest, holds=holds, holds_given=bool(line), label=label)
    with open_writer(store, made) as writer:
        writer.finish()
    return store


def change_kb(
    location: str | Path,
    name: str,
    *,
    new: str | None = None,
    holds: str | None = None,
    label: str | None = None,
    details: str | None = None,
) -> Manifest:
    """Gives a knowledge base a new name, another line that says what it holds, another label, other lines of details.

    None leaves it. "" as the label is its name again, "" as the details are those that follow from its content. All is
    checked before anything is changed. Raises `InputError` for a name or label that is taken, means none, or cannot be
    one, for an empty line, and for details that are too long; `UnknownName`, `Busy`.
    """
    store, catalog = find_store(location, name), open_catalog(location)
    if new is not None and new != name:
        check_told_apart(catalog, manifests.check_name(new), but=name)
    line = None if holds is None else tidy_line(holds)
    label = None if label is None else _check_label(catalog, name, label)
    details = None if details is None else tidy_details(details)
    if any(given is not None for given in (line, label, details)):
        with open_writer(store, store.read_manifest()) as writer:
            writer.finish(holds=line, label=label, details=details)
    if new is not None and new != name:
        store.rename(new)
        _tell_others(catalog, name, new)
    return find_store(location, new or name).read_manifest()


def _tell_others(catalog: Catalog, name: str, new: str) -> None:
    """What each remembers of its files, that they gave something to `name` too, is said with the new name."""
    for store in catalog.list_stores().values():
        told = [taken for taken in store.ledger.read().values() if name in taken.yields]
        if told:
            store.ledger.put(replace(t, yields=tuple(new if y == name else y for y in t.yields)) for t in told)


def check_told_apart(catalog: Catalog, word: str, *, but: str = "") -> None:
    """Raises `InputError` where a reply with this name or label could mean a knowledge base other than `but`."""
    for name, store in catalog.list_stores().items():
        try:
            taken = [name, store.read_manifest().label]
        except KnowledgeBaseError:
            taken = [name]  # a damaged one keeps its name
        if name != but and normalise_label(word) in map(normalise_label, filter(None, taken)):
            raise InputError(f"{word!r} cannot be told from the knowledge base {name!r}; choose another name")


def tidy_line(holds: str) -> str:
    """What a person says of a knowledge base, on one line. Raises `InputError` where that is nothing or too much."""
    line = " ".join(holds.split())
    if not line:
        raise InputError("the line is empty; say in a few words what this knowledge base holds")
    if len(line) > LONGEST_LINE:
        raise InputError(f"the line has {len(line):,} characters, and every prompt has it; use {LONGEST_LINE} at most")
    return line


def tidy_details(details: str) -> str:
    """What a person says of the content, its lines without blanks around. Raises `InputError` where it is too much."""
    said = "\n".join(filter(None, (" ".join(line.split()) for line in details.splitlines())))
    if len(said) > BUDGET:
        raise InputError(f"the details have {len(said):,} characters, and prompts have them; use {BUDGET} at most")
    return said


def _check_label(catalog: Catalog, name: str, label: str) -> str:
    label = label.strip()
    if not label:
        return ""
    if len(label) > LONGEST_LABEL or not label.isprintable() or set(label) & set("<>[]|") or not normalise_label(label):
        raise InputError(
            f"{label!r} cannot be a label: use up to {LONGEST_LABEL} letters, digits and blanks, and no < > [ ] |"
        )
    if says_nothing(label):
        raise InputError(f"{label!r} cannot be a label: a policy writes it to choose none; take another")
    check_told_apart(catalog, label, but=name)
    return label
