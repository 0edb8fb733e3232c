"""Reads a plain text file, code too, as passages, cut at blank lines, so that a long one need not fit in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from r1router.ingest.parts import aligned
from r1router.ingest.parts.cells import make_title, tidy
from r1router.ingest.parts.escapes import XML, decode_escapes, drop_packed
from r1router.ingest.parts.files import open_text, report_doubts
from r1router.ingest.parts.hyphens import join_cut_words
from r1router.ingest.parts.registry import Look
from r1router.ingest.records import Passage, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

_WRITING = (
    ".log.[0-9] .log.[0-9][0-9] .log.20[0-9]* .txt .txt.gz .text .adoc .org .tex .bib .ris .log .lst .srt .vtt .ass"
    " .ssa .ics .vcf .url"
)
_CODE = (
    ".py .pyi .js .mjs .cjs .ts .tsx .jsx .vue .svelte .java .kt .c .h .cc .cxx .cpp .hpp .hxx .cu .m .mm .cs .fs .vb"
    " .go .rs .zig .nim .rb .php .pl .lua .r .jl .scala .groovy .gradle .clj .swift .dart .hs .ml .ex .exs .erl .el"
    " .f90 .pas .asm .sh .bash .ps1 .bat .cmd .sql .css .scss .less .graphql .proto .tf .cmake .mk .diff .patch"
    " .po .pot .yaml .yml .toml .ini .cfg .conf .properties .jsonc .json5"
)
_NAMES = (
    "readme license licence copying notice authors contributing changelog changes news todo install makefile dockerfile"
    " jenkinsfile vagrantfile gemfile rakefile"
)
"""Files that people leave without a suffix."""
PATTERNS = (*(f"*{suffix}" for suffix in f"{_WRITING} {_CODE} {' '.join(XML)}".split()), *_NAMES.split())
KINDS: tuple[Kind, ...] = ("text", "table")
IN_TEXT_TOO: tuple[Kind, ...] = ("table",)

PART = 500_000
"""Characters after which the next blank line begins a new passage; after twice as many, any line does."""


def read(file: SourceFile, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    title = make_title(file.path)
    is_prose = not {".txt", ".text"}.isdisjoint(file.path.suffixes)
    packed = 0
    with open_text(file) as stream:
        for number, part in enumerate(_parts(stream), 1):
            id = file.source if number == 1 else f"{file.source}:part {number}"
            said = join_cut_words(part) if is_prose else decode_escapes(part, file.path.suffix)
            said, count = drop_packed(said, file.path.suffix)
            packed += count
            if as_ != "table":
                yield Passage(id, file.source, tidy(said), title)
            if is_prose:
                yield from aligned.find_records(tidy(said), id=id, source=file.source, title=title, as_=as_)
    if packed:
        said = f"{packed} of pictures, sounds and files left out"
        yield Problem(file.source, "what is packed into it", said, read=True)
    yield from report_doubts(file)


def look(path: Path, as_: Kind | None) -> Look:
    """Tables are found while it is read, and are in its text, too."""
    return ("text",), ()


def _parts(lines: Iterator[str]) -> Iterator[str]:
    part: list[str] = []
    size = 0
    for line in lines:
        part.append(line)
        size += len(line)
        if size >= PART and (not line.strip() or size >= 2 * PART):
            yield "".join(part).rstrip().lstrip("\n")
            part, size = [], 0
    if text := "".join(part).rstrip().lstrip("\n"):
        yield text
