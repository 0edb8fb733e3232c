"""`r1router train …` and the files that launch it on several processes."""

import inspect
from dataclasses import fields
from pathlib import Path

import pytest
from typer.testing import CliRunner

from policy_backends import tiny_llama
from r1router.cli import app
from r1router.cli.train_grpo import grpo as grpo_command
from r1router.cli.train_sft import sft as sft_command
from r1router.errors import InputError
from r1router.train import grpo, sft
from r1router.train.steps import Gold, StepRow, write_steps
from r1router.types import Card

# What TRL and PEFT call of transformers' is about to be renamed.
pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.* is deprecated:FutureWarning")

RECIPES = Path(__file__).parent.parent / "recipes" / "accelerate"


def run(*words: object):
    return CliRunner().invoke(app, ["train", *map(str, words)])


@pytest.fixture
def steps(tmp_path):
    cards = (Card("text", "text", "Passages"), Card("table", "table", "Tables"))
    gold = Gold("", "Where is it?", "text")
    write_steps(
        (StepRow(f"q{n}/0/plan", "plan", f"Q{n}?", kbs=cards, gold=gold) for n in range(4)), tmp_path / "s.jsonl"
    )
    return tmp_path / "s.jsonl"


@pytest.mark.parametrize(
    ("command", "settings", "elsewhere"),
    [(grpo_command, grpo.Settings, {"rewards", "prompts", "kbs"}), (sft_command, sft.Settings, {"prompts"})],
)
def test_a_command_has_every_setting_of_its_stage_with_the_same_default(command, settings, elsewhere):
    offered = {name: p.default for name, p in inspect.signature(command).parameters.items()}
    wanted = {field.name: field.default for field in fields(settings) if field.name not in elsewhere}
    assert {name: offered[name] for name in wanted} == wanted


def test_a_run_from_the_command_line_says_where_the_adapter_is(steps, tmp_path):
    pytest.importorskip("trl")
    base = tiny_llama(tmp_path / "base")
    out = tmp_path / "run"
    sizes = ("--samples", 2, "--groups", 2, "--max-steps", 1, "--max-tokens", 4, "--lora", 4)
    said = run("grpo", steps, "--out", out, "--base", base, "--reward", "format=0.5", "--reward", "route=1", *sizes)
    assert said.exit_code == 0, said.output
    assert f"trained: {out / 'adapter'}" in said.output
    assert '"rewards": "format=0.5 route=1"' in (out / "run.json").read_text()


def test_online_training_without_knowledge_bases_says_what_is_missing(steps, tmp_path):
    said = run("grpo", steps, "--out", tmp_path / "run", "--online", "--kbs", tmp_path / "none")
    assert isinstance(said.exception, InputError)
    assert "--kbs" in str(said.exception)


@pytest.mark.parametrize("file", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_accelerate_reads_the_file_as_what_it_is_named(file):
    pytest.importorskip("accelerate")
    from accelerate.commands.config.config_args import load_config_from_file

    found = load_config_from_file(str(file))
    kinds = {"deepspeed_zero2": "DEEPSPEED", "fsdp": "FSDP", "multi_gpu": "MULTI_GPU", "two_cpu_processes": "MULTI_CPU"}
    assert str(found.distributed_type.value) == kinds[file.stem]
    assert found.num_processes == 2
