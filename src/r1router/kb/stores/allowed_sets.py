"""Keeps what filters let through, because a store that names sets of fields in queries needs them at every search."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

from r1router.filters.tree import Filter

V = TypeVar("V")
REMEMBERED = 32
"""Filters whose sets of fields are kept."""


@dataclass(slots=True)
class AllowedSets:
    """What a filter lets through of one version."""

    ids: frozenset[int]
    names: frozenset[str]
    entries: int
    condition: str = ""
    """The same for the store, where that is asked in words."""
    holds: str = ""
    """The line for the card, once it was asked for."""

    def __len__(self) -> int:
        return self.entries


class KeptFilters(Generic[V]):
    """What the filters of one knowledge base let through, for one version of it. Several threads may use it at once."""

    def __init__(self, *, replaces: Callable[[V, V], bool]) -> None:
        """`replaces`: whether what is kept goes for this version, given the one that it is of."""
        self._replaces = replaces
        self._version: V | None = None
        self._kept: OrderedDict[Filter, AllowedSets] = OrderedDict()
        self._finding = Lock()

    def find(self, tree: Filter, version: V, work: Callable[[Filter], AllowedSets]) -> AllowedSets:
        """What `work` says of a filter for this version; a version that does not replace the kept one keeps nothing."""
        with self._finding:  # who asks for the same waits for it
            if self._version is None or self._replaces(version, self._version):
                self._version = version
                self._kept.clear()
            if self._version != version:
                return work(tree)
            if tree not in self._kept:
                self._kept[tree] = work(tree)
            self._kept.move_to_end(tree)
            while len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
            return self._kept[tree]
