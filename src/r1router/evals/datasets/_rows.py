"""Reads question files as rows that remember where they stand, so that an error can name the line."""

from __future__ import annotations

import bz2
import gzip
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from r1router.errors import InputError


@dataclass(frozen=True, slots=True)
class Row:
    """One question as its file has it."""

    path: Path
    at: str
    """The place inside the file: a line number, or what counts there."""
    data: Any

    @property
    def place(self) -> str:
        return f"{self.path}:{self.at}"


@dataclass(frozen=True, slots=True)
class Head:
    """What the beginning of a file shows; the formats are told apart by it."""

    layout: str
    """"jsonl", "list" (one JSON array), "object" (one JSON object) or "table" (a header line of columns)."""
    keys: frozenset[str]
    """Of the first row; of the first value for "object", with its own key in `key`; columns for "table"."""
    key: str = ""
    value: Any = None
    """The first row or value, whole."""


# ── reading ────────────────────────────────────────────────────────────────────────────────────


def open_text(path: Path) -> TextIO:
    """UTF-8 with or without a byte order mark, unpacked where it is gzip or bzip2."""
    if path.suffix == ".bz2":
        return io.TextIOWrapper(bz2.open(path), encoding="utf-8-sig")
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8-sig")
    return path.open(encoding="utf-8-sig", newline="")


def read_jsonl_rows(path: Path) -> Iterator[Row]:
    """One JSON object a line; blank lines are skipped."""
    with open_text(path) as file:
        for number, line in enumerate(read_lines(file, path), 1):
            if line.strip():
                yield Row(path, str(number), _object(line, f"{path}:{number}"))


def read_list_rows(path: Path) -> Iterator[Row]:
    """The objects of one JSON array, decoded one after the other, each with the line on which it begins."""
    for number, _, value in _values(path, "["):
        if not isinstance(value, dict):
            raise InputError(f"{path}:{number}: expected an object with a question, found {_shown(value)}")
        yield Row(path, str(number), value)


def read_object_rows(path: Path) -> Iterator[tuple[str, Row]]:
    """(key, value) for each member of one JSON object, decoded one after the other."""
    for number, key, value in _values(path, "{"):
        yield key, Row(path, str(number), value)


def look_at(path: Path) -> Head:
    """Raises `InputError` for a file that is empty or begins like none of the layouts."""
    try:
        with open_text(path) as file:
            filled = (line for line in read_lines(file, path) if line.strip())
            first, second = next(filled, ""), next(filled, "")
    except (gzip.BadGzipFile, EOFError) as error:
        raise InputError(f"{path}: not a gzip file, whatever its name says ({error})") from error
    if not first:
        raise InputError(f"{path} is empty")
    if first.lstrip()[0] == "[":
        row = next(read_list_rows(path), None)
        return Head("list", frozenset(row.data if row else ()), value=row.data if row else None)
    if first.lstrip()[0] == "{" and not _is_jsonl(first, second):
        key, member = next(read_object_rows(path), ("", Row(path, "1", {})))
        return Head("object", frozenset(member.data if isinstance(member.data, dict) else ()), key, member.data)
    if first.lstrip()[0] == "{":
        row = next(read_jsonl_rows(path))
        return Head("jsonl", frozenset(row.data), value=row.data)
    columns = [column.strip().strip('"') for column in first.strip("\r\n").split(find_separator(first))]
    return Head("table", frozenset(columns))


def find_separator(header: str) -> str:
    """What separates the columns of a header line: tab, semicolon or comma, whichever it has most of."""
    return max("\t;,", key=header.count)


def _is_jsonl(first: str, second: str) -> bool:
    """Whether lines are rows: the first is an object by itself, and not one whose values are all rows."""
    try:
        value = json.loads(first)
    except json.JSONDecodeError:
        return False
    return bool(second) or not all(isinstance(member, dict | list) for member in value.values())


def read_lines(file: TextIO, path: Path) -> Iterator[str]:
    try:
        yield from iter(file.readline, "")  # not from the file itself, which would be closed with this generator
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected UTF-8 text, found a byte that is not ({error.reason})") from error


def _object(line: str, place: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(f"{place}: expected one JSON object on the line: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"{place}: expected a JSON object, found {_shown(value)}")
    return value


def _values(path: Path, opening: str) -> Iterator[tuple[int, str, Any]]:
    """(line, key, value) for each item of the array or object that a file is; the key is "" in an array."""
    with open_text(path) as file:
        text = "".join(read_lines(file, path))
    decode, closing = json.JSONDecoder().raw_decode, {"[": "]", "{": "}"}[opening]
    at, line, counted = _skip(text, 0), 1, 0
    if text[at : at + 1] != opening:
        raise InputError(f"{path}:1: expected a JSON {'array' if opening == '[' else 'object'}, which begins {opening}")
    at = _skip(text, at + 1)
    while text[at : at + 1] != closing:
        line, counted = line + text.count("\n", counted, at), at
        try:
            key = ""
            if opening == "{":
                key, at = decode(text, at)
                at = _expect(text, at, ":")
            value, at = decode(text, at)
            at = _skip(text, at)
            if text[at : at + 1] != closing:
                at = _expect(text, at, ",")
        except json.JSONDecodeError as error:
            raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg}") from error
        yield line, key, value


def _skip(text: str, at: int) -> int:
    while text[at : at + 1].isspace():
        at += 1
    return at


def _expect(text: str, at: int, mark: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] != mark:
        raise json.JSONDecodeError(f"expected {mark!r}", text, at)
    return _skip(text, at + 1)


# ── taking a row apart ─────────────────────────────────────────────────────────────────────────


def describe_misfit(row: Row, expected: str) -> InputError:
    """The error for a row that is not as its format has it."""
    return InputError(f"{row.place}: expected {expected}, found {_shown(row.data)}")


def read_field(row: Row, name: str) -> str:
    """A text that must be there and not be empty; numbers are taken as texts."""
    value = row.data.get(name) if isinstance(row.data, Mapping) else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise describe_misfit(row, f"a text in {name!r}")
    return value.strip()


def read_items(row: Row, name: str, kind: type, what: str) -> list[Any]:
    """A list of values of one kind, [] where the row has none of this name."""
    value = row.data.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
        raise describe_misfit(row, f"{what} in {name!r}")
    return value


def write_answer(value: object) -> str | None:
    """An accepted answer that is one scalar, as text; None for anything else."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int | float):
        return str(value).strip() or None
    return None


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 120 else f"{text[:117]}…"
