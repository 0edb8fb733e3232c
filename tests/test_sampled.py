"""Groups that are sampled once: what is kept of them, what is trained on, and that training on it works."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import r1router as rr
from policy_backends import tiny_llama
from r1router.cli import app
from r1router.errors import InputError, PolicyError
from r1router.parse import NO_ROUTE
from r1router.prompts import DEFAULT, Prompts
from r1router.train.judge.profile import read_profiles
from r1router.train.sampled.choose import choose_best, choose_pairs
from r1router.train.sampled.group_file import Group, Pair, read_groups, read_pairs
from r1router.train.sampled.profile_groups import format_aucs, measure_aucs
from r1router.train.sampled.run import BEST, GROUPS, PAIRS, run
from r1router.train.sampled.settings import SampleSettings
from r1router.train.steps.render import render
from r1router.train.steps.step_file import Gold, Past, TrainingStep, read_steps, write_lines, write_steps
from r1router.types import Ask, Card, Evidence

SHORT = Prompts(DEFAULT.parent / "short")
CARDS = {"text": Card("text", "text", "Passages"), "table": Card("table", "table", "Tables of countries")}
WHO, HOW = "Which country has Oslo?", "How many people live in Norway?"
QUESTION = "How many people live in the country of Oslo?"
REWARDS = {"evidence_rank": 1.0, "answer": 1.0}


def kbs() -> dict[str, rr.MemoryKnowledgeBase]:
    passages = [Evidence("text", "p1", "Oslo is the capital of Norway."), Evidence("text", "p2", "Bergen is rainy.")]
    tables = [Evidence("table", "t1", "Norway | 5.5 million people live there"), Evidence("table", "t2", "Peru | 34")]
    return {
        "text": rr.MemoryKnowledgeBase(CARDS["text"], passages),
        "table": rr.MemoryKnowledgeBase(CARDS["table"], tables),
    }


def steps(name: str = "t") -> list[TrainingStep]:
    cards = tuple(CARDS.values())
    one, two = Past(WHO, "Norway", "text"), Past(HOW, "5.5 million", "table")
    plans = Gold("", WHO, "text", ("p1",)), Gold("", HOW, "table", ("t1",)), Gold(route=NO_ROUTE)
    common: dict[str, Any] = {"question": QUESTION, "kbs": cards}
    return [
        TrainingStep(f"{name}/0/plan", "plan", gold=plans[0], **common),
        TrainingStep(f"{name}/1/plan", "plan", history=(one,), gold=plans[1], **common),
        TrainingStep(f"{name}/2/plan", "plan", history=(one, two), gold=plans[2], **common),
        TrainingStep(f"{name}/2/final", "final", QUESTION, history=(one, two), gold=Gold(answers=("5.5 million",))),
    ]


def plan(asked: str, label: str) -> str:
    return f"<think>hm</think>\n<sub-question>{asked}</sub-question>\n<ret>{label}</ret>"


class Says:
    """Right and wrong replies in turn."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, ask: Ask) -> str:
        self.count += 1
        said, right = ask.messages[-1].content, self.count % 2 == 0
        if ask.purpose == "plan":
            first = "-> Norway" not in said
            if not right:
                return plan("Who lives in Peru?", ask.labels[1] if first else ask.labels[0])
            return plan(WHO, "text") if first else plan(HOW, "table") if "-> 5.5" not in said else plan("None", "None")
        answer = "Peru" if not right else "5.5 million" if "5.5" in said else "Norway"
        return f"<think>hm</think>\n<answer>{answer}</answer>"


def file_of(rows: list[TrainingStep], folder: Path) -> Path:
    write_steps(rows, folder / "steps.jsonl")
    return folder / "steps.jsonl"


def settings(**more: Any) -> SampleSettings:
    given: dict[str, Any] = {
        "samples": 2,
        "vary_cards": False,
        "greedy": False,
        "rewards": tuple(REWARDS.items()),
        "best": 1.0,
    }
    return SampleSettings(**(given | more))


def sample(file: Path, out: Path, policy: Any, bases: Any = None, **more: Any) -> tuple[list[Group], int, int]:
    return run([file], out, settings(**more), policy=policy, prompts=SHORT, kbs=bases)


# ── what is sampled ────────────────────────────────────────────────────────────────────────────


