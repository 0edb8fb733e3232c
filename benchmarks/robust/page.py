"""Writes the campaign's table into its page row by row, because a campaign that is stopped has found something, too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.robust.rows import Row

BEGIN, END = "<!-- campaign -->\n", "<!-- end of campaign -->\n"
"""What stands around the table in a page."""
_HEAD = "| part | what | tried | survived | lost | |\n|---|---|---|---|---|---|"


class Table:
    """The rows of each part, in the order of the parts and not in that in which they came."""

    def __init__(self, parts: Sequence[str]) -> None:
        self.lost = 0
        self._lines: dict[str, list[str]] = {name: [] for name in parts}

    def add(self, part: str, row: Row) -> str:
        """The line of a row."""
        lost = row.tried - row.survived
        self.lost += lost
        self._lines[part].append(f"| {part} | {row.what} | {row.tried} | {row.survived} | {lost} | {row.note} |")
        return self._lines[part][-1]

    def __str__(self) -> str:
        return "\n".join([_HEAD, *(line for lines in self._lines.values() for line in lines)])


def write_page(page: Path, table: Table, said: str) -> None:
    """Puts the table, and a line below it, where the page has its place for them."""
    before, _, rest = page.read_text().partition(BEGIN)
    scratch = page.with_name(f".{page.name}.new")
    scratch.write_text(f"{before}{BEGIN}{table}\n\n{said}\n{END}{rest.partition(END)[2]}")
    scratch.replace(page)
