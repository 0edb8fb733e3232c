"""A PDF on the page: shown as it looks beside what was read from it, the cited passage marked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from reportlab.lib.pagesizes import A5
from reportlab.pdfgen.canvas import Canvas

from browsing import Paced, Person, chromium
from r1router.ingest.run import index
from serving import live, small_app
from small_embedders import HashedWords
from test_page_accessible import SIZES, faults

PAGES = (
    ["The motor switches off its help at 25 km/h.", "It is held by three bolts, tightened to 22 Nm."],
    ["The gap between magnet and sensor is 5 to 12", "millimetres. A larger gap shows 0 km/h."],
)
SOURCE = "docs/manual.pdf"


@pytest.fixture
def manual(tmp_path: Path) -> Path:
    """A PDF of two pages, indexed."""
    (tmp_path / "docs").mkdir()
    file = tmp_path / "docs" / "manual.pdf"
    canvas = Canvas(str(file), pagesize=A5)
    for lines in PAGES:
        for n, line in enumerate(lines):
            canvas.drawString(60, 500 - 20 * n, line)
        canvas.showPage()
    canvas.save()
    index([tmp_path / "docs"], tmp_path / "kbs", embedder=HashedWords())
    return file


@pytest.fixture
def person(manual: Path) -> Iterator[Person]:
    with chromium() as driver, live(small_app(manual.parents[1] / "kbs", Paced([]))) as port:
        found = Person(driver, f"http://127.0.0.1:{port}/")
        found.starts_afresh()
        yield found
        driver.get("about:blank")


def test_a_pdf_is_shown_at_the_cited_page_with_its_passage_marked(person: Person) -> None:
    person.goes_to(f"#/kbs/text/{quote(SOURCE, safe='')}/{quote(SOURCE + ':p2#0', safe='')}")
    assert len(person.finds(".pdf-mark", 2)) == 2
    person.sees(".pdf", "page 2 of 2")
    person.sees(".source-piece.cited", "millimetres")
    dark = person.runs(
        "const c = document.querySelector('.pdf canvas');"
        "const p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let n = 0; for (let i = 0; i < p.length; i += 4) n += p[i] < 128; return n"
    )
    assert dark > 100, "nothing is drawn"
    person.clicks(".pdf button", "Earlier page")
    person.sees(".pdf", "page 1 of 2")
    person.misses(".pdf-mark")
    person.clicks(".source-piece:last-child button", "Show it on the page")
    person.sees(".pdf", "page 2 of 2")
    person.finds(".pdf-mark", 2)
    for width, height in SIZES.values():
        for is_dark in (False, True):
            person.has_screen(width, height, dark=is_dark)
            assert faults(person) == []
    person.has_screen(360, 780)
    assert not person.runs("return document.documentElement.scrollWidth > document.documentElement.clientWidth")
    asked = [url for url in person.requests() if not url.startswith(("data:", "blob:", "about:"))]
    assert [url for url in asked if not url.startswith(person.url)] == []
    assert person.complaints() == []


def test_on_a_phone_the_marked_passage_is_in_sight(person: Person) -> None:
    person.has_screen(*SIZES["phone"])
    person.goes_to(f"#/kbs/text/{quote(SOURCE, safe='')}/{quote(SOURCE + ':p2#0', safe='')}")
    person.finds(".pdf-mark", 2)
    top, height = person.runs("return [document.querySelector('.pdf-mark').getBoundingClientRect().top, innerHeight]")
    assert 0 < top < height


def test_where_the_file_is_gone_what_was_read_from_it_stays(person: Person, manual: Path) -> None:
    manual.unlink()
    person.goes_to(f"#/kbs/text/{quote(SOURCE, safe='')}")
    person.sees("main", "The file is not where it was indexed")
    person.sees(".source-piece", "three bolts")
    person.misses(".pdf")
    assert "404" in " ".join(person.complaints())  # the browser says so too


def test_a_file_that_is_no_pdf_any_more_is_told_in_words(person: Person, manual: Path) -> None:
    manual.write_bytes(b"something else")
    person.goes_to(f"#/kbs/text/{quote(SOURCE, safe='')}")
    person.sees("main", "This PDF cannot be shown here")
    person.sees(".source-piece", "three bolts")
