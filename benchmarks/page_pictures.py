"""Takes pictures of every view of the page, wide and narrow, light and dark, because a test does not see what is ugly.

Index a folder and serve it, then:

    r1router serve --kbs kbs
    python benchmarks/page_pictures.py http://127.0.0.1:8000/ pictures --question "What does a wheel truing cost?"

It asks the question once, so the answers are the served model's own. Needs selenium, Chromium and its driver.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from browsing import Person, chromium

SIZES = {"wide": (1280, 900), "phone": (390, 844)}
TALLEST = 3000
"""Pixels of a picture; what is below is cut off."""
PATIENCE = 240.0
"""Seconds for the answer of a model."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("address", help="of a server that runs, such as http://127.0.0.1:8000/")
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument("--question", default="", help="asked once; without one there are no pictures of an answer")
    parser.add_argument("--only", default="", help="views whose name has this in it")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with chromium() as driver:
        person = Person(driver, given.address.rstrip("/") + "/")
        person.starts_afresh()
        answer = _ask(person, given.question) if given.question else ""
        for name, address, act in _list_views(given.address, answer, given.question):
            if given.only in name:
                _take(person, name, address, act, given.out)
        complaints = [said for said in person.complaints() if "favicon" not in said]
        print(*complaints, sep="\n")


def _ask(person: Person, question: str) -> str:
    """The address of the answer."""
    person.goes_to()
    person.asks(question)
    until = time.monotonic() + PATIENCE
    while not person.runs("return !!document.querySelector('.outcome')"):
        if time.monotonic() > until:
            raise SystemExit(f"no answer within {PATIENCE:g} seconds")
        time.sleep(0.5)
    kept = "return JSON.parse(localStorage.getItem('r1router.history') || '[]')[0]?.kept || ''"
    person.finds("aside .history-item")
    return f"#/a/{person.runs(kept)}"


def _list_views(address: str, answer: str, question: str) -> Iterator[tuple[str, str, Callable[[Person], None]]]:
    """Name and address of each view, and what is done there, from what the server holds."""
    yield "welcome", "#/", _look
    yield "options", "#/", lambda person: person.clicks(".composer button", "Options")
    if answer:
        yield "answer", answer, _look
        yield "answer-open", answer, lambda person: person.clicks(".sources > li:first-child summary")
    yield "history", "#/history", _look
    yield "kbs", "#/kbs", _look
    yield "kbs-new", "#/kbs", lambda person: person.clicks(".kb-head button", "New")
    shown: set[str] = set()
    for kb in _read(address, "v1/kbs")["kbs"]:
        name = kb["name"]
        at = f"#/kbs/{quote(name, safe='')}"
        yield f"kb-{kb['name']}", at, _look
        yield f"kb-{kb['name']}-search", at, lambda person: person.sees("#search").send_keys(f"{question or 'all'}\n")
        for source in _read(address, f"v1/kbs/{quote(kb['name'], safe='')}/sources")["sources"]:
            suffix = Path(source["source"]).suffix.lstrip(".")
            view = suffix if suffix == "pdf" else kb["kind"]
            if view not in shown:
                shown.add(view)
                yield f"source-{view}", f"{at}/{quote(source['source'], safe='')}", _look
    yield "kb-change", at, lambda person: person.clicks(".kb-actions button", "Rename")
    yield "kb-remove", at, lambda person: person.clicks(".kb-actions button", "Delete")


def _look(person: Person) -> None:
    """Nothing is done."""


def _read(address: str, path: str) -> dict[str, list[dict[str, str]]]:
    with urllib.request.urlopen(f"{address.rstrip('/')}/{path}") as reply:
        found: dict[str, list[dict[str, str]]] = json.load(reply)
        return found


def _take(person: Person, name: str, address: str, act: Callable[[Person], None], out: Path) -> None:
    for size, (width, height) in SIZES.items():
        for scheme in ("light", "dark"):
            person.has_screen(width, height, dark=scheme == "dark")
            person.goes_to(address)
            act(person)
            time.sleep(1.5)  # pictures and pages of a PDF still come
            tall = min(TALLEST, int(person.runs("return document.documentElement.scrollHeight")))
            person.has_screen(width, max(height, tall), dark=scheme == "dark")
            time.sleep(0.3)
            taken = person.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
            path = out / f"{name}-{size}-{scheme}.png"
            path.write_bytes(base64.b64decode(taken["data"]))
            print(path)
            if person.runs("return document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                print(f"{path}: it scrolls sideways")


if __name__ == "__main__":
    main()