def test_a_question_s_decisions_are_kept_with_what_each_reply_earned_and_how_it_ended(tmp_path: Path) -> None:
    file = file_of(steps(), tmp_path)
    groups, best, preferred = sample(file, tmp_path / "out", rr.Scripted(Says()), kbs())
    assert [group.step.kind for group in groups] == ["plan", "answer", "plan", "answer", "plan", "final"]
    assert all(group.values == (0.0, 1.0) and group.chosen == 1 for group in groups)
    assert {(group.task, group.right) for group in groups} == {("t", 1.0)}
    assert groups[0].parts == {"evidence_rank": (0.0, 1.0), "answer": (None, None)}
    assert (best, preferred) == (6, 6)
    assert read_groups(tmp_path / "out" / GROUPS) == groups


def test_a_step_to_imitate_renders_the_prompt_that_was_seen_and_the_best_reply(tmp_path: Path) -> None:
    seen: dict[str, Ask] = {}
    says = Says()

    def policy(ask: Ask) -> str:
        seen[ask.messages[-1].content] = ask
        return says(ask)

    groups, _, _ = sample(file_of(steps(), tmp_path), tmp_path / "out", rr.Scripted(policy), kbs())
    assert any(group.step.sights for group in groups)  # the method looks before it plans, and rows tell what it saw
    for group, chosen in zip(groups, read_steps(tmp_path / "out" / BEST), strict=True):
        row = render(chosen, SHORT)
        assert "".join(row.reply.split()) == "".join(group.replies[1].split())
        assert seen[row.ask.messages[-1].content].messages == row.ask.messages
    assert [pair.chosen for pair in read_pairs(tmp_path / "out" / PAIRS)] == [group.replies[1] for group in groups]


def test_steps_are_sampled_each_for_itself_with_their_gold_histories(tmp_path: Path) -> None:
    weights = {"route": 1.0, "answer": 1.0}
    groups, best, _ = sample(
        file_of(steps(), tmp_path), tmp_path / "out", rr.Scripted(Says()), rewards=tuple(weights.items())
    )
    assert sorted(group.step.id for group in groups) == ["t/0/plan", "t/1/plan", "t/2/final", "t/2/plan"]
    assert {group.values for group in groups} == {(0.0, 1.0)}
    assert {group.right for group in groups} == {None}
    assert best == 4


def test_an_interrupted_run_goes_on_with_the_questions_that_are_left(tmp_path: Path) -> None:
    names = [f"q{number}" for number in range(5)]
    file = file_of([row for name in names for row in steps(name)], tmp_path)
    says = Says()

    def interrupted(ask: Ask) -> str:
        if says.count == 30:
            raise RuntimeError("the machine goes down")
        return says(ask)

    with pytest.raises(RuntimeError, match="goes down"):
        sample(file, tmp_path / "out", rr.Scripted(interrupted), kbs(), together=2)
    before = (tmp_path / "out" / GROUPS).read_text()
    kept = read_groups(tmp_path / "out" / GROUPS)
    assert kept
    (tmp_path / "out" / GROUPS).write_text(before + before[:50])  # a kill in the middle of a line
    groups, _, _ = sample(file, tmp_path / "out", rr.Scripted(Says()), kbs(), together=2)
    assert (tmp_path / "out" / GROUPS).read_text().startswith(before)
    assert {group.task for group in groups} == set(names)
    again = rr.Scripted(Says())
    assert sample(file, tmp_path / "out", again, kbs(), together=2)[0] == groups
    assert again.asks == []
    with pytest.raises(InputError, match="samples was 2"):
        sample(file, tmp_path / "out", again, kbs(), together=2, samples=3)


def test_a_policy_that_always_fails_is_not_sampled(tmp_path: Path) -> None:
    def fail(ask: Ask) -> str:
        raise PolicyError("too long")

    with pytest.raises(PolicyError, match="too long"):
        sample(file_of(steps(), tmp_path), tmp_path / "out", rr.Scripted(fail), kbs())


# ── what is chosen ─────────────────────────────────────────────────────────────────────────────


def group(values: list[float | None], kind: Any = "answer") -> Group:
    row = TrainingStep("q/0/answer", kind, "Q?", sub_question="Who?", gold=Gold(answers=("Anna",)))
    replies = tuple(f"<think></think>\n<answer>{name}</answer>" for name in ("Anna", "Bo Berg", "Cid", "Bo Berg"))
    return Group(row, replies[: len(values)], tuple(values))


