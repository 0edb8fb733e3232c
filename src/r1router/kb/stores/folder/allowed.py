"""Finds the entries of one version that a filter lets through, once for all searches with that filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from r1router.errors import InputError
from r1router.filters.match import matches
from r1router.filters.tree import Filter
from r1router.kb.rows import ABOUT
from r1router.kb.stores.about import read_all
from r1router.kb.stores.folder.home import Home

FEW = 500
"""So many sets of fields are named to the store in a condition; of more, its rankings are read and sifted. The store
takes 4 ms longer for 1,000 numbers in a condition and 33 for 10,000; to rank 5,000 entries instead of 50 takes it 4."""
DEEPER = 2.0
"""How many more entries a ranking is read for than a filter would let through if it cut all parts of it alike."""


@dataclass(slots=True)
class AllowedRows:
    """What a filter lets through of one version of a folder."""

    ids: frozenset[int]
    """Of the sets of fields that fit."""
    names: frozenset[str]
    """Of all fields in these sets."""
    row_ids: NDArray[np.uint64]
    """Of the entries, sorted."""
    condition: str
    """The same for the store; empty where it would be too long, or lets everything through."""
    places: dict[str, NDArray[np.intp]] = field(default_factory=dict)
    """Where their vectors are in memory, by space, once it was asked for."""
    holds: str = ""
    """The line for the card, once it was asked for."""

    def __len__(self) -> int:
        return len(self.row_ids)

    @property
    def size(self) -> int:
        """Bytes of what grows with the entries."""
        return self.row_ids.nbytes + sum(places.nbytes for places in self.places.values())

    def keep(self, row_ids: Sequence[int]) -> list[int]:
        """Those that are allowed, in their order."""
        asked = np.asarray(row_ids, np.uint64)
        kept: list[int] = asked[np.isin(asked, self.row_ids)].tolist()
        return kept


def find_allowed(table: Any, home: Home, tree: Filter) -> AllowedRows:
    """Raises `InputError` where nothing was described."""
    if ABOUT not in table.schema.names:
        raise InputError(
            f"{home.name} was indexed before there were filters; index its files again, which embeds nothing anew: "
            f"r1router index FILES --kbs {home.kbs}"
        )
    kinds: dict[tuple[str, ...], tuple[str, ...]] = {}  # many sets have the same names
    fitting = {
        id_: kinds.setdefault(tuple(fields), tuple(fields))
        for id_, fields in read_all(home.field_sets)
        if matches(tree, fields)
    }
    wanted = np.fromiter(fitting, np.int64, len(fitting))
    found, used = [], []
    for batch in table.search().select([ABOUT]).with_row_id(True).to_batches():
        about = batch.column(ABOUT).fill_null(0).to_numpy()
        fits = np.isin(about, wanted)
        found.append(batch.column("_rowid").to_numpy()[fits])
        used.append(np.unique(about[fits]))
    rows = np.sort(np.concatenate(found)) if found else np.empty(0, np.uint64)
    ids = frozenset(np.unique(np.concatenate(used)).tolist()) if used else frozenset()
    condition = f"{ABOUT} IN ({', '.join(map(str, sorted(ids)))})" if 0 < len(ids) <= FEW else ""
    names = frozenset(name for id_ in ids for name in fitting[id_])
    return AllowedRows(ids, names, rows, condition)
