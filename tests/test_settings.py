"""r1router.toml, the environment and `.env`: what holds, from where, and what is said where something does not fit."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from r1router.cli import app
from r1router.cli.settings import find, list_options, make_default_map, settle
from r1router.errors import InputError

ROOT = Path(__file__).parents[1]
COMMANDS = typer.main.get_command(app)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, and an environment that says nothing."""
    for name in [name for name in os.environ if name.startswith("R1ROUTER_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def held(name: str) -> tuple[object, str]:
    """(value, where it is from) of an option."""
    rows = {row["option"]: row for row in json.loads(call("config", "--all", "--json").stdout)}
    return rows[name]["value"], rows[name]["from"]


def test_a_flag_comes_before_the_environment_and_the_environment_before_the_file(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / "r1router.toml").write_text("k = 7\n\n[serve]\nport = 9000\n")
    assert held("k") == ("7", f"{elsewhere / 'r1router.toml'}:1")
    assert held("serve.port") == ("9000", f"{elsewhere / 'r1router.toml'}:4")
    assert held("max_steps") == (3, "default")
    monkeypatch.setenv("R1ROUTER_K", "8")
    monkeypatch.setenv("R1ROUTER_SERVE_PORT", "9001")
    assert held("k") == ("8", "R1ROUTER_K")
    assert held("serve.port") == ("9001", "R1ROUTER_SERVE_PORT")


def test_commands_obey_the_file_of_a_folder_above_and_a_flag_before_it(elsewhere: Path) -> None:
    (elsewhere / "docs").mkdir()
    (elsewhere / "docs" / "oslo.txt").write_text("Oslo is the capital of Norway.")
    (elsewhere / "replies.jsonl").write_text('{"reply": "<answer>Oslo</answer>"}\n')
    (elsewhere / "r1router.toml").write_text(
        f'kbs = "mine"\nmethod = "vanilla_rag"\npolicy = "scripted:{elsewhere}/replies.jsonl"\n'
    )
    os.chdir(elsewhere / "docs")
    assert call("index", "oslo.txt").exit_code == 0
    assert (elsewhere / "mine" / "text").is_dir()  # from the file's folder on
    assert json.loads(call("ask", "Capital?", "--json").stdout)["method"] == "vanilla_rag"
    assert json.loads(call("ask", "Capital?", "--json", "--method", "direct").stdout)["method"] == "direct"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("k = 5\n[serve]\n\nprot = 1", r"r1router.toml:4: in \[serve\]: unknown setting 'prot'; did you mean 'port'"),
        ("polcy = ''", r"r1router.toml:1: in the top of the file: unknown setting 'polcy'; did you mean 'policy'"),
        ("[ask]\nk = 2", r"r1router.toml:2: in \[ask\]: k holds for every command; write it at the top"),
        ("\nk = 0", r"r1router.toml:2: k: .*greater than or equal to 1"),
        ("[train.grpo]\nsamples = 'many'", r"r1router.toml:2: train.grpo.samples: .*integer"),
        ("serve = 3", r"r1router.toml:1: serve is a table"),
        ("[index]\nocr = 'yes'", r"r1router.toml:2: index.ocr is true or false"),
        ("k = true", r"r1router.toml:1: k is neither true nor false"),
        ("k = [1, 2]", r"r1router.toml:1: k is one value"),
        ("kbs = docs", r"r1router.toml: Invalid value \(at line 1"),
    ],
)
def test_what_does_not_fit_is_told_with_file_line_and_key(elsewhere: Path, text: str, said: str) -> None:
    (elsewhere / "r1router.toml").write_text(text)
    with pytest.raises(InputError, match=said):
        settle(COMMANDS, find())


def test_a_variable_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R1ROUTER_MAX_STEPS", "few")
    with pytest.raises(InputError, match="R1ROUTER_MAX_STEPS"):
        settle(COMMANDS, find())


