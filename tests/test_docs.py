"""Documentation that includes source files cannot drift from them. `UPDATE_GOLDEN=1 pytest` writes it anew."""

import os
import re
from pathlib import Path

import pytest

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


def test_the_control_flow_page_includes_the_loop():
    assert "control-flow.md" in [page.name for page in PAGES]


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]
)
def test_links_to_files_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
