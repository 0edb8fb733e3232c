"""What the README, CONTRIBUTING and the pages of docs/ show is true: their Python runs, their commands parse.

Python blocks of a page run one after another in one namespace, in a folder that holds the demo's files. A block
that needs what a test may not use (a download, a server) has `<!-- no-run -->` on the line before it, with a
reason if there is one.
"""

import re
import shlex
import shutil
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
import typer

from r1router.cli import app

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "src" / "r1router" / "demo_data"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(
    r"(?P<before>[^\n]*)\n\s*(?P<fence>```+)(?P<language>\w+)[^\n]*\n(?P<code>.*?)^\s*(?P=fence)", re.M | re.S
)
SHELLS = {"console", "bash", "sh"}


class Block(NamedTuple):
    page: Path
    line: int
    """1-based line of the page on which the code begins."""
    language: str
    code: str
    runs: bool


def blocks(page):
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page,
            text.count("\n", 0, found.start("code")) + 1,
            found["language"],
            found["code"],
            "<!-- no-run" not in found["before"],
        )
        for found in FENCE.finditer("\n" + text)
    ]


def commands(block):
    """(line, words) of every simple command of a block of shell; of a console block, what follows a "$"."""
    lines = block.code.replace("\\\n", "  ").splitlines()
    for i, line in enumerate(lines):
        if block.language == "console":
            if not line.lstrip().startswith("$ "):
                continue
            line = line.lstrip()[2:]
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = []
        for word in [*lexer, ";"]:
            if set(word) <= set(";&|<>()"):
                if words:
                    yield block.line + i, words
                words = []
            elif words or not re.match(r"\w+=", word):
                words.append(word)


def named_commands(page, program):
    return [
        (f"{page.name}:{line}", words[1:])
        for block in blocks(page)
        if block.language in SHELLS
        for line, words in commands(block)
        if Path(words[0]).name == program
    ]


def without_effect(command):
    """The command and those below it, parsing as ever and doing nothing."""
    command.callback = None
    for below in getattr(command, "commands", {}).values():
        without_effect(below)
    return command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_python_of_a_page_runs(page, tmp_path, monkeypatch):
    shutil.copytree(DEMO, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": page.stem}
    for block in blocks(page):
        if block.language == "python" and block.runs:
            code = "\n" * (block.line - 1) + block.code
            exec(compile(code, str(page), "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_parses(page):
    root = without_effect(typer.main.get_command(app))
    for where, words in named_commands(page, "r1router"):
        try:
            root.main(words, prog_name="r1router", standalone_mode=False)
        except Exception as error:
            pytest.fail(f"{where}: r1router {shlex.join(words)}: {error}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_and_extra_of_a_page_exists(page):
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    for where, words in named_commands(page, "make"):
        unknown = [word for word in words if "=" not in word and word not in targets]
        assert not unknown, f"{where}: no such target"
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = set(tomllib.load(file)["project"]["optional-dependencies"])
    for named in re.findall(r"r1router\[([\w,-]+)\]", page.read_text(encoding="utf-8")):
        assert set(named.split(",")) <= extras, f"{page.name}: r1router[{named}]"
