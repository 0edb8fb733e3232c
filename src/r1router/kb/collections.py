"""Opens collections of knowledge bases, because questions over one folder of documents must not see another's.

A collection is a folder of knowledge bases, as `open_kbs` opens it, beside others of its kind. A place that holds
knowledge bases itself is a single collection, whose name is empty; so what works with collections works with it, too.
"""

from __future__ import annotations

import difflib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path

from r1router.errors import InputError
from r1router.kb import open_kbs
from r1router.kb.stores import open_catalog
from r1router.types import KnowledgeBase

Collections = Mapping[str, Mapping[str, KnowledgeBase]]
"""By name, the knowledge bases of each by theirs."""
MOST_OPEN = 48
"""Collections that are kept open: those that are searched at a time, and some more."""
_TOLD = 5
"""Names in an error."""


def open_collections(location: str | Path, *, most: int = MOST_OPEN) -> Collections:
    """The collections in the sub-folders of a folder, each opened when it is needed; the `most` used last stay open.

    Of a place that holds knowledge bases itself, the one collection "". Raises as `open_kbs`, for the others when they
    are opened.
    """
    folders = list_collections(location)
    return _Folders(folders, most=most) if folders else {"": open_kbs(location)}


def list_collections(location: str | Path) -> dict[str, Path]:
    """The sub-folders that hold knowledge bases, by name, sorted; links count. None where the place itself does."""
    catalog = open_catalog(location)
    if "://" in str(location) or not catalog.exists() or catalog.list_stores():
        return {}
    inside = (path for path in sorted(Path(location).iterdir()) if path.is_dir() and not path.name.startswith("."))
    return {path.name: path for path in inside if open_catalog(path).list_stores()}


def find_collection(collections: Collections, name: str, *, of: str) -> Mapping[str, KnowledgeBase]:
    """The knowledge bases that the question with the id `of` is about. Raises `InputError` where there are none."""
    if name in collections:
        return collections[name]
    if name and list(collections) == [""]:
        raise InputError(
            f"the question {of!r} names the collection {name!r}, and these knowledge bases are in no collection; "
            "name the folder of the collections with --kbs, or leave out 'collection'"
        )
    near = difflib.get_close_matches(name, collections, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    more = f" and {len(collections) - _TOLD} more" if len(collections) > _TOLD else ""
    known = f"{hint}there are: {', '.join(list(collections)[:_TOLD])}{more}"
    if name:
        raise InputError(f"the question {of!r} names the collection {name!r}, which is not here; {known}")
    raise InputError(f"the question {of!r} names no collection; say in 'collection' which one it is about; {known}")


class _Folders(Mapping[str, Mapping[str, KnowledgeBase]]):
    """Collections by their folders; those opened last stay open."""

    def __init__(self, folders: Mapping[str, Path], *, most: int) -> None:
        self._folders, self._most = folders, most
        self._opened: OrderedDict[str, Mapping[str, KnowledgeBase]] = OrderedDict()

    def __getitem__(self, name: str) -> Mapping[str, KnowledgeBase]:
        if name not in self._opened:
            self._opened[name] = open_kbs(self._folders[name])
        self._opened.move_to_end(name)
        while len(self._opened) > self._most:
            self._opened.popitem(last=False)
        return self._opened[name]

    def __contains__(self, name: object) -> bool:
        return name in self._folders

    def __iter__(self) -> Iterator[str]:
        return iter(self._folders)

    def __len__(self) -> int:
        return len(self._folders)
