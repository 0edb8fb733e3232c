"""What the Containerfile and compose.yaml name is there: files, extras, commands, ports, keys, the policy."""

from __future__ import annotations

import asyncio
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from r1router.api import Setup
from r1router.cli import app
from r1router.policies import open_policy
from r1router.policies.scripted import Scripted
from r1router.serve.app import create_app
from test_readme import without_effect

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LINES = [
    line.partition(" ")[::2]
    for line in (ROOT / "Containerfile").read_text().splitlines()
    if line and not line.startswith("#")
]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVER, VLLM = COMPOSE["services"]["r1router"], COMPOSE["services"]["vllm"]


def said(instruction: str) -> list[str]:
    return [rest for name, rest in LINES if name == instruction]


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for line in said("ENV") for pair in line.split())


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Words of a command to the options that it would run with."""
    for name, value in {**environment(), **SERVER["environment"]}.items():
        monkeypatch.setenv(name, value)

    def parse(words: list[str]) -> dict[str, Any]:
        root = without_effect(typer.main.get_command(app))
        root.main(words, prog_name="r1router", standalone_mode=False)
        command = root.commands[words[0]]  # type: ignore[attr-defined]
        with command.make_context(words[0], words[1:]) as context:
            return dict(context.params)

    return parse


def test_the_commands_of_both_files_parse(parsed: Any) -> None:
    [[program]], [command] = map(json.loads, said("ENTRYPOINT")), map(json.loads, said("CMD"))
    assert program in PROJECT["scripts"]
    assert command == SERVER["command"]
    options = parsed(command)
    assert options["kbs"] == environment()["R1ROUTER_KBS"]
    assert options["policy"] == SERVER["environment"]["R1ROUTER_POLICY"]
    assert (options["host"], str(options["port"])) == ("0.0.0.0", said("EXPOSE")[0])
    assert options["api_key_env"] in SERVER["environment"]


def test_the_container_is_built_of_what_is_there() -> None:
    copied = [name for line in said("COPY") for name in line.split()[:-1]]
    assert all((ROOT / name).exists() for name in copied)
    assert {PROJECT["readme"], *PROJECT["license-files"], "src", "pyproject.toml"} <= set(copied)
    [extras] = re.findall(r"'\.\[([\w,]+)\]'", "\n".join(said("RUN")))
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])


def test_it_runs_as_a_user_with_volumes_of_its_own_and_is_asked_for_its_health(tmp_path: Path) -> None:
    assert said("USER") == ["r1router"]
    [volumes] = map(json.loads, said("VOLUME"))
    assert set(volumes) == {environment()["R1ROUTER_KBS"], environment()["R1ROUTER_CACHE"]}
    assert {volume.partition(":")[2] for volume in SERVER["volumes"]} <= set(volumes)
    [port, path] = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", said("HEALTHCHECK")[0])[0]
    assert port == said("EXPOSE")[0]
    assert path in create_app(Setup(kbs=tmp_path, policy=Scripted([]))).openapi()["paths"]


def test_the_policy_of_compose_opens_and_is_the_model_that_vllm_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = SERVER["environment"]["R1ROUTER_POLICY"]
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    asyncio.run(open_policy(spec).close())
    assert spec == f"openai:{VLLM['command'][1]}@http://vllm:8000/v1?constrain=vllm"
    assert VLLM["command"][0] == "--model"


def test_keys_come_from_outside_and_only_this_machine_is_listened_to() -> None:
    keys = {**SERVER["environment"], **VLLM["environment"]}
    assert all(":?" in value for name, value in keys.items() if name.endswith("KEY"))
    assert keys["OPENAI_API_KEY"] == keys["VLLM_API_KEY"]
    assert all(port.startswith("127.0.0.1:") for port in SERVER["ports"])
    assert "ports" not in VLLM
