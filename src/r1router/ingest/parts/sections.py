"""Makes one passage for each section of a document's headings and text, and the records of its tables, in order.

Headings with nothing under them are a passage, too: their words are in no other one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from r1router.ingest.parts import tabular
from r1router.ingest.parts.cells import Ids, tidy
from r1router.ingest.parts.structure import Line
from r1router.ingest.records import Passage, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

_SPACES = re.compile(r"[ \t\f\v\u00a0]+")
_BLANK_LINES = re.compile(r"\n{3,}")
_LAID_OUT = re.compile(r"(?m)^ ?\u00a0[ \u00a0]+")
"""How a page indents a line that is not preformatted."""
_HELD = str.maketrans({" ": "\0", "\t": "\1", "\u00a0": "\0"})
_LET_GO = str.maketrans({"\0": " ", "\1": "\t"})


def hold_spaces(text: str) -> str:
    """The text with marks in place of its spaces, which `tidy_spaces` turns into spaces again: code is seen as it is
    indented. No document can hold these marks."""
    return text.translate(_HELD)


class Sections:
    """Collects text under the current heading; a new heading gives the passage before it."""

    def __init__(self, file: SourceFile, title: str, *, indented: bool = False) -> None:
        """`indented`: spaces mean something (lists, code) and are kept."""
        self.title = title
        self.ids = Ids()
        self._source = file.source
        self._indented = indented
        self._path: list[tuple[int, str]] = []
        self._text: list[str] = []
        self._is_bare = False
        """Whether nothing stands under the last heading so far."""
        self._bare: list[str] = []
        """Headings with nothing under them, all in the section `_around`."""
        self._around = ""

    def _join_path(self) -> str:
        """The headings that lead here, "Install > Linux", without the document's own title."""
        names = [name for _, name in self._path]
        return " > ".join(names[1:] if names and names[0] == self.title else names)

    def write(self, text: str) -> None:
        self._text.append(text)

    def heading(self, level: int, name: str) -> Iterator[Passage]:
        """Begin a section; `level` 1 is the highest. `name`: empty to only end the one before."""
        yield from self._end_text()
        if self._path and self._path[-1][0] >= level:
            yield from self._leave_bare()
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        if name := " ".join(name.split()):
            self._path.append((level, tidy(name)))
            self._is_bare = True

    def find_tables(
        self,
        lines: Iterable[Line],
        *,
        id: str,
        as_: Kind | None,
        section: str = "",
        notes: Sequence[str] = (),
        **how: Any,
    ) -> Iterator[Record | Problem]:
        """The records of the tables in a grid that stands here, and of the notes at its cells.

        `section`: where that is another one; `how`: what else `tabular.find_records` takes.
        """
        about: Any = {"source": self._source, "title": self.title, "section": section or self._join_path(), "as_": as_}
        tables = tabular.find_records(lines, id=id, **how, **about)
        for item in chain(tables, tabular.make_notes_record(notes, id=f"{id}:notes", **about)):
            self._is_bare &= isinstance(item, Problem)
            yield item

    def end(self) -> Iterator[Passage]:
        """The passages collected so far."""
        yield from self._end_text()
        yield from self._leave_bare()
        yield from self._write_bare()

    def _end_text(self) -> Iterator[Passage]:
        text = tidy(tidy_spaces("".join(self._text), indented=self._indented))
        self._text.clear()
        if text:
            yield from self._write_bare()
            self._is_bare = False
            yield self._make(text, self._join_path())

    def _leave_bare(self) -> Iterator[Passage]:
        """Puts the last heading to those before it, where nothing stands under it."""
        if not self._is_bare:
            return
        self._is_bare = False
        _, name = self._path.pop()
        if self._around != (around := self._join_path()):
            yield from self._write_bare()
        self._around = around
        self._bare.append(name)

    def _write_bare(self) -> Iterator[Passage]:
        if self._bare:
            text = "\n".join(self._bare)
            self._bare.clear()
            yield self._make(text, self._around)

    def _make(self, text: str, section: str) -> Passage:
        id = self.ids.unique(f"{self._source}:{section}" if section else self._source)
        return Passage(id, self._source, text, self.title, None, section)


def tidy_spaces(text: str, *, indented: bool = False) -> str:
    """At most one blank line in a row, and unless `indented`, lines stripped and runs of spaces made one, but for those
    that are held and those that a page indents a line by."""
    if indented:
        lines = [line.rstrip() for line in text.replace("\u00a0", " ").splitlines()]
    else:
        text = _LAID_OUT.sub(lambda found: hold_spaces(found[0]), text)
        lines = [_SPACES.sub(" ", line).strip() for line in text.splitlines()]
    text = "\n".join(line.rstrip("\0\1 ") for line in lines)
    return _BLANK_LINES.sub("\n\n", text).strip().translate(_LET_GO)
