"""Tables with whatever a cell may hold: bars, quotes, line breaks, nothing, rows that are too long or too short."""

from __future__ import annotations

from hypothesis import strategies as st

from r1router.table import TableBlock

CELL = st.text(st.sampled_from("ab1 |\n\"';,-é東<"), max_size=6)
BLOCKS = st.builds(
    TableBlock,
    title=CELL,
    section=CELL,
    caption=CELL,
    header=st.lists(CELL, min_size=2, max_size=4).map(tuple),
    rows=st.lists(st.lists(CELL, max_size=5).map(tuple), min_size=1, max_size=4).map(tuple),
    first_row=st.integers(1, 10**6),
)
