"""Reads the charts and diagrams of Office documents: a chart as the table that it draws, a diagram as its words."""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from r1router.ingest.parts import office, tabular
from r1router.ingest.parts.cells import write_cell
from r1router.ingest.parts.elements import find_child, read_attribute, read_name
from r1router.ingest.parts.formats import show
from r1router.ingest.records import Problem, Record

_CHART = re.compile(r".*/charts/chart\d*\.xml$")
_DIAGRAM = re.compile(r".*/diagrams/data\d*\.xml$")
_MOST_POINTS = 10_000


def find_charts(parts: list[str]) -> list[str]:
    return sorted(filter(_CHART.match, parts))


def find_diagrams(parts: list[str]) -> list[str]:
    return sorted(filter(_DIAGRAM.match, parts))


def read_diagram(archive: zipfile.ZipFile, part: str) -> list[str]:
    """The words of each shape, in the order of the file."""
    points = (element for element in office.parse(archive, part).iter() if read_name(element) == "pt")
    said = (write_cell(" ".join(_texts(point))) for point in points)
    return [words for words in said if words]


def read_chart(archive: zipfile.ZipFile, part: str, **about: Any) -> Iterator[Record | Problem]:
    """The numbers that a chart was drawn from, as they are kept with it and shown in cells: a row for each category, or
    each place on the first axis, a column for each series and for the sizes of its bubbles. `about`: what
    `tabular.make_records` takes."""
    root = office.parse(archive, part)
    chart = find_child(root, "chart")
    start = find_child(root, "date1904")
    since_1904 = start is not None and read_attribute(start, "val") in ("1", "true", "")
    title = write_cell(" ".join(_texts(find_child(chart, "title"))))
    names: list[str] = []
    categories: dict[int, str] = {}
    rows: dict[tuple[int, str], list[str]] = {}
    """By place and category: the category, and a value of each series so far."""
    for series in (element for element in chart.iter() if read_name(element) == "ser") if chart is not None else ():
        points = {read_name(child): _points(child, since_1904=since_1904) for child in series}
        said = write_cell(" ".join(value for _, value in points.get("tx", []))) or f"series {len(names) + 1}"
        across = dict(points.get("xVal", []))
        categories = dict(points.get("cat", [])) | categories
        columns = {said: points.get("val") or points.get("yVal") or []}
        if sizes := points.get("bubbleSize"):
            columns[f"{said}, size"] = sizes
        for name, values in columns.items():
            names.append(name)
            for place, value in values:
                category = across.get(place) or categories.get(place, str(place + 1))
                row = rows.setdefault((place, category), [category])
                row += [""] * (len(names) - len(row)) + [value]
    if rows:
        lines = (rows[key] for key in sorted(rows, key=lambda key: key[0]))
        caption = " ".join(part for part in ("Chart", title) if part)
        yield from tabular.make_records(tabular.Grid(("", *names), lines), caption=caption, **about)


def _points(element: Any, *, since_1904: bool) -> list[tuple[int, str]]:
    """(place, value) of each kept value."""
    points = [point for point in element.iter() if read_name(point) == "pt"][:_MOST_POINTS]
    code = next((inner.text or "" for inner in element.iter() if read_name(inner) == "formatCode"), "")
    found = []
    for number, point in enumerate(points):
        place = read_attribute(point, "idx")
        value = find_child(point, "v")
        if value is not None:
            shown = _show(value.text or "", read_attribute(point, "formatCode") or code, since_1904=since_1904)
            found.append((int(place) if place.isdecimal() else number, shown))
    if not points:  # a name that is written out
        found = [(0, write_cell(value.text)) for value in element.iter() if read_name(value) == "v"]
    return found


def _show(text: str, code: str, *, since_1904: bool) -> str:
    """A value as its cell shows it: a day that is kept as the number of days since 1900 or 1904 as its date."""
    if not code:
        return write_cell(text)
    from openpyxl.styles.numbers import is_date_format, is_timedelta_format  # type: ignore[import-untyped]
    from openpyxl.utils.datetime import (  # type: ignore[import-untyped]
        CALENDAR_MAC_1904,
        CALENDAR_WINDOWS_1900,
        from_excel,
    )

    try:
        number = float(text)
        if is_date_format(code):
            epoch = CALENDAR_MAC_1904 if since_1904 else CALENDAR_WINDOWS_1900
            return show(from_excel(number, epoch, timedelta=is_timedelta_format(code)), code)
    except (ValueError, OverflowError):  # text, or a day beyond the calendar
        return write_cell(text)
    return show(number, code) if math.isfinite(number) else write_cell(text)


def _texts(element: Any) -> Iterator[str]:
    for inner in element.iter() if element is not None else ():
        if read_name(inner) == "t":
            yield inner.text or ""
