"""Makes records of rows with named fields (jsonl, csv, parquet): each row's fields say what it holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from r1router.errors import UnreadableFile
from r1router.ingest.chunk import DULL
from r1router.ingest.parts import manifest, tabular
from r1router.ingest.parts.cells import Ids, make_title, tidy, write_cell
from r1router.ingest.records import Passage, Problem, Record
from r1router.ingest.sources import SourceFile
from r1router.types import Kind

TEXT = ("text", "contents", "content", "passage", "txt", "body")
ID = ("id", "_id", "did", "doc_id", "docid", "pid")
TITLE = ("title", "wikipedia_title", "page_title", "name")
SECTION = ("section", "section_title", "heading")
CAPTION = ("caption", "description", "alt")
HEADER = ("header", "headers", "columns")
ROWS = ("rows", "data")
_ABOUT = {*ID, *TITLE, *SECTION, *DULL, "page"}
_OF_PICTURES = {*manifest.FILE, *CAPTION, *TEXT, *_ABOUT, *manifest.USUAL}
_BELOW_PICTURES = ("caption", "alt")
"""Fields that stand with pictures alone: rows with one are about their pictures, whatever else they say of them."""
_SAMPLE = 20
"""Rows that are looked at to tell what a file of rows holds."""
_SHORT, _MOST_SHORT = 200, 500
"""Characters of a field, and of all fields together, that are repeated with each piece of the text."""

Fields = Mapping[str, Any]
"""One row, its field names in lower case."""


@dataclass(frozen=True, slots=True)
class At:
    """One row and where it stands."""

    where: str
    """"line 17"."""
    values: Mapping[str, Any]
    """By field name as written."""
    fields: Fields


def keep_all(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; of a name that it has twice, the value is a list of both."""
    values = dict(pairs)
    if len(values) < len(pairs):
        for name in values:
            given = [value for other, value in pairs if other == name]
            values[name] = given if len(given) > 1 else given[0]
    return values


def place_row(where: str, values: Mapping[str, Any]) -> At:
    return At(where, values, {name.strip().lower(): value for name, value in values.items()})


def is_table(fields: Fields) -> bool:
    """Whether a row is a whole table: its names of columns, and its rows."""
    header, rows = find_value(fields, HEADER), find_value(fields, ROWS)
    return isinstance(header, list) and isinstance(rows, list) and all(isinstance(row, list | dict) for row in rows)


def tell_kind(fields: Fields, folder: Path) -> Kind | None:
    """What a row of a file in this folder holds; None for one that is a line of a table like its neighbours."""
    if is_table(fields):
        return "table"
    named = manifest.find_picture_name(fields)
    if named and (set(fields) <= _OF_PICTURES or (_has_caption(fields) and _is_there(named, folder))):
        return "image"
    return "text" if isinstance(find_value(fields, TEXT), str) else None


def tell_kind_of_columns(columns: Sequence[str], rows: Sequence[Fields], folder: Path) -> Kind:
    """What a file with columns holds, by its names of columns and first rows.

    Passages only where no column is beyond their usual ones; pictures the same, or where one column has their captions,
    and only where one of them is there.
    """
    names = {name.lower() for name in columns}
    named = [picture for fields in rows if (picture := manifest.find_picture_name(fields))]
    if (names <= _OF_PICTURES or _has_caption(names)) and any(_is_there(picture, folder) for picture in named):
        return "image"
    texts = names.intersection(TEXT)
    return "text" if texts and names <= _ABOUT | texts else "table"


def _has_caption(names: Collection[str]) -> bool:
    return any(name in names for name in _BELOW_PICTURES)


def _is_there(picture: str, folder: Path) -> bool:
    return isinstance(manifest.locate(picture, folder), Path)


def find_value(fields: Fields, names: Sequence[str]) -> Any:
    """The value of the first of `names` that the row has, or None."""
    return fields.get(_find_name(fields, names))


def _find_name(fields: Fields, names: Sequence[str]) -> str:
    """The first of `names` that the row has a value of; empty where it has none."""
    return next((name for name in names if fields.get(name) not in (None, "")), "")


def find_text(fields: Fields, names: Sequence[str]) -> str:
    """The same as one line of text; empty where the row has none of them."""
    return write_cell(find_value(fields, names))


def read_rows(
    rows: Iterable[At | Problem], file: SourceFile, *, as_: Kind | None, ocr: bool
) -> Iterator[Record | Problem]:
    """Records of each row; a file of whose first rows none is a text, table or picture is one table."""
    stream = iter(rows)
    head = list(islice(stream, _SAMPLE))
    kinds = {tell_kind(item.fields, file.path.parent) for item in head if isinstance(item, At)}
    stream = chain(head, stream)
    if as_ in (None, "table") and (kinds == {None} or (as_ == "table" and kinds != {"table"} and kinds)):
        yield from _one_table(stream, file)
        return
    ids = Ids()
    for item in stream:
        if isinstance(item, Problem):
            yield item
        else:
            yield from _read_row(item, file, ids, as_=as_, ocr=ocr)


