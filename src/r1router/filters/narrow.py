"""Narrows knowledge bases to the part that a filter lets through, because each kind does it in its own way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, Self, runtime_checkable

from r1router.errors import InputError, UnknownName
from r1router.filters.fields import KNOWN
from r1router.filters.parse import parse
from r1router.filters.tree import Filter, list_fields
from r1router.types import KnowledgeBase


@runtime_checkable
class NarrowKnowledgeBase(KnowledgeBase, Protocol):
    """A knowledge base of which a part can be searched."""

    def narrow(self, tree: Filter) -> Self:
        """The same knowledge base with only the sources that fit: in everything that it gives, its card too.

        Each search still finds as many entries as it was asked for, where there are so many.
        """
        ...

    def list_fields(self) -> Iterable[str]:
        """Names of the fields that its sources have."""
        ...


def narrow_all(kbs: Mapping[str, KnowledgeBase], where: str) -> Mapping[str, KnowledgeBase]:
    """The knowledge bases as this filter lets them be seen; as they are where it is empty.

    Raises `InputError` for a text that is no filter, and for a knowledge base that cannot be filtered.
    """
    if not where.strip():
        return kbs
    tree = parse(where)
    return {name: _narrow(name, kb, tree) for name, kb in kbs.items()}


def check_fields(kbs: Mapping[str, KnowledgeBase], where: str) -> None:
    """Raises `UnknownName` for a field that no source of these knowledge bases has: it is misspelt, most likely."""
    if not where.strip():
        return
    asked = list_fields(parse(where)) - set(KNOWN)
    if asked:
        there = {name for kb in kbs.values() if isinstance(kb, NarrowKnowledgeBase) for name in kb.list_fields()}
        for name in sorted(asked - there):
            raise UnknownName("field", name, sorted(there | set(KNOWN)))


def _narrow(name: str, kb: KnowledgeBase, tree: Filter) -> KnowledgeBase:
    if not isinstance(kb, NarrowKnowledgeBase):
        raise InputError(f"the knowledge base {name} takes no filters: it has no `narrow`")
    return kb.narrow(tree)
