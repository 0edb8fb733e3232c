"""SFT on TRL and PEFT: what is imitated, where it goes on, what a run's folder tells."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from policy_backends import tiny_llama, tiny_llava
from r1router.errors import InputError, R1RouterError
from r1router.parse import NO_ROUTE
from r1router.train import run_folder
from r1router.train.settings import SHORT, SftSettings
from r1router.train.steps.step_file import Gold, Past, TrainingStep, write_steps
from r1router.types import Card, Evidence
from small_llama import write_small_llama

CARDS = (Card("text", "text", "Passages"), Card("table", "table", "Tables"))
PAST = (Past("Where is it?", "Peru", "text"),)
STEPS = [
    TrainingStep("q/0/plan", "plan", "Where is it?", kbs=CARDS, gold=Gold("Hm.", "Where is it?", "text")),
    TrainingStep("q/1/plan", "plan", "Where is it?", history=PAST, kbs=CARDS, gold=Gold(route=NO_ROUTE)),
    TrainingStep("q/1/final", "final", "Where is it?", history=PAST, gold=Gold(answers=("Peru",))),
]


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    write_steps(STEPS, tmp_path / "steps.jsonl")
    return tmp_path / "steps.jsonl"


# ── the folder of a run; no torch needed ───────────────────────────────────────────────────────


def checkpoint(run: Path, step: int, **state: Any) -> Path:
    """As the trainer leaves one."""
    made = run / f"checkpoint-{step}"
    made.mkdir()
    known = {"global_step": step, "max_steps": 100, "best_model_checkpoint": None, "log_history": []}
    (made / "trainer_state.json").write_text(json.dumps(known | state))
    return made


def open_run(run: Path, *files: Path, **settings: Any) -> None:
    run_folder.open_run(run, method="sft", settings=SftSettings(**settings), files=files)


def test_a_run_s_folder_tells_settings_data_and_versions(steps: Path, tmp_path: Path) -> None:
    (tmp_path / "base.gguf").write_text("weights")
    open_run(tmp_path / "run", steps, seed=1, base=str(tmp_path / "base.gguf"))
    told = json.loads((tmp_path / "run" / "run.json").read_text())
    assert told["method"] == "sft"
    assert told["settings"].keys() == {field.name for field in fields(SftSettings)}
    assert (told["settings"]["seed"], told["settings"]["base"]["name"]) == (1, "base.gguf")
    assert told["settings"]["prompts"]["name"] == "short"
    assert told["data"] == [{"name": "steps.jsonl", "sha256": hashlib.sha256(steps.read_bytes()).hexdigest()}]
    assert {"python", "r1router"} <= told["versions"].keys()
    assert str(tmp_path) not in json.dumps(told)


def test_a_run_is_taken_up_with_the_same_settings_and_data_only(steps: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    open_run(run, steps, seed=1)
    checkpoint(run, 1)
    open_run(run, steps, seed=1)
    with pytest.raises(InputError, match="seed was 1"):
        open_run(run, steps, seed=2)
    with pytest.raises(InputError, match="prompts was short"):
        open_run(run, steps, seed=1, prompts=str(SHORT.parent / "default"))
    steps.write_text(steps.read_text() + "\n")
    with pytest.raises(InputError, match=r"the steps were steps\.jsonl"):
        open_run(run, steps, seed=1)


def test_a_run_goes_on_where_it_and_all_that_it_reads_were_moved(steps: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    weights = write_small_llama(here / "base.gguf")
    (here / "adapter").mkdir()
    (here / "adapter" / "adapter_model.safetensors").write_text("weights")
    shutil.copytree(SHORT, here / "prompts")
    steps = steps.rename(here / "steps.jsonl")

    def open_in(place: Path) -> None:
        base, adapter, prompts = (str(place / name) for name in (weights.name, "adapter", "prompts"))
        open_run(place / "run", place / steps.name, base=base, adapter=adapter, prompts=prompts)

    open_in(here)
    checkpoint(here / "run", 1)
    here.rename(there)
    open_in(there)
    (there / "adapter" / "adapter_model.safetensors").write_text("other weights")
    with pytest.raises(InputError, match=r"adapter was adapter \([0-9a-f]{12}\)"):
        open_in(there)


def test_a_run_that_has_trained_nothing_takes_other_settings(steps: Path, tmp_path: Path) -> None:
    for seed in (1, 2):
        open_run(tmp_path / "run", steps, seed=seed)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["settings"]["seed"] == 2
    (tmp_path / "run" / "adapter").mkdir()
    with pytest.raises(InputError, match="seed was 2"):
        open_run(tmp_path / "run", steps, seed=3)


def test_a_folder_of_something_else_is_left_alone(steps: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not empty and holds no training run"):
        open_run(tmp_path, steps)


def test_the_last_complete_checkpoint_is_taken(tmp_path: Path) -> None:
    for step in (2, 10):
        checkpoint(tmp_path, step)
    (tmp_path / "checkpoint-12").mkdir()  # killed while it was written
    assert run_folder.find_last_checkpoint(tmp_path) == tmp_path / "checkpoint-10"


def test_the_best_checkpoint_is_found_in_a_folder_that_was_moved(tmp_path: Path) -> None:
    checkpoint(tmp_path, 1)
    checkpoint(tmp_path, 2)
    assert run_folder.find_best_checkpoint(tmp_path) is None
    checkpoint(tmp_path, 3, best_model_checkpoint="elsewhere/checkpoint-2")
    assert run_folder.find_best_checkpoint(tmp_path) == tmp_path / "checkpoint-2"


def test_the_result_is_a_checkpoint_s_weights_with_their_prompts_and_not_what_the_trainer_goes_on_from(
    tmp_path: Path,
) -> None:
    made, prompts = checkpoint(tmp_path, 3), tmp_path / "set"
    prompts.mkdir()
    (prompts / "next_step.j2").write_text("### user\n")
    for name in ("adapter_model.safetensors", "tokenizer.json", "optimizer.pt", "rng_state_0.pth", "scheduler.pt"):
        (made / name).write_text("")
    (made / "ref").mkdir()
    (tmp_path / "adapter.part" / "ref").mkdir(parents=True)  # of a run that was killed
    assert run_folder.find_result(tmp_path) is None
    assert run_folder.keep_result(made, prompts, tmp_path) == run_folder.find_result(tmp_path) == tmp_path / "adapter"
    kept = {str(path.relative_to(tmp_path / "adapter")) for path in (tmp_path / "adapter").rglob("*")}
    assert kept == {"adapter_model.safetensors", "tokenizer.json", "prompts", "prompts/next_step.j2"}
    assert not (tmp_path / "adapter.part").exists()
    with pytest.raises(R1RouterError, match="no optimizer step was done"):
        run_folder.keep_result(None, prompts, tmp_path)


@pytest.mark.parametrize(("reached", "trained"), [(2, False), (3, True)])
def test_a_run_is_trained_when_its_last_step_was_done(tmp_path: Path, reached: int, trained: bool) -> None:
    assert not run_folder.is_trained(tmp_path)
    checkpoint(tmp_path, reached, max_steps=3)
    assert run_folder.is_trained(tmp_path) == trained
    (tmp_path / "adapter").mkdir()  # earlier than that where it collapsed
    assert run_folder.is_trained(tmp_path)


# ── training ───────────────────────────────────────────────────────────────────────────────────

torch = pytest.importorskip("torch", reason="training is an extra")
pytest.importorskip("trl", reason="training is an extra")

from r1router.train import sft  # noqa: E402  # after the skips
from r1router.train.weights.load import count_tokens, load_model  # noqa: E402

warned = [
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.*"),
    pytest.mark.filterwarnings("ignore::FutureWarning:torch.*"),
]
pytestmark = warned


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("tiny"))


def settings(base: Path, **more: Any) -> SftSettings:
    small: dict[str, Any] = {"optimizer_steps": 2, "batch": 2, "accumulate": 1, "save_every": 1, "lora": 4}
    return SftSettings(base=str(base), **(small | more))


def logged(run: Path) -> list[dict[str, Any]]:
    last = run_folder.find_last_checkpoint(run)
    assert last is not None
    return list(json.loads((last / "trainer_state.json").read_text())["log_history"])


def test_a_run_leaves_an_adapter_with_its_prompts(base: Path, steps: Path, tmp_path: Path) -> None:
    adapter = sft.run([steps], tmp_path / "run", settings(base))
    assert (adapter / "adapter_model.safetensors").is_file()
    last = run_folder.find_last_checkpoint(tmp_path / "run") or tmp_path
    for made in (adapter, last):  # a checkpoint too, which may be exported while the run goes on
        assert {p.name for p in SHORT.iterdir()} == {p.name for p in (made / "prompts").iterdir()}


def test_what_is_imitated_is_learned(base: Path, steps: Path, tmp_path: Path) -> None:
    sft.run([steps], tmp_path / "run", settings(base, optimizer_steps=20, learning_rate=2e-2, save_every=20, lora=16))
    losses = [log["loss"] for log in logged(tmp_path / "run") if "loss" in log]
    assert losses[-1] < losses[0] - 0.5


def test_a_run_that_was_cut_short_goes_on_to_the_same_weights(base: Path, steps: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    whole = sft.run([steps], tmp_path / "whole", settings(base, optimizer_steps=3))
    for name in ("checkpoint-2", "checkpoint-3"):  # save_total_limit keeps two
        assert (tmp_path / "whole" / name).is_dir()
    cut = tmp_path / "cut"
    sft.run([steps], cut, settings(base, optimizer_steps=3))
    (cut / "checkpoint-3" / "trainer_state.json").unlink()  # as a kill leaves a checkpoint that is half written
    shutil.rmtree(cut / "adapter")
    again = sft.run([steps], cut, settings(base, optimizer_steps=3))
    one, other = (load_file(adapter / "adapter_model.safetensors") for adapter in (whole, again))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("length", [{"optimizer_steps": 3}, {"optimizer_steps": -1, "epochs": 1.5}])
def test_a_run_that_is_done_trains_no_step_more(
    base: Path, steps: Path, tmp_path: Path, length: dict[str, Any]
) -> None:
    out = tmp_path / "run"  # 3 rows, 2 steps an epoch: the last step is in the middle of one
    weights = sft.run([steps], out, settings(base, **length)) / "adapter_model.safetensors"
    last, first = run_folder.find_last_checkpoint(out), weights.stat()
    assert last == out / "checkpoint-3"
    sft.run([steps], out, settings(base, **length))
    assert (run_folder.find_last_checkpoint(out), weights.stat()) == (last, first)
    trained = weights.read_bytes()
    shutil.rmtree(out / "adapter")  # as a kill leaves a run whose last step was done
    assert sft.run([steps], out, settings(base, **length)) == out / "adapter"
    assert run_folder.find_last_checkpoint(out) == last
    assert weights.read_bytes() == trained


def test_training_goes_on_from_an_earlier_adapter(base: Path, steps: Path, tmp_path: Path) -> None:
    first = sft.run(
        [steps], tmp_path / "one", settings(base, optimizer_steps=10, learning_rate=2e-2, lora=16, save_every=10)
    )
    sft.run([steps], tmp_path / "two", settings(base, adapter=str(first), optimizer_steps=5, save_every=5))
    before, after = ([log["loss"] for log in logged(tmp_path / name) if "loss" in log] for name in ("one", "two"))
    assert after[0] < before[0]
    with pytest.raises(InputError, match="cannot put the adapter"):
        sft.run([steps], tmp_path / "three", settings(base, adapter=str(tmp_path)))


def test_only_the_upper_layers_are_trained_where_asked(base: Path, steps: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    adapter = sft.run([steps], tmp_path / "run", settings(base, layers=1))
    trained = {
        name.partition(".layers.")[2].partition(".")[0] for name in load_file(adapter / "adapter_model.safetensors")
    }
    assert trained == {"1"}
    with pytest.raises(InputError, match="the model has 2 layers; 3 of them"):
        sft.run([steps], tmp_path / "more", settings(base, layers=3))


def test_steps_without_a_gold_reply_are_left_out_and_counted(
    base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    unread = TrainingStep(
        "r/0/answer", "answer", "q", sub_question="What?", gold=Gold(answers=("far",)),
        evidence=(Evidence("text", "1", "A long sentence without it, " * 60 + "and then far."),),
    )  # fmt: skip
    unknown = replace(STEPS[2], id="s/1/final", gold=Gold())
    write_steps([*STEPS, unread, unknown], tmp_path / "steps.jsonl")
    with caplog.at_level(logging.WARNING, "r1router"):
        sft.run([tmp_path / "steps.jsonl"], tmp_path / "run", settings(base, optimizer_steps=1))
    assert "1 of 5 steps left out: no gold reply" in caplog.text
    assert "1 of 5 steps left out: the answer is not in what the prompt shows" in caplog.text


def test_nothing_left_to_train_on_is_an_error(base: Path, steps: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no step is left to train on"):
        sft.run([steps], tmp_path / "run", settings(base, max_tokens=3))


def test_rows_that_the_passes_cannot_share_are_refused(base: Path, steps: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a batch of 16 rows cannot be shared by 3 batches of 1 processes"):
        sft.run([steps], tmp_path / "run", settings(base, batch=16, accumulate=3))
    assert not (tmp_path / "run").exists()


# ── models that see ────────────────────────────────────────────────────────────────────────────


def test_a_model_that_sees_learns_without_pictures_where_there_is_no_folder_of_them(
    steps: Path, tmp_path: Path
) -> None:
    write_steps([replace(step, picture="peru.png") for step in STEPS], steps)
    adapter = sft.run([steps], tmp_path / "run", settings(tiny_llava(tmp_path / "base"), optimizer_steps=1))
    assert (adapter / "adapter_model.safetensors").is_file()


def test_a_model_that_reads_text_alone_is_not_trained_on_pictures(base: Path, steps: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"reads text alone.*leave out --pictures"):
        sft.run([steps], tmp_path / "run", settings(base), pictures=tmp_path)


def test_tokens_are_counted_by_a_processor_as_by_a_tokenizer(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "Where is it?"}]
    for make in (tiny_llama, tiny_llava):
        _, tokenizer = load_model(str(make(tmp_path / make.__name__)))
        assert count_tokens(tokenizer, said) == len("1user\nWhere is it?1\n1assistant")