def _read_row(row: At, file: SourceFile, ids: Ids, *, as_: Kind | None, ocr: bool) -> Iterator[Record | Problem]:
    is_picture = as_ == "image" and manifest.find_picture_name(row.fields)
    kind = "image" if is_picture else tell_kind(row.fields, file.path.parent)
    id = find_text(row.fields, ID)
    match as_, kind:
        case ((None | "table" | "text"), "table"):
            yield from _table(row, file, ids.unique(id or f"{file.source}:{row.where}"), as_)
        case ((None | "image"), "image"):
            yield from manifest.read_picture(
                row.fields,
                file,
                row.where,
                ids,
                id=id,
                title=find_text(row.fields, TITLE),
                caption=find_text(row.fields, CAPTION) or find_text(row.fields, TEXT),
                ocr=ocr,
            )
        case ((None | "text"), _):
            yield from _passage(row, file, ids.unique(id or f"{file.source}:{row.where}"))
        case _:
            yield Problem(file.source, row.where, f"holds no {'picture' if as_ == 'image' else as_}")


def _passage(row: At, file: SourceFile, id: str) -> Iterator[Record | Problem]:
    text = find_value(row.fields, TEXT) or (
        find_value(row.fields, CAPTION) if manifest.find_picture_name(row.fields) else None
    )
    title, page = find_text(row.fields, TITLE), row.fields.get("page")
    is_placed = isinstance(page, int) and page > 0
    others = {
        name: said
        for name, value in _list_others(row, TEXT, ID, TITLE, SECTION).items()
        if (said := write_cell(value)) and not (is_placed and name.strip().lower() == "page")
    }
    if not isinstance(text, str):  # as_="text" of a row with columns
        text = "; ".join(f"{name}: {write_cell(value)}" for name, value in row.values.items() if write_cell(value))
    elif not title and text.startswith('"') and '"\n' in text:  # pyserini's "title" newline text
        title, text = text[1:].split('"\n', 1)
    if not text.strip():
        yield Problem(file.source, row.where, "its text is empty")
        return
    fields: list[tuple[str, str]] = []
    for name, value in others.items() if isinstance(find_value(row.fields, TEXT), str) else ():
        if len(value) <= _SHORT and sum(len(n) + len(v) for n, v in fields) + len(value) <= _MOST_SHORT:
            fields.append((name, value))
        else:
            text += f"\n\n{name}: {value}"
    yield Passage(
        id,
        file.source,
        tidy(text.strip()),
        title,
        page if is_placed else None,
        find_text(row.fields, SECTION),
        tuple(fields),
        _list_others(row, TEXT, ID, TITLE),
    )


def _list_others(row: At, *used: Sequence[str]) -> dict[str, Any]:
    """The fields of a row but the ones that are used, of each of these lists of names."""
    own = {_find_name(row.fields, names) for names in used}
    return {name: value for name, value in row.values.items() if name.strip().lower() not in own}


def _table(row: At, file: SourceFile, id: str, as_: Kind | None) -> Iterator[Record | Problem]:
    rows = find_value(row.fields, ROWS)
    keys = [write_cell(name) for name in find_value(row.fields, HEADER)]
    keys += dict.fromkeys(key for values in rows if isinstance(values, dict) for key in values if key not in keys)
    names = tuple(name or f"column {n}" for n, name in enumerate(keys, 1))
    cells = (list(map(write_cell, map(values.get, keys) if isinstance(values, dict) else values)) for values in rows)
    yield from tabular.make_records(
        tabular.Grid(names, cells),
        id=id,
        source=file.source,
        title=find_text(row.fields, TITLE),
        section=find_text(row.fields, SECTION),
        caption=find_text(row.fields, CAPTION),
        as_=as_,
        ragged=row.where,
        about=_list_others(row, ID, TITLE, HEADER, ROWS),
    )


def _one_table(rows: Iterator[At | Problem], file: SourceFile) -> Iterator[Record | Problem]:
    """All rows as one table; its header is every field of the first slice, in order of appearance."""
    early: list[Problem] = []
    head: list[Mapping[str, Any]] = []
    for item in islice(rows, tabular.SLICE_ROWS):
        if isinstance(item, Problem):
            early.append(item)
        else:
            head.append(item.values)
    yield from early
    header = tuple(dict.fromkeys(name for values in head for name in values))
    late: list[Problem] = []

    def lines() -> Iterator[list[str]]:
        yield from ([write_cell(values.get(name)) for name in header] for values in head)
        for item in rows:
            if isinstance(item, Problem):
                late.append(item)
                continue
            unknown = [name for name in item.values if name not in header]
            if unknown and len(late) < _MOST_LATE:
                what = f"{', '.join(unknown)} left out: not among the fields of the first rows"
                late.append(Problem(file.source, item.where, what))
            yield [write_cell(item.values.get(name)) for name in header]

    if not header:
        raise UnreadableFile(file.source, "its rows have no fields")
    table = tabular.Grid(tuple(name or f"column {n}" for n, name in enumerate(header, 1)), lines())
    yield from tabular.make_records(table, id=file.source, source=file.source, title=make_title(file.path), as_=None)
    yield from late


_MOST_LATE = 100
