"""`r1router train …` and the files that launch it on several processes."""

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import pytest
from typer.testing import CliRunner

from policy_backends import tiny_llama
from r1router.cli import app, train_options
from r1router.cli.train_dpo import dpo as dpo_command
from r1router.cli.train_grpo import grpo as grpo_command
from r1router.cli.train_sample import sample as sample_command
from r1router.cli.train_sft import sft as sft_command
from r1router.errors import InputError
from r1router.train.grpo.settings import GrpoSettings
from r1router.train.sampled.settings import SampleSettings
from r1router.train.settings import SHORT, DpoSettings, SftSettings
from r1router.train.steps.step_file import Gold, TrainingStep, write_steps
from r1router.types import Card

# What TRL and PEFT call of transformers' is about to be renamed.
pytestmark = pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.* is deprecated:FutureWarning")

RECIPES = Path(__file__).parent.parent / "recipes"


def run(*words: object):
    return CliRunner().invoke(app, ["train", *map(str, words)])


@pytest.fixture
def steps(tmp_path):
    cards = (Card("text", "text", "Passages"), Card("table", "table", "Tables"))
    gold = Gold("", "Where is it?", "text")
    write_steps(
        (TrainingStep(f"q{n}/0/plan", "plan", f"Q{n}?", kbs=cards, gold=gold) for n in range(4)), tmp_path / "s.jsonl"
    )
    return tmp_path / "s.jsonl"


@pytest.mark.parametrize(
    ("command", "settings", "elsewhere"),
    [
        (grpo_command, GrpoSettings, {"rewards", "rehearse", "watch", "decisions", "prompts", "kbs"}),
        (sft_command, SftSettings, {"prompts"}),
        (dpo_command, DpoSettings, {"prompts", "vary_cards"}),
        (sample_command, SampleSettings, {"policy", "prompts", "rewards", "kbs"}),
    ],
)
def test_a_command_has_every_setting_of_its_stage_with_the_same_default_and_its_words(command, settings, elsewhere):
    offered = inspect.signature(command).parameters
    told = " ".join(run(command.__name__, "--help").output.split())
    for field in fields(settings):
        if field.name not in elsewhere:
            assert offered[field.name].default == field.default
            assert f"--{field.name.replace('_', '-')} " in told.replace("/", " ")
            assert field.metadata["help"].split(".")[0].split(";")[0].split(",")[0] in told


@pytest.mark.parametrize(("option", "value"), [("--samples", 1), ("--best", 1.5), ("--temperature", 0), ("--lora", -1)])
def test_a_setting_out_of_its_bounds_is_refused(steps, tmp_path, option, value):
    said = run("grpo", steps, "--out", tmp_path / "run", option, value)
    assert said.exit_code == 2
    assert option in said.output


SIZES = ("--samples", 2, "--groups", 2, "--optimizer-steps", 1, "--max-tokens", 4, "--lora", 4)


def test_a_run_from_the_command_line_says_where_the_adapter_is_and_what_comes_next(steps, tmp_path):
    pytest.importorskip("trl")
    base = tiny_llama(tmp_path / "base")
    out = tmp_path / "run"
    said = run("grpo", steps, "--out", out, "--base", base, "--reward", "format=0.5", "--reward", "route=1", *SIZES)
    assert said.exit_code == 0, said.output
    assert f"trained: {out / 'adapter'}" in said.output
    assert f"next: r1router train export {out / 'adapter'} --base {base} --form merged --out FOLDER" in said.output
    assert json.loads((out / "run.json").read_text())["settings"]["rewards"] == [["format", 0.5], ["route", 1.0]]


@pytest.mark.parametrize("rank", [4, 0])
def test_the_next_stage_goes_on_from_what_sft_has_trained_with_the_prompts_of_that(steps, tmp_path, rank):
    pytest.importorskip("trl")
    base, first, second = tiny_llama(tmp_path / "base"), tmp_path / "sft", tmp_path / "grpo"
    prompts = shutil.copytree(SHORT, tmp_path / "my prompts")
    one = ("--batch", 2, "--accumulate", 1, "--optimizer-steps", 1, "--lora", rank, "--prompts", prompts)
    said = run("sft", steps, "--out", first, "--base", base, *one)
    assert said.exit_code == 0, said.output
    weights = ("--base", base, "--adapter", first / "adapter") if rank else ("--base", first / "adapter")
    assert f"next: r1router train grpo STEPS {' '.join(map(str, weights))} --out RUN" in said.output
    said = run("grpo", steps, "--out", second, *weights, "--reward", "format=1", "--beta", 0, *SIZES)
    assert said.exit_code == 0, said.output
    assert json.loads((second / "run.json").read_text())["settings"]["prompts"]["name"] == "prompts"
    assert (second / "adapter" / "prompts" / "set.toml").read_text() == (prompts / "set.toml").read_text()


@pytest.mark.parametrize(
    ("base", "trained", "then"),
    [
        ("my model.gguf", "adapter", ["--base", "my model.gguf"]),
        ("my model.gguf", "whole", ["--base", "my model.gguf", "--form", "q8_0"]),
        ("org/name", "whole", ["--base", "org/name", "--form", "merged"]),
    ],
)
def test_a_result_is_exported_in_a_form_that_its_base_allows(tmp_path, base, trained, then):
    if trained == "adapter":
        (tmp_path / "adapter_config.json").touch()
    assert train_options.write_export_command(tmp_path, base) == ["export", str(tmp_path), *then, "--out", "FOLDER"]


