"""The page's files by themselves: self-contained, without inline code, in colours that can be read."""

import hashlib
import re
from pathlib import Path

import pytest

import r1router

PAGE = Path(r1router.__file__).parent / "serve" / "page"
SCRIPTS = sorted(path for path in PAGE.glob("*.js"))
COLOUR = re.compile(r"--([\w-]+):\s*light-dark\((#\w{6}), (#\w{6})\)")


def test_every_file_that_the_page_names_is_there_and_nothing_comes_from_elsewhere():
    named = re.findall(r'(?:href|src)="([^"]+)"', (PAGE / "index.html").read_text())
    assert len(named) > 5
    for script in SCRIPTS:
        named += re.findall(r'from "\./([^"]+)"', script.read_text())
    assert [name for name in named if not (PAGE / name).is_file()] == []
    for path in (*SCRIPTS, *PAGE.glob("styles/*.css"), PAGE / "index.html"):
        assert not re.search(r"https?://|@import|url\(", path.read_text().replace("^https?:", "")), path


def test_there_is_no_inline_code_and_no_way_from_text_to_markup():
    page = (PAGE / "index.html").read_text()
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*src=)", page)
    for script in SCRIPTS:
        code = script.read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function", code), script


@pytest.mark.parametrize("script", [s for s in SCRIPTS], ids=lambda path: path.name)
def test_every_module_opens_by_saying_what_it_does(script):
    first = script.read_text().splitlines()[0]
    assert first.startswith("// ")
    assert len(script.read_text().splitlines()) < 250


def test_vendored_files_are_the_ones_that_were_published():
    said = dict(re.findall(r"`([\w-]+\.(?:js|css))`.*?`([0-9a-f]{64})`", (PAGE / "vendor" / "README.md").read_text()))
    vendored = [path for path in PAGE.glob("vendor/*") if path.suffix in (".js", ".css")]
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in vendored}
    assert said == files


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "grounds"),
    [
        ("ink", ["ground", "surface", "raised", "mark-word", "mark-answer", "row", "accent-soft"]),
        ("ink-soft", ["ground", "surface", "raised", "row"]),
        ("ink-faint", ["ground", "surface", "raised", "accent-soft", "row"]),
        ("accent", ["ground", "surface"]),
        ("danger", ["danger-soft", "surface"]),
        ("warn", ["warn-soft", "ground"]),
        ("good", ["ground", "surface"]),
        ("text-ink", ["text-soft", "surface"]),
        ("image-ink", ["image-soft", "surface"]),
        ("table-ink", ["table-soft", "surface"]),
    ],
)
def test_text_stands_out_from_what_is_under_it(ink, grounds, mode):
    """At least 4.5 to 1: level AA of the Web Content Accessibility Guidelines 2.2, criterion 1.4.3."""
    colours = {name: both[mode] for name, *both in COLOUR.findall((PAGE / "styles" / "theme.css").read_text())}
    for ground in grounds:
        assert contrast(colours[ink], colours[ground]) >= 4.5, f"{ink} on {ground}"


def contrast(a: str, b: str) -> float:
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