def test_keys_and_our_own_variables_come_from_env_and_nothing_else(elsewhere: Path) -> None:
    (elsewhere / ".env").write_text('SOME_KEY="a b"\nR1ROUTER_K=9\nLD_PRELOAD=x.so\nHELD_KEY=file\n')
    code = (
        "import os; from r1router.cli.settings import find; found = find();"
        "print(found.env_names, os.environ['SOME_KEY'], os.environ['HELD_KEY'], os.environ.get('LD_PRELOAD'))"
    )
    environment = {**os.environ, "HELD_KEY": "environment", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "('SOME_KEY', 'R1ROUTER_K') a b environment None"


def test_the_file_that_init_writes_holds_defaults_and_examples_that_are_taken(elsewhere: Path) -> None:
    assert call("init", "--kbs", "mine").exit_code == 0
    file = elsewhere / "r1router.toml"
    first = settle(COMMANDS, find())
    said = {setting.option.name: setting.value for setting in first if setting.source}
    assert said == {"kbs": str(elsewhere / "mine")}
    file.write_text(re.sub(r"^# (?=[a-z_]+ = )", "", file.read_text(), flags=re.MULTILINE))
    every = {setting.option.name for setting in settle(COMMANDS, find()) if setting.source}
    assert {"policy", "max_tokens", "index.as", "serve.port", "eval.out"} <= every
    again = call("init")
    assert again.exit_code == 1
    assert isinstance(again.exception, InputError)


def test_a_shared_option_reaches_every_command_that_has_it(elsewhere: Path) -> None:
    (elsewhere / "r1router.toml").write_text('kbs = "mine"\nmethod = "cot"\n')
    made = make_default_map(settle(COMMANDS, find()))
    assert made["ask"] == {"kbs": str(elsewhere / "mine"), "method": "cot"}
    assert made["eval"]["methods"] == ["cot"]
    assert made["kb"]["search"] == {"kbs": str(elsewhere / "mine")}
    assert "kbs" not in made.get("demo", {})  # which builds its own


def test_a_settings_file_that_is_named_must_be_there() -> None:
    told = call("--config", "nowhere.toml", "methods")
    assert isinstance(told.exception, InputError) or told.exit_code == 2


def test_the_module_runs_as_the_command_does() -> None:
    line = [sys.executable, "-m", "r1router", "--version"]
    done = subprocess.run(line, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True)
    assert done.returncode == 0


def test_the_page_of_settings_has_every_shared_variable_and_the_source_reads_no_other() -> None:
    """`UPDATE_GOLDEN=1 pytest` writes the table anew."""
    others = {
        "R1ROUTER_CONFIG": ("`--config`", "the nearest", "File of settings."),
        "R1ROUTER_CACHE": ("", "the user's cache folder", "Where models are kept that were fetched or made once."),
        "R1ROUTER_KB_MEMORY": (
            "",
            "`256`",
            "Megabytes for the vectors of a folder's knowledge base; what needs more [stays on disk](scale.md).",
        ),
    }
    rows = ["| variable | key of the file | default | meaning |", "|---|---|---|---|"]
    options = [option for option in list_options(COMMANDS) if not option.command]
    for option in options:
        default = option.parameter.default
        shown = "" if default is None else f"`{default}`"
        rows.append(f"| `{option.variable}` | `{option.key}` | {shown} | {option.parameter.help} |")
    rows += [f"| `{name}` | {key} | {default} | {meaning} |" for name, (key, default, meaning) in others.items()]
    page = ROOT / "docs" / "settings.md"
    wanted = re.sub(
        r"(<!-- table -->\n).*?(<!-- end -->)",
        lambda found: found[1] + "\n".join(rows) + "\n" + found[2],
        page.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(wanted, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == wanted
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    read = set(re.findall(r'"(R1ROUTER_[A-Z_]+)"', source))
    assert read <= {option.variable for option in options} | others.keys() | {"R1ROUTER_KEY"}


def test_a_location_stays_as_it_is_and_its_password_is_not_shown(elsewhere: Path) -> None:
    (elsewhere / "r1router.toml").write_text('kbs = "postgresql://ann:s3cret@db/team?password=s3cret&schema=a"\n')
    [setting] = [setting for setting in settle(COMMANDS, find()) if setting.option.name == "kbs"]
    assert setting.value == "postgresql://ann:s3cret@db/team?password=s3cret&schema=a"
    assert held("kbs")[0] == "postgresql://ann@db/team?schema=a"
    assert "s3cret" not in call("config").output
