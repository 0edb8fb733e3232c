"""Documentation that includes source files cannot drift from them. `UPDATE_GOLDEN=1 pytest` writes it anew."""

import os
import re
import tomllib
from pathlib import Path

import pytest

from r1router.ingest.readers import list_patterns

ROOT = Path(__file__).parent.parent
INCLUDE = re.compile(r"<!-- include: (\S+) -->\n```(\w+)\n(.*?)```\n<!-- end -->", re.DOTALL)
PAGES = sorted(page for page in (ROOT / "docs").glob("**/*.md") if INCLUDE.search(page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_included_source_is_the_real_file(page):
    def with_source(found):
        source = (ROOT / found[1]).read_text(encoding="utf-8")
        return f"<!-- include: {found[1]} -->\n```{found[2]}\n{source}```\n<!-- end -->"

    text = page.read_text(encoding="utf-8")
    wanted = INCLUDE.sub(with_source, text)
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(wanted, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == wanted


@pytest.mark.parametrize("name", ["control-flow.md", "training-flow.md"])
def test_the_pages_of_a_flow_include_the_real_files(name):
    assert name in [page.name for page in PAGES]


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_a_page_says_first_what_it_is_for(page):
    title, opening = page.read_text(encoding="utf-8").split("\n\n")[:2]
    assert title.startswith("# ")
    assert opening.startswith("This page ")


def test_every_noun_of_the_glossary_is_in_the_source():
    rows = re.findall(
        r"^\| [a-z-]+(?: [a-z]+)? \| .* \| (.*) \|$", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE
    )
    assert len(rows) > 30
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    for name in re.findall(r"`([A-Z]\w+)(?:\.(\w+))?`", "\n".join(rows)):
        assert re.search(rf"^class {name[0]}\b|^{name[0]} = ", source, re.MULTILINE), name
        assert not name[1] or f"    {name[1]}: " in source, name
    for path in re.findall(r"`([\w/]+(?:/|\.py))`", "\n".join(rows)):
        assert list((ROOT / "src" / "r1router").glob(f"**/{path.rstrip('/')}")), path


def test_the_page_of_formats_names_every_file_that_has_a_reader_and_no_other():
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    named = {
        name
        for row in re.findall(r"^\| ([^|]*`\*\.[^|]*)\|", page, re.MULTILINE)
        for name in re.findall(r"`(\*\.\S+)`", row)
    }
    packed = {name for name in list_patterns() if name.endswith((".gz", ".bz2")) and not name.startswith("*.t")}
    read = {name for name in list_patterns() if name.startswith("*.")}
    assert named - read == set()
    assert read - named - packed <= {"*.tsv.gz"}


def test_the_formats_that_the_readme_names_have_a_reader():
    said = re.search(r"It reads (.*?) What is left out", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[1]
    suffixes = {word.lower() for word in re.findall(r"\b[a-z]*[a-z0-9]+\b", said)} & {
        name.removeprefix("*.").partition(".")[0] for name in list_patterns()
    }
    assert len(suffixes) > 30
    for name in suffixes:
        assert f"*.{name}" in list_patterns()


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]
)
def test_links_to_files_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_page_of_licences_names_every_package_of_the_base_install():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    page = (ROOT / "docs" / "licences.md").read_text()
    names = [re.split(r"[><=\[; ]", dependency)[0].lower() for dependency in project["dependencies"]]
    assert [name for name in names if f"| {name} |" not in page] == []