def test_pairs_are_of_the_best_and_the_worst_that_lie_far_enough_apart() -> None:
    def chosen(*values: float | None, **options: Any) -> list[tuple[str, str, float]]:
        found = choose_pairs([group([*values])], **options)
        return [(pair.chosen[24:-9], pair.rejected[24:-9], pair.gap) for pair in found]

    assert chosen(1.0, 0.2, 0.95) == [("Anna", "Bo Berg", 0.8)]
    assert chosen(1.0, 0.5, 0.0, 0.5) == [("Anna", "Cid", 1.0), ("Anna", "Bo Berg", 0.5)]  # equal replies count once
    assert chosen(1.0, 0.5, 0.0, most=1) == [("Anna", "Cid", 1.0)]
    assert chosen(0.3, 0.3, 0.3) == []
    assert chosen(1.0, None) == []


def test_a_best_reply_is_imitated_where_it_earned_enough_and_can_be_read() -> None:
    weights = {"answer": 1.0, "cost": 0.5}

    def best(one: Group, **options: Any) -> list[Gold]:
        return [row.gold for row in choose_best([one], SHORT, weights, **options)]

    assert best(group([0.1, 1.0])) == [Gold(answers=("Bo Berg", "Anna"))]
    assert best(group([1.0, 1.0, 1.0])) == [Gold(answers=("Cid", "Anna"))]  # the shortest of equals
    assert best(group([0.1, 0.7])) == []
    assert best(group([0.1, 0.7]), at_least=0.4) != []
    assert best(group([None, None])) == []
    assert best(Group(group([]).step, ("well",), (2.0,))) == []


def test_a_reward_is_measured_by_how_it_tells_the_questions_that_were_answered_right() -> None:
    def of(right: float | None, value: float | None, chosen: int = 0) -> Group:
        return replace(group([value, 1.0]), parts={"answer": (value, 1.0)}, chosen=chosen, right=right)

    told = [of(1.0, 0.9), of(0.6, 0.5), of(0.4, 0.5), of(0.0, 0.1), of(None, 1.0), of(1.0, None), of(1.0, 1.0, -1)]
    assert measure_aucs(told) == {"answer": {"answer": (0.875, 4)}}
    assert measure_aucs(told[:2]) == {"answer": {"answer": (None, 2)}}
    assert format_aucs(measure_aucs(told)).splitlines()[1].split() == ["answer", "0.875", "(4)"]


def test_the_profile_of_a_sampled_folder_is_printed_with_the_greedy_reply_beside_the_samples(tmp_path: Path) -> None:
    names = [f"q{number}" for number in range(3)]
    file = file_of([row for name in names for row in steps(name)], tmp_path)
    groups, _, _ = sample(file, tmp_path / "out", rr.Scripted(Says()), kbs(), greedy=True, together=1, best=0.5)
    assert {len(group.replies) for group in groups} == {3}
    said = CliRunner().invoke(app, ["train", "profile", str(tmp_path / "out"), "--out", str(tmp_path / "p.jsonl")])
    assert said.exit_code == 0, said.output
    assert "AUC against answered right" in said.output
    judged = [one for one in groups if None not in one.values]
    found = read_profiles(tmp_path / "p.jsonl")
    assert [found[one.step.id].sampled[0] for one in judged] == [one.values[1] for one in judged]
    assert [line.split()[0] for line in said.output.splitlines()[1:4]] == ["answer", "final", "plan"]


def test_a_line_that_is_no_group_is_named(tmp_path: Path) -> None:
    write_lines([group([1.0])], tmp_path / "groups.jsonl")
    with (tmp_path / "groups.jsonl").open("a") as file:
        file.write('{"replies": 3}\n')
    with pytest.raises(InputError, match=r"groups.jsonl:2: not a sampled group"):
        read_groups(tmp_path / "groups.jsonl")
    with pytest.raises(InputError, match="train sample"):
        read_groups(tmp_path / "none")
    (tmp_path / "empty").touch()
    with pytest.raises(InputError, match="no two replies"):
        read_pairs(tmp_path / "empty")


# ── what is trained ────────────────────────────────────────────────────────────────────────────

