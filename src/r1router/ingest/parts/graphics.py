"""Reads the charts and diagrams of Office documents: a chart as the table that it draws, a diagram as its words."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import Any

from r1router.ingest.parts import office, tabular
from r1router.ingest.parts.cells import write_cell
from r1router.ingest.parts.elements import find_child, read_attribute, read_name
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
    """The numbers that a chart was drawn from, as they are kept with it: a row for each category, a column for each
    series. `about`: what `tabular.make_records` takes."""
    chart = find_child(office.parse(archive, part), "chart")
    title = write_cell(" ".join(_texts(find_child(chart, "title"))))
    names: list[str] = []
    rows: dict[int, list[str]] = {}
    """By place: the category, and a value of each series so far."""
    for series in (element for element in chart.iter() if read_name(element) == "ser") if chart is not None else ():
        said = " ".join(value for _, value in _points(find_child(series, "tx"))) or f"series {len(names) + 1}"
        places = dict(_points(find_child(series, "cat")) or _points(find_child(series, "xVal")))
        names.append(write_cell(said))
        for place, value in _points(find_child(series, "val")) or _points(find_child(series, "yVal")):
            row = rows.setdefault(place, [places.get(place, str(place + 1))])
            row += [""] * (len(names) - len(row)) + [value]
    if rows:
        lines = (rows[place] for place in sorted(rows))
        caption = " ".join(part for part in ("Chart", title) if part)
        yield from tabular.make_records(tabular.Grid(("", *names), lines), caption=caption, **about)


def _points(element: Any) -> list[tuple[int, str]]:
    """(place, value) of each kept value."""
    if element is None:
        return []
    points = [point for point in element.iter() if read_name(point) == "pt"][:_MOST_POINTS]
    found = []
    for number, point in enumerate(points):
        place = read_attribute(point, "idx")
        value = find_child(point, "v")
        if value is not None:
            found.append((int(place) if place.isdecimal() else number, write_cell(value.text)))
    if not points:  # a name that is written out
        found = [(0, write_cell(value.text)) for value in element.iter() if read_name(value) == "v"]
    return found


def _texts(element: Any) -> Iterator[str]:
    for inner in element.iter() if element is not None else ():
        if read_name(inner) == "t":
            yield inner.text or ""