def test_online_training_without_knowledge_bases_says_what_is_missing(steps, tmp_path):
    said = run("grpo", steps, "--out", tmp_path / "run", "--online", "--kbs", tmp_path / "none")
    assert isinstance(said.exception, InputError)
    assert "--kbs" in str(said.exception)


@pytest.mark.parametrize("option", ["--best", "--steps-per-question", "--k", "--kbs"])
def test_an_option_of_online_training_is_not_ignored_without_it(steps, tmp_path, option):
    said = run("grpo", steps, "--out", tmp_path / "run", option, 1)
    assert isinstance(said.exception, InputError)
    assert str(said.exception) == f"{option} is for --online; give that too, or leave it out"


def test_the_scores_are_written_into_a_folder_that_is_not_there_yet(steps, tmp_path):
    (tmp_path / "script.jsonl").write_text('"I do not know."\n' * 4)
    said = run(
        "evaluate",
        steps,
        "--policy",
        f"scripted:{tmp_path / 'script.jsonl'}",
        "--json",
        tmp_path / "new" / "scores.json",
    )
    assert said.exit_code == 0, said.output
    assert len(json.loads((tmp_path / "new" / "scores.json").read_text())["replies"]) == 4


@pytest.mark.parametrize("file", sorted((RECIPES / "accelerate").glob("*.yaml")), ids=lambda path: path.stem)
def test_accelerate_reads_the_file_as_what_it_is_named(file):
    pytest.importorskip("accelerate")
    from accelerate.commands.config.config_args import load_config_from_file

    found = load_config_from_file(str(file))
    kinds = {"deepspeed_zero2": "DEEPSPEED", "fsdp": "FSDP", "multi_gpu": "MULTI_GPU", "two_cpu_processes": "MULTI_CPU"}
    assert str(found.distributed_type.value) == kinds[file.stem]
    assert found.num_processes == 2


STANDS_IN = """#!/bin/sh
# For r1router: writes down how it was called, and makes what the recipe looks for.
echo "$*" >> "$CALLS"
for word; do
  case $before in
    --out) mkdir -p "$word/adapter"; [ "$2" != export ] || touch "$word/lora.gguf" ;;
    --json) echo '{"scores": {"policy": {"scores": {}}}}' > "$word" ;;
  esac
  before=$word
done
"""


def stand_in(tmp_path) -> dict[str, str]:
    """The environment in which `r1router` is a script that writes down how it was called, in `calls`."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "r1router").write_text(STANDS_IN)
    (tmp_path / "bin" / "r1router").chmod(0o755)
    path = f"{tmp_path / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "CALLS": str(tmp_path / "calls"), "SEEDS": "0"}


def test_the_ablation_on_a_gpu_trains_each_variant_with_every_seed_and_judges_none(tmp_path):
    given = stand_in(tmp_path) | {"SEEDS": "0 1", "JOBS": "1", "GRPO_STEPS": "7"}
    words = [str(RECIPES / "gpu_ablation.sh"), "train.jsonl", "dev.jsonl", str(tmp_path / "runs")]
    said = subprocess.run(["bash", *words], env=given, check=True, capture_output=True, text=True).stdout
    assert "ended early" not in said
    calls = [line.split() for line in (tmp_path / "calls").read_text().splitlines()]
    assert {call[1] for call in calls} == {"sft", "grpo"}
    trained = {Path(call[call.index("--out") + 1]).name for call in calls}
    variants = ("sft", "longer", "outcome", "paper", "offline", "online", "plain", "forget", "start", "sampled")
    assert trained == {f"{variant}-{seed}" for variant in variants for seed in (0, 1)}
    assert all(call[call.index("--optimizer-steps") + 1] == "7" for call in calls if call[1] == "grpo")
    assert all(call[call.index("--save-minutes") + 1] == "1" for call in calls if call[1] == "grpo")


def test_the_ablation_leaves_it_to_each_run_to_know_its_settings_and_judges_again_what_was_trained_again(tmp_path):
    given = stand_in(tmp_path)

    def called():
        calls = tmp_path / "calls"
        calls.unlink(missing_ok=True)
        words = ["bash", str(RECIPES / "ablation_step_grpo.sh"), "train.jsonl", "dev.jsonl", str(tmp_path / "runs")]
        subprocess.run(words, env=given, check=True)
        return [line.split()[1] for line in calls.read_text().splitlines()]

    assert sorted(called()) == sorted(["evaluate", *["export", "evaluate"] * 10, *["sft"] * 2, *["grpo"] * 8])
    assert called() == ["sft", "sft", *["grpo"] * 8]
    later = time.time() + 1
    os.utime(tmp_path / "runs" / "offline-0" / "adapter", (later, later))
    assert called() == ["sft", "sft", *["grpo"] * 3, "export", "evaluate", *["grpo"] * 5]


def test_the_commands_for_larger_models_have_only_options_that_there_are():
    page = (RECIPES.parent / "docs" / "large-models.md").read_text(encoding="utf-8").replace("\\\n", " ")
    commands = re.findall(r"r1router train (\w+) ([^\n]*)", page)
    written = [(name, option) for name, rest in commands for option in re.findall(r"--[a-z-]+", rest.split("`")[0])]
    assert len(written) > 40
    told = {name: run(name, "--help").output for name, _ in commands}
    assert [(name, option) for name, option in written if f"{option} " not in told[name]] == []
