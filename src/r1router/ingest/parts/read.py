"""Reads one source file as a stream of records, and says in words whatever goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from r1router.errors import NothingToIndex, R1RouterError, UnreadableFile
from r1router.ingest.parts.about import describe_file
from r1router.ingest.parts.pieces import cut_at_blanks
from r1router.ingest.parts.registry import Reader, find_named, find_reader, list_patterns
from r1router.ingest.parts.repeated import cut_repeated
from r1router.ingest.records import About, Passage, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

log = logging.getLogger(__name__)

MOST_PROBLEMS = 20
"""So many problems of one file are told one by one, the others as a number."""


MOST_WORDS = 500
"""Characters of a reason: some repeat what a file holds."""

_MOST_WHY = 3
"""Problems that are told as the reason why there is nothing in a file."""

LONG = 4_000_000
"""Characters from which on a passage comes in several, so that who takes it in need not hold all of it."""


def read(file: SourceFile, *, as_: Kind | None = None, ocr: bool = False) -> Iterator[Record | Problem | About]:
    """Stream what is known of a file, its records, and problems of parts that could not be read.

    `as_` overrides what the file seems to hold: a csv as "text" gives a passage for each row. `ocr` reads the
    words in pictures. Raises `UnreadableFile` if the whole file is, which may come after some records of it
    where the damage lies at its end.
    """
    reader: Reader | None = find_named(file.reader) if file.reader else find_reader(file.path)
    if reader is None:
        raise UnreadableFile(file.source, f"no reader for this kind of file; supported: {', '.join(list_patterns())}")
    if as_ and as_ not in reader.KINDS:
        raise UnreadableFile(file.source, f"cannot be read as {as_}; it holds {' or '.join(reader.KINDS)}")
    records = 0
    problems: list[Problem] = []
    more = 0
    try:
        if file.path.stat().st_size == 0:
            raise UnreadableFile(file.source, "the file is empty")  # as a program leaves one that could not save it
        for item in chain(describe_file(file), cut_repeated(reader.read(file, as_=as_, ocr=ocr))):
            if not isinstance(item, Problem):
                records += not isinstance(item, About)
                yield from _cut_long(item) if isinstance(item, Passage) else (item,)
            elif len(problems) < MOST_PROBLEMS:
                problems.append(replace(item, reason=_shorten(item.reason)))
            else:
                more += 1
    except UnreadableFile as error:
        raise type(error)(file.source, _shorten(error.reason)) from error
    except (R1RouterError, MemoryError):
        raise
    except OSError as error:
        raise UnreadableFile(file.source, error.strerror or str(error)) from error
    except Exception as error:
        if type(error).__name__ == "XMLSyntaxError" and str(error).startswith("unknown error"):
            raise MemoryError(str(error)) from error  # how lxml says that it got no more memory
        # The parsers of PDF, Office and picture files raise whatever a damaged byte leads them to. The file
        # is reported with that, and the run goes on.
        log.debug("reader failed on %s", file.path, exc_info=True)
        raise UnreadableFile(file.source, _shorten(f"the file is damaged ({type(error).__name__}: {error})")) from error
    if not records:
        is_whole = not more and all(problem.read for problem in problems)
        raise (NothingToIndex if is_whole else UnreadableFile)(file.source, _why_nothing(problems, more))
    yield from problems
    if more:
        yield Problem(file.source, "", f"and {more} more problems")


def _cut_long(passage: Passage) -> Iterator[Passage]:
    """The passage, in parts that end at a blank where it has one."""
    for part, text in cut_at_blanks(passage.text, LONG):
        yield replace(passage, id=f"{passage.id}{part}", text=text)


def _shorten(reason: str) -> str:
    """On one line, and no longer than a person reads."""
    words = " ".join(reason.split())
    return words if len(words) <= MOST_WORDS else f"{words[: MOST_WORDS - 1]}…"


def _why_nothing(problems: list[Problem], more: int) -> str:
    if not problems:
        return "there is nothing in it to index"
    said = [": ".join(part for part in (problem.where, problem.reason) if part) for problem in problems[:_MOST_WHY]]
    others = len(problems) + more - len(said)
    return _shorten("; ".join(said)) + (f" (and {others} more problems)" if others else "")
