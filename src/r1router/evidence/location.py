"""Says in words where a piece of evidence came from, so that the terminal, the chat and MCP say it alike."""

from __future__ import annotations

from r1router.types import Evidence, Location


def describe(location: Location) -> str:
    """File, page, section and rows, as far as they are known.

    >>> describe(Location("atlas.pdf", page=3, section="Norway"))
    'atlas.pdf, page 3, Norway'
    >>> describe(Location("cities.csv", rows=(1, 20)))
    'cities.csv, rows 1–20'
    """
    parts = [location.source]
    if location.page is not None:
        parts.append(f"page {location.page}")
    if location.section:
        parts.append(location.section)
    if location.rows is not None:
        first, last = location.rows
        parts.append(f"row {first}" if first == last else f"rows {first}–{last}")
    return ", ".join(parts)


def find_title(evidence: Evidence) -> str:
    """What to call it: its title, else the file that it came from, else its id.

    >>> find_title(Evidence("text", "a.txt#0", "…")), find_title(Evidence("text", "1", "…", location=Location("a.txt")))
    ('a.txt#0', 'a.txt')
    """
    return evidence.title or (evidence.location.source if evidence.location else "") or evidence.id
