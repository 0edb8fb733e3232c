"""Step-GRPO on TRL: advantages and loss by hand, offline and online runs, resuming, two processes."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import r1router as rr
from policy_backends import tiny_llama, tiny_llava
from r1router.errors import InputError, R1RouterError
from r1router.parse import NO_ROUTE
from r1router.prompts import Prompts
from r1router.train.rewards import load_rewards
from r1router.train.rewards._outcomes import read_outcome
from r1router.train.steps.render import render
from r1router.train.steps.step_file import Gold, Past, TrainingStep, write_steps
from r1router.types import Ask, Card, Evidence, Message

torch = pytest.importorskip("torch", reason="training is an extra")
tf = pytest.importorskip("transformers", reason="training is an extra")
pytest.importorskip("trl", reason="training is an extra")

from r1router.train.grpo import reward_functions, rollout_function, validation  # noqa: E402  # after the skips
from r1router.train.grpo.live_policy import encode, generate, read  # noqa: E402
from r1router.train.grpo.rollout_pool import Reading  # noqa: E402
from r1router.train.grpo.run import run  # noqa: E402
from r1router.train.grpo.settings import GrpoSettings  # noqa: E402
from r1router.train.settings import SHORT  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:You are using 'rollout_func':UserWarning"),
    # What TRL and PEFT call of transformers' and torch's is about to be renamed.
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.*"),
    pytest.mark.filterwarnings("ignore::FutureWarning:torch.*"),
]

CARDS = (Card("text", "text", "Passages"), Card("table", "table", "Tables"))


def step(asked: str, label: str) -> str:
    return f"<think>hm</think>\n<sub-question>{asked}</sub-question>\n<ret>{label}</ret>"


def steps(count: int = 4) -> list[TrainingStep]:
    past = (Past("Where is it?", "Peru", "text"),)
    found = []
    for n in range(count):
        plan, stop = Gold("", f"Where is {n}?", "text", ("p1",)), Gold(route=NO_ROUTE)
        found += [
            TrainingStep(f"q{n}/0/plan", "plan", f"Q{n}?", kbs=CARDS, gold=plan),
            TrainingStep(f"q{n}/1/plan", "plan", f"Q{n}?", history=past, kbs=CARDS, gold=stop),
            TrainingStep(f"q{n}/1/final", "final", f"Q{n}?", history=past, gold=Gold(answers=("Peru",))),
        ]
    return found


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def loaded(base: Path) -> tuple[Any, Any]:
    model = tf.AutoModelForCausalLM.from_pretrained(base)
    tokenizer = tf.AutoTokenizer.from_pretrained(base)
    tokenizer.padding_side = "left"
    return model, tokenizer


def file_of(rows: list[TrainingStep], folder: Path) -> Path:
    write_steps(rows, folder / "steps.jsonl")
    return folder / "steps.jsonl"


def settings(base: Path | str, **more: Any) -> GrpoSettings:
    small: dict[str, Any] = {
        "samples": 2,
        "groups": 2,
        "optimizer_steps": 2,
        "max_tokens": 6,
        "save_every": 1,
        "lora": 4,
        "beta": 0.01,
    }
    return GrpoSettings(base=str(base), **(small | {"rewards": (("format", 1.0), ("cost", 1.0))} | more))


def letters(outcomes: Any) -> list[float | None]:
    """A reward that the replies of a random model differ in."""
    return [float(len(set(outcome.reply))) for outcome in outcomes]


def history(out: Path) -> list[dict[str, Any]]:
    last = max(out.glob("checkpoint-*"), key=lambda path: int(path.name.partition("-")[2]))
    logs: list[dict[str, Any]] = json.loads((last / "trainer_state.json").read_text())["log_history"]
    return logs


# ── the model that is being trained, as a policy ───────────────────────────────────────────────


def ask(words: str) -> Ask:
    return Ask((Message("system", "Say it."), Message("user", words)), "final")


def test_a_batch_says_greedily_what_each_request_says_alone(loaded: tuple[Any, Any]) -> None:
    model, tokenizer = loaded
    asks = [ask("Why?"), ask("Why is it so, and not otherwise?"), ask("Who?")]
    together = generate(model, tokenizer, asks, max_tokens=8)
    alone = [generate(model, tokenizer, [one], max_tokens=8)[0] for one in asks]
    assert [reply.ids for reply in together] == [reply.ids for reply in alone]
    assert [reply.ids for reply in generate(model, tokenizer, asks, max_tokens=8, batch=2)] == [r.ids for r in alone]
    assert [reply.prompt_ids for reply in together] == [tuple(encode(tokenizer, one)) for one in asks]
    for reply in together:
        assert reply.text == tokenizer.decode(reply.ids, skip_special_tokens=True)
        assert reply.completion_tokens == len(reply.ids) == len(reply.logprobs)


def test_the_log_probabilities_are_those_of_the_tokens_that_were_sampled(loaded: tuple[Any, Any]) -> None:
    model, tokenizer = loaded
    torch.manual_seed(1)
    for reply in generate(model, tokenizer, [ask("Why?"), ask("Where in the world?")], temperature=0.7, max_tokens=8):
        ids = torch.tensor([[*reply.prompt_ids, *reply.ids]])
        with torch.no_grad():
            logits = model(ids).logits[0, len(reply.prompt_ids) - 1 : -1] / 0.7
        wanted = logits.log_softmax(-1).gather(1, torch.tensor(reply.ids)[:, None])[:, 0]
        assert torch.allclose(torch.tensor(reply.logprobs), wanted, atol=1e-4)


def test_a_reading_is_the_mean_probability_of_the_tokens_of_its_end(loaded: tuple[Any, Any]) -> None:
    model, tokenizer = loaded
    wanted = [Reading(ask("Why?"), "<a>", " Norway"), Reading(ask("Where in the world is that?"), "<a> ", "Peru")]
    for one, found in zip(wanted, read(model, tokenizer, wanted), strict=True):
        before = [*encode(tokenizer, one.ask), *tokenizer.encode(one.before, add_special_tokens=False)]
        said = tokenizer.encode(one.said, add_special_tokens=False)
        with torch.no_grad():
            logits = model(torch.tensor([[*before, *said]])).logits[0, len(before) - 1 : -1]
        by_hand = logits.log_softmax(-1).gather(1, torch.tensor(said)[:, None]).mean().exp()
        assert found == pytest.approx(by_hand.item(), rel=1e-4)


# ── advantages and loss, by hand ───────────────────────────────────────────────────────────────


def trainer_on(loaded: tuple[Any, Any], out: Path, replies: list[list[int]], said: list[str], **options: Any) -> Any:
    """A trainer whose groups of two are these token ids, which the rewards are told to read as these replies."""
    from datasets import Dataset
    from trl import GRPOConfig

    model, tokenizer = loaded
    options = {"beta": 0.0} | options
    rows = [row for row in steps(1) if row.kind == "plan"]
    labels = {"text": "text", "table": "table"}
    judged = [
        read_outcome(row, reply, routes=labels) for row, reply in zip([rows[0]] * 2 + [rows[1]] * 2, said, strict=True)
    ]

    def fixed(prompts: Any, trainer: Any) -> dict[str, Any]:
        nothing = [[0.0] * len(ids) for ids in replies]
        return {"prompt_ids": [[2, 3, 4]] * 4, "completion_ids": replies, "logprobs": nothing, "outcome": judged}

    weighted = load_rewards({"route": 0.5, "format": 0.1})
    built = validation.make_trainer_class([], max_tokens=4)(
        model=model,
        processing_class=tokenizer,
        reward_funcs=reward_functions.make_reward_functions(weighted, reward_functions.take_outcomes),
        train_dataset=Dataset.from_list([{"prompt": [{"role": "user", "content": name}]} for name in "ab"]),
        rollout_func=fixed,
        args=GRPOConfig(
            output_dir=str(out), per_device_train_batch_size=4, num_generations=2, reward_weights=[0.5, 0.1],
            max_steps=1, use_cpu=True, bf16=False, activation_checkpointing=False, report_to="none", **options,
        ),
    )  # fmt: skip
    built.model.train()
    built.current_gradient_accumulation_steps = 1
    return built


REPLIES = [[5, 6, 1], [7], [8, 9], [10, 11]]
SAID = [step("Where?", "text"), step("Where?", "table"), "nonsense", step("None", "None")]
"""Rewards 0.6 and 0.1 in the first group, 0 and 0.6 in the second: it should stop."""
BY_HAND = [
    0.25 / (math.sqrt(2) * 0.25 + 1e-4), -0.25 / (math.sqrt(2) * 0.25 + 1e-4),
    -0.3 / (math.sqrt(2) * 0.3 + 1e-4), 0.3 / (math.sqrt(2) * 0.3 + 1e-4),
]  # fmt: skip
"""(reward - mean) / (standard deviation of the group of two + 0.0001), about 0.707 and -0.707."""


@pytest.mark.parametrize(
    ("loss", "value"),
    [
        ("grpo", -sum(BY_HAND) / 4),  # every reply counts the same: nearly 0
        ("dapo", -(3 * BY_HAND[0] + 1 * BY_HAND[1] + 2 * BY_HAND[2] + 2 * BY_HAND[3]) / 8),  # every token does
    ],
)
def test_the_advantage_is_relative_to_the_step_s_own_group_and_the_loss_is_its_mean(
    loaded: tuple[Any, Any], tmp_path: Path, loss: str, value: float
) -> None:
    trainer = trainer_on(loaded, tmp_path, REPLIES, SAID, loss_type=loss)
    names = ["a", "a", "b", "b"]
    batch = trainer._generate_and_score_completions([{"prompt": [{"role": "user", "content": n}]} for n in names])
    assert batch["advantages"].tolist() == pytest.approx(BY_HAND, abs=1e-5)
    got = trainer._compute_loss(trainer.model, batch)
    assert got.item() == pytest.approx(value, abs=1e-5)

    # And it moves the weights as the policy gradient says: by advantage times the gradient of the log-probability.
    head = trainer.model.lm_head.weight
    (moved,) = torch.autograd.grad(got, head)
    by_hand = torch.zeros(())
    for ids, advantage in zip(REPLIES, BY_HAND, strict=True):
        logits = trainer.model(torch.tensor([[2, 3, 4, *ids]])).logits[0, 2:-1]
        logprobs = logits.log_softmax(-1).gather(1, torch.tensor(ids)[:, None])
        weight = 1 / (4 * len(ids)) if loss == "grpo" else 1 / 8
        by_hand = by_hand - advantage * weight * logprobs.sum()
    (wanted,) = torch.autograd.grad(by_hand, head)
    assert torch.allclose(moved, wanted, atol=1e-5)


def test_a_group_of_equals_teaches_nothing(loaded: tuple[Any, Any], tmp_path: Path) -> None:
    trainer = trainer_on(loaded, tmp_path, REPLIES, [SAID[0], SAID[0], "nonsense", "nonsense"])
    batch = trainer._generate_and_score_completions([{"prompt": [{"role": "user", "content": n}]} for n in "aabb"])
    assert batch["advantages"].tolist() == [0.0] * 4


# ── the functions that TRL calls ───────────────────────────────────────────────────────────────


def test_replies_are_read_once_for_all_rewards_and_the_readable_ones_counted() -> None:
    prompts = Prompts(SHORT)
    rows = [render(row, prompts) for row in steps(1)[:2]]
    logged: list[tuple[str, float]] = []
    route, form = reward_functions.make_reward_functions(
        load_rewards({"route": 1.0, "format": 1.0}), reward_functions.look_up_outcomes(rows, prompts)
    )
    said = [[{"role": "assistant", "content": text}] for text in (step("Where is 0?", "text"), "nonsense")]
    columns = {"completions": said, "completion_ids": [[1, 2], [3]], "step": ["q0/0/plan", "q0/1/plan"]}
    assert route(**columns, log_metric=lambda *of: logged.append(of), prompts=[]) == [1.0, 0.0]
    assert form(**columns, log_metric=lambda *of: logged.append(of), prompts=[]) == [1.0, 0.0]
    assert logged == [
        ("format_valid", 0.5),
        *(("rewards/route/plan", 1.0), ("rewards/route/stop", 0.0)),
        *(("rewards/format/plan", 1.0), ("rewards/format/stop", 0.0)),
    ]
    assert [route.__name__, form.__name__] == ["route", "format"]


# ── runs ───────────────────────────────────────────────────────────────────────────────────────


def test_an_offline_run_leaves_the_best_adapter_with_its_prompts_and_goes_on_where_it_stopped(
    base: Path, tmp_path: Path
) -> None:
    file = file_of(steps(), tmp_path)
    (held_out := tmp_path / "dev").mkdir()
    dev_file = file_of([row for row in steps(5) if row.id.startswith("q4")], held_out)
    out = tmp_path / "run"
    adapter = run([file], out, settings(base), dev_files=[dev_file])
    assert (adapter / "adapter_model.safetensors").exists()
    assert not (adapter / "ref").exists()
    assert (adapter / "prompts" / "next_step.j2").exists()
    logs = history(out)
    trained = [log for log in logs if "reward" in log]
    assert [log["step"] for log in trained] == [1, 2]
    assert {"kl", "entropy", "format_valid", "rewards/format/mean", "rewards/cost/mean"} <= trained[-1].keys()
    assert "eval_score" in logs[-1] | logs[-2]
    files, first = sorted(out.rglob("*")), (adapter / "adapter_model.safetensors").stat()
    assert run([file], out, settings(base), dev_files=[dev_file]) == adapter  # nothing is left to do
    assert sorted(out.rglob("*")) == files
    assert (adapter / "adapter_model.safetensors").stat() == first
    shutil.rmtree(adapter)  # as a kill leaves a run whose last step was done
    assert run([file], out, settings(base), dev_files=[dev_file]) == adapter
    assert sorted(out.rglob("*")) == files
    with pytest.raises(InputError, match="optimizer_steps was 2"):
        run([file], out, settings(base, optimizer_steps=3), dev_files=[dev_file])


def test_a_checkpoint_is_judged_by_all_that_is_watched(base: Path, tmp_path: Path) -> None:
    for name in ("own", "other"):
        (tmp_path / name).mkdir()
    own, other = file_of(steps(2), tmp_path / "own"), file_of(steps(3)[-1:], tmp_path / "other")
    watched = settings(base, watch=((str(other), 3.0),), rewards=(("format", 1.0),))
    run([own], tmp_path / "run", watched, dev_files=[own])
    (first, *_) = [log for log in history(tmp_path / "run") if "eval_score" in log]
    parts = validation.PARTS
    of_own = [first[f"eval_{name}"] for name in parts if f"eval_{name}" in first]
    assert first["eval_score"] == pytest.approx((sum(of_own) / len(of_own) + 3 * first["eval_steps/score"]) / 4)
    with pytest.raises(InputError, match="above 0"):
        run([own], tmp_path / "none", settings(base, watch=((str(other), 0.0),)), dev_files=[own])


def test_training_goes_on_from_the_adapter_of_an_earlier_stage(base: Path, tmp_path: Path) -> None:
    file = file_of(steps(2), tmp_path)
    first = run([file], tmp_path / "one", settings(base, optimizer_steps=1))
    more = settings(
        base, optimizer_steps=1, adapter=str(first), learning_rate=0.1, rewards=((f"{__name__}:letters", 1.0),)
    )
    second = run([file], tmp_path / "two", more)
    from safetensors.torch import load_file

    before, after = (load_file(folder / "adapter_model.safetensors") for folder in (first, second))
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name]) for name in before)
    still = run([file], tmp_path / "three", replace(more, adapter=str(second), learning_rate=0.0))
    same = load_file(still / "adapter_model.safetensors")
    assert all(torch.equal(after[name], same[name]) for name in after)


def knowledge() -> dict[str, Any]:
    passages = [Evidence("text", "p1", "Peru is in South America."), Evidence("text", "p2", "Bergen is rainy.")]
    return {
        "text": rr.MemoryKnowledgeBase(CARDS[0], passages),
        "table": rr.MemoryKnowledgeBase(CARDS[1], [Evidence("table", "t1", "Norway | 5.5")]),
    }


def test_an_online_run_trains_on_what_the_policy_saw(base: Path, tmp_path: Path, monkeypatch: Any) -> None:
    seen: list[tuple[tuple[int, ...], str]] = []
    kept = rollout_function.make_rollout_function

    def noting(pool: Any) -> Any:
        roll_out = kept(pool)

        def noted(prompts: Any, trainer: Any) -> Any:
            rolled = roll_out(prompts, trainer)
            for ids, outcome in zip(rolled["prompt_ids"], rolled["outcome"], strict=True):
                seen.append((tuple(ids), trainer.processing_class.decode(ids)))
                assert outcome.step.question in seen[-1][1]
            return rolled

        return noted

    monkeypatch.setattr(rollout_function, "make_rollout_function", noting)
    adapter = run(
        [file_of(steps(), tmp_path)],
        tmp_path / "run",
        settings(base, optimizer_steps=5, redraws=0, rewards=(("format", 1.0), ("cost", 1.0), ("answer_gain", 1.0))),
        kbs=knowledge(),
    )
    assert (adapter / "adapter_model.safetensors").exists()
    assert len(seen) == 5 * 2 * 2
    assert all(seen[place][0] == seen[place + 1][0] for place in range(0, len(seen), 2))  # the prompts of a group
    assert "Plan the next step" in seen[0][1]
    assert "cannot be used" in seen[4][1]  # a random model says nothing that can be read, and is asked again
    assert [log["step"] for log in history(tmp_path / "run") if "reward" in log] == [1, 2, 3, 4, 5]


def test_a_run_that_collapses_before_its_first_checkpoint_says_so(base: Path, tmp_path: Path) -> None:
    hopeless = settings(base, optimizer_steps=12, save_every=12, beta=0.0)
    with pytest.raises(R1RouterError, match=r"collapsed.*format_valid of the last 10 logs is 0, below 0.5"):
        run([file_of(steps(), tmp_path)], tmp_path / "run", hopeless)


def test_a_collapse_stays_one_when_the_command_is_repeated(base: Path, tmp_path: Path) -> None:
    hopeless = settings(base, optimizer_steps=12, save_every=5, beta=0.0)
    for _ in range(2):
        with pytest.raises(R1RouterError, match=r"collapsed.*format_valid of the last 10 logs is 0, below 0.5"):
            run([file_of(steps(), tmp_path)], tmp_path / "run", hopeless)
    assert (tmp_path / "run" / "checkpoint-10").exists()
    assert not (tmp_path / "run" / "checkpoint-12").exists()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"samples": 1}, "at least 2 samples"),
        ({"batch": 3}, "does not divide"),
        ({"groups": 64}, "not enough for 64 groups"),
        ({"processes": 2}, "2 processes were asked for and there is 1"),
        ({"base": "some.gguf", "lora": 0}, "take --beta 0"),
        ({"loss": "grop"}, "unknown loss 'grop'; did you mean 'grpo'"),
        ({"rewards": (("evidence", 1.0),)}, "no step is left to train on; see the reasons above"),
        ({"max_prompt": 3}, "no step is left to train on; see the reasons above"),
    ],
)
def test_settings_that_cannot_be_trained_with_are_refused(
    base: Path, tmp_path: Path, wrong: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        run([file_of(steps(), tmp_path)], tmp_path / "run", settings(**({"base": base} | wrong)))


def test_a_setting_that_was_refused_can_be_mended_in_the_same_folder(base: Path, tmp_path: Path) -> None:
    file = file_of(steps(1), tmp_path)
    with pytest.raises(InputError, match="not enough for 64 groups"):
        run([file], tmp_path / "run", settings(base, groups=64))
    assert run([file], tmp_path / "run", settings(base, optimizer_steps=1)).is_dir()


def test_a_model_that_sees_learns_without_pictures_where_there_is_no_folder_of_them(base: Path, tmp_path: Path) -> None:
    seen = file_of([replace(row, picture="peru.png") for row in steps(2)], tmp_path)
    adapter = run([seen], tmp_path / "run", settings(tiny_llava(tmp_path / "base"), optimizer_steps=1, beta=0.0))
    assert (adapter / "adapter_model.safetensors").exists()
    with pytest.raises(InputError, match=r"reads text alone.*leave out --pictures"):
        run([seen], tmp_path / "other", settings(base), pictures=tmp_path)


# ── processes ──────────────────────────────────────────────────────────────────────────────────


def script(folder: Path, base: Path, **more: Any) -> Path:
    """A program that trains on the steps in its folder."""
    file = folder / "train.py"
    file.write_text(
        textwrap.dedent(f"""
        from pathlib import Path
        from r1router.train.grpo.run import run
        from r1router.train.grpo.settings import GrpoSettings
        settings = {settings(base, **more)!r}
        run([Path({str(file_of(steps(), folder))!r})], Path({str(folder / "run")!r}), settings)
        """)
    )
    return file


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_that_is_killed_goes_on_from_its_last_checkpoint(base: Path, tmp_path: Path) -> None:
    program, out = script(tmp_path, base, optimizer_steps=6, format_valid=0.0), tmp_path / "run"
    running = subprocess.Popen([sys.executable, str(program)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while not (out / "checkpoint-2" / "trainer_state.json").exists():
        assert running.poll() is None, "the run ended before it could be killed"
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait()
    reached = max(int(path.name.partition("-")[2]) for path in out.glob("checkpoint-*/"))
    assert reached < 6
    subprocess.run([sys.executable, str(program)], check=True, capture_output=True)
    logs = [log for log in history(out) if "reward" in log]
    assert [log["step"] for log in logs] == [1, 2, 3, 4, 5, 6]
    assert (out / "adapter" / "adapter_model.safetensors").exists()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_processes_train_in_step_and_save_once(base: Path, tmp_path: Path) -> None:
    program = script(tmp_path, base, processes=2, sharding="ddp", format_valid=0.0)
    launched = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(program)],
        env=os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert launched.returncode == 0, launched.stderr[-2000:]
    out = tmp_path / "run"
    assert (out / "adapter" / "adapter_model.safetensors").exists()
    logs = [log for log in history(out) if "reward" in log]
    assert [log["step"] for log in logs] == [1, 2]
    assert len(list((out / "checkpoint-2").glob("rng_state_*.pth"))) == 2
