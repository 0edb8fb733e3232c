"""What the command line lists, and knowledge bases that are described, renamed and carried elsewhere."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from r1router.cli import app
from r1router.cli.kb import OTHER_NAMES, kb_app
from r1router.cli.models import MODELS
from r1router.cli.progress import Lines
from r1router.cli.render import print_found
from r1router.errors import InputError
from r1router.kb import find_store, manifest
from r1router.kb.transfer import pack, unpack
from r1router.methods import names as method_names
from r1router.policies import names as policy_names
from r1router.registry import split_options
from r1router.types import Evidence, Location, Step


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def kbs(tmp_path: Path) -> Path:
    table = "| River | Length |\n|---|---|\n| Shannon | 360 |\n"
    (tmp_path / "mixed.md").write_text(f"# Rivers\nThe Shannon is a river.\n\n{table}")
    assert call("index", str(tmp_path / "mixed.md"), "--kbs", str(tmp_path / "kbs")).exit_code == 0
    return tmp_path / "kbs"


@pytest.mark.parametrize(("command", "known"), [("methods", method_names()), ("policies", policy_names())])
def test_every_method_and_policy_is_listed_with_a_sentence_and_its_options(command: str, known: list[str]) -> None:
    listed = json.loads(call(command, "--json").stdout)
    assert [entry["name"] for entry in listed] == known
    assert all(entry["does"].endswith(".") or ":" in entry["does"] for entry in listed)
    shown = call(command).stdout
    assert all(name in shown for name in known)


def test_every_model_of_the_list_is_a_spec_that_some_policy_takes() -> None:
    for model in MODELS:
        head, _ = split_options(model.policy)
        assert head.partition(":")[0] in policy_names(), model
    shown = call("models").stdout
    assert "not run by us" in shown
    assert "Ollama" in shown
    assert all(model.policy in shown and model.start in shown for model in MODELS), "none is cut at the terminal's edge"


def test_a_long_name_is_whole_at_80_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    name = "_".join(f"part{n}" for n in range(30))
    (tmp_path / "r1router.toml").write_text(f'kbs = "{name}"\n')
    said = io.StringIO()
    found = Evidence("text", "1", "It says so.", location=Location(source=f"{name}.md"))
    print_found(Step(sub_question="?", routes=("text",), evidence=(found,)), Console(file=said, width=80))
    assert name in "".join(said.getvalue().split())
    assert "…" not in call("config").stdout


def test_a_query_shows_long_cells_whole_at_80_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    cells = [f"{letter}-" + "0123456789" * 5 for letter in "ab"]
    (tmp_path / "codes.csv").write_text(f"code,other\n{','.join(cells)}\nx,y\n")
    assert call("index", str(tmp_path / "codes.csv"), "--kbs", str(tmp_path / "kbs")).exit_code == 0
    shown = call("kb", "query", "table", "SELECT * FROM t", "--kbs", str(tmp_path / "kbs")).stdout
    assert "…" not in shown


def test_a_description_that_a_person_wrote_stays_when_more_is_indexed(kbs: Path) -> None:
    assert call("kb", "describe", "text", "All about rivers", "--kbs", str(kbs)).exit_code == 0
    (kbs.parent / "more.txt").write_text("The Danube is longer.")
    assert call("index", str(kbs.parent / "more.txt"), "--kbs", str(kbs)).exit_code == 0
    assert manifest.read(kbs / "text").holds == "All about rivers"


def test_an_empty_knowledge_base_is_made_and_filled_by_name(kbs: Path) -> None:
    assert call("kb", "new", "lakes", "All about lakes", "--kbs", str(kbs)).exit_code == 0
    (kbs.parent / "lake.txt").write_text("Lake Inari is in Lapland.")
    assert call("index", str(kbs.parent / "lake.txt"), "--name", "lakes", "--kbs", str(kbs)).exit_code == 0
    assert manifest.read(kbs / "lakes").holds == "All about lakes"
    [found] = json.loads(call("kb", "search", "lakes", "Lapland", "--kbs", str(kbs), "--json").stdout)
    assert found["kb"] == "lakes"
    assert isinstance(call("kb", "new", "lakes", "--kbs", str(kbs)).exception, InputError)


def test_a_renamed_knowledge_base_is_searched_and_indexed_under_its_new_name(kbs: Path) -> None:
    assert call("kb", "rename", "text", "rivers", "--kbs", str(kbs)).exit_code == 0
    [found] = json.loads(call("kb", "search", "rivers", "Shannon", "--kbs", str(kbs), "--json").stdout)
    assert found["kb"] == "rivers"
    for name in ("rivers", "table"):
        assert all("text" not in taken.yields for taken in find_store(kbs, name).ledger.read().values())
    for taken in ("table", "Table", "none"):
        assert isinstance(call("kb", "rename", "rivers", taken, "--kbs", str(kbs)).exception, InputError)


def test_a_packed_knowledge_base_is_whole_elsewhere_under_any_name(kbs: Path, tmp_path: Path) -> None:
    file = tmp_path / "text.r1kb.tar.gz"
    assert call("kb", "export", "text", str(file), "--kbs", str(kbs)).exit_code == 0
    elsewhere = tmp_path / "elsewhere"
    assert call("kb", "import", str(file), "--name", "rivers", "--kbs", str(elsewhere)).exit_code == 0
    [found] = json.loads(call("kb", "search", "rivers", "Shannon", "--kbs", str(elsewhere), "--json").stdout)
    assert (found["kb"], "Shannon" in found["text"]) == ("rivers", True)
    assert call("kb", "check", "--kbs", str(elsewhere)).exit_code == 0
    again = call("kb", "import", str(file), "--name", "rivers", "--kbs", str(elsewhere))
    assert "is there already" in str(again.exception)


def test_a_pack_cannot_write_outside_its_folder_nor_be_anything_else(kbs: Path, tmp_path: Path) -> None:
    evil = tmp_path / "evil.tar.gz"
    with tarfile.open(evil, "w:gz") as packed:
        info = tarfile.TarInfo("../outside.txt")
        info.size = 4
        packed.addfile(info, io.BytesIO(b"evil"))
    (tmp_path / "text.tar.gz").write_text("nothing packed")
    for file in (evil, tmp_path / "text.tar.gz"):
        with pytest.raises(InputError, match="no packed knowledge base") as told:
            unpack(file, tmp_path / "in")
        assert "\n" not in str(told.value)
    with pytest.raises(InputError, match="there is no file"):
        unpack(tmp_path / "none.tar.gz", tmp_path / "in")
    assert not (tmp_path / "outside.txt").exists()
    assert list((tmp_path / "in").iterdir()) == []


def test_a_pack_does_not_write_over_a_file(kbs: Path, tmp_path: Path) -> None:
    (tmp_path / "there.tar.gz").write_text("mine")
    with pytest.raises(InputError, match="is there already"):
        pack(kbs / "text", tmp_path / "there.tar.gz")
    assert (tmp_path / "there.tar.gz").read_text() == "mine"


def test_how_far_it_is_comes_in_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    often, seldom = Lines(every=0.0), Lines(every=3600.0)
    for number in range(3):
        often.tell(lambda number=number: f"{number} of 3")
        seldom.tell(lambda: "too early")
    assert capsys.readouterr().err.splitlines() == ["0 of 3", "1 of 3", "2 of 3"]


def test_a_line_that_says_nothing_new_comes_less_and_less_often(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(range(100))
    monkeypatch.setattr("r1router.cli.progress.time.monotonic", lambda: float(next(now)))
    lines = Lines(every=1.0)
    for _ in range(30):
        lines.tell(lambda: "1 of 2")
    assert capsys.readouterr().err.splitlines() == ["1 of 2"] * 4  # after 1, 2, 4 and 8 seconds more
    lines.tell(lambda: "2 of 2")
    assert capsys.readouterr().err.splitlines() == ["2 of 2"]


def test_completion_offers_the_commands() -> None:
    environment = {"_R1ROUTER_COMPLETE": "complete_bash", "COMP_WORDS": "r1router ind", "COMP_CWORD": "1"}
    done = CliRunner().invoke(app, [], env=environment, prog_name="r1router")
    assert "index" in done.stdout


@pytest.mark.parametrize("group", [[], ["kb"], ["train"]])
def test_each_command_is_told_in_a_whole_sentence_at_80_columns(group: list[str]) -> None:
    told = CliRunner().invoke(app, [*group, "--help"], env={"COLUMNS": "80"}).stdout
    commands = told[told.index("Commands:") :].splitlines()[1:]
    assert len(commands) > 5
    assert [line for line in commands if line.endswith("...")] == []


@pytest.mark.parametrize(("word", "ours"), [("delete", "rm"), ("ls", "list")])
def test_the_word_of_another_program_names_our_command(word: str, ours: str) -> None:
    told = call("kb", word, "text")
    assert told.exit_code == 2
    assert f"Did you mean '{ours}'?" in told.stderr


def test_each_word_of_another_program_has_a_command_of_ours() -> None:
    ours = {command.name or command.callback.__name__ for command in kb_app.registered_commands if command.callback}
    assert set(OTHER_NAMES.values()) <= ours