warned = [
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.*"),
    pytest.mark.filterwarnings("ignore::FutureWarning:torch.*"),
]
pytestmark = warned


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("trl", reason="training is an extra")
    return tiny_llama(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    rows = steps()[:2] * 2
    made = [Pair(row, plan("Good?", "text"), plan("Bad!", "table"), 1.0) for row in rows]
    write_lines(made, tmp_path / "pairs.jsonl")
    return tmp_path / "pairs.jsonl"


def dpo_settings(base: Path, **more: Any) -> Any:
    from r1router.train.settings import DpoSettings

    small: dict[str, Any] = {
        "optimizer_steps": 2,
        "batch": 2,
        "accumulate": 1,
        "save_every": 1,
        "lora": 4,
        "save_minutes": 0,
    }
    return DpoSettings(base=str(base), **(small | more))


def logged(out: Path) -> list[dict[str, Any]]:
    last = max(out.glob("checkpoint-*"), key=lambda path: int(path.name.partition("-")[2]))
    logs: list[dict[str, Any]] = json.loads((last / "trainer_state.json").read_text())["log_history"]
    return logs


def test_preferring_raises_the_chosen_reply_above_the_rejected_one(base: Path, pairs: Path, tmp_path: Path) -> None:
    from r1router.train import dpo

    adapter = dpo.run(
        [pairs], tmp_path / "run", dpo_settings(base, optimizer_steps=12, learning_rate=2e-2, save_every=12)
    )
    logs = [log for log in logged(tmp_path / "run") if "loss" in log]
    assert logs[0]["loss"] == pytest.approx(0.6931, abs=0.03)  # the start is the reference; bfloat16 rounds
    assert logs[-1]["loss"] < 0.4
    assert logs[-1]["rewards/chosen"] > logs[-1]["rewards/rejected"]
    assert (adapter / "prompts" / "set.toml").is_file()


def test_preferring_goes_on_from_an_adapter_and_from_a_checkpoint(base: Path, pairs: Path, tmp_path: Path) -> None:
    import shutil

    from safetensors.torch import load_file
    from torch import equal

    from r1router.train import dpo

    first = dpo.run([pairs], tmp_path / "one", dpo_settings(base, learning_rate=2e-2))
    whole = dpo.run([pairs], tmp_path / "two", dpo_settings(base, adapter=str(first), optimizer_steps=3))
    begun = next(log for log in logged(tmp_path / "two") if "loss" in log)
    assert begun["loss"] == pytest.approx(0.6931, abs=0.03)
    found = load_file(whole / "adapter_model.safetensors")
    (tmp_path / "two" / "checkpoint-3" / "trainer_state.json").unlink()  # as a kill leaves it
    shutil.rmtree(tmp_path / "two" / "adapter")
    again = load_file(
        dpo.run([pairs], tmp_path / "two", dpo_settings(base, adapter=str(first), optimizer_steps=3))
        / "adapter_model.safetensors"
    )
    assert found.keys() == again.keys()
    assert all(equal(found[name], again[name]) for name in found)


def test_pairs_and_settings_that_cannot_be_trained_with_are_refused(base: Path, pairs: Path, tmp_path: Path) -> None:
    from r1router.train import dpo

    with pytest.raises(InputError, match="no pair is left"):
        dpo.run([pairs], tmp_path / "a", dpo_settings(base, max_tokens=8))
    with pytest.raises(InputError, match="cannot be shared"):
        dpo.run([pairs], tmp_path / "b", dpo_settings(base, batch=3, accumulate=2))


def test_the_commands_sample_once_and_train_twice(base: Path, tmp_path: Path) -> None:
    def command(*words: object) -> str:
        said = CliRunner().invoke(app, ["train", *map(str, words)])
        assert said.exit_code == 0, said.output
        return said.output

    script = [plan("Where?", "text"), plan("None", "None")] * 4
    (tmp_path / "script.jsonl").write_text("".join(json.dumps(line) + "\n" for line in script))
    file = file_of([row for n in range(4) for row in steps(f"q{n}")[:1]], tmp_path)
    out = tmp_path / "sampled"
    policy = f"scripted:{tmp_path / 'script.jsonl'}"
    told = command("sample", file, "--out", out, "--policy", policy, "--samples", 2, "--reward", "route=1",
                   "--no-vary-cards", "--no-greedy", "--prompts", SHORT.folder)  # fmt: skip
    assert "4 groups, 4 steps to imitate, 4 pairs" in told
    assert f"next: r1router train dpo {out / PAIRS} --adapter ADAPTER --out RUN" in told
    small = ("--base", base, "--lora", 4, "--batch", 2, "--accumulate", 1, "--optimizer-steps", 1)
    assert "trained:" in command("sft", out / BEST, "--out", tmp_path / "imitated", *small)
    assert "trained:" in command("dpo", out / PAIRS, "--out", tmp_path / "preferred", *small)
