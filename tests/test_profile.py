"""Profiles of steps: what replies earn, where they tie, and the curriculum that is made of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import r1router as rr
from r1router.errors import InputError, PolicyError
from r1router.prompts import Prompts
from r1router.train.judge.profile import (
    Profile,
    format_profiles,
    is_in_reach,
    read_profiles,
    sample_profiles,
    write_profiles,
)
from r1router.train.rewards import load_rewards
from r1router.train.steps.render import RenderedStep, render
from r1router.train.steps.step_file import Gold, TrainingStep
from r1router.types import Ask, Card, Reply

CARDS = (Card("text", "text", "Passages"), Card("table", "table", "Tables"))
PROMPTS = Prompts()


def row(name: str, route: str) -> RenderedStep:
    return render(
        TrainingStep(f"{name}/0/plan", "plan", name, kbs=CARDS, gold=Gold("", "Who?", route), source="s"), PROMPTS
    )


def say(ask: Ask) -> Reply:
    """Always to the text, whatever is asked."""
    if "fails" in ask.messages[-1].content:
        raise PolicyError("too long")
    return Reply(f"<think>hm</think>\n<sub-question>Who?</sub-question>\n<ret>{ask.labels[0]}</ret>")


def profiles(*rows: RenderedStep) -> list[Profile]:
    policy = rr.Scripted(say)
    return asyncio.run(sample_profiles(rows, policy, PROMPTS, load_rewards({"route": 2.0}), samples=3))


def test_rewards_are_shares_of_what_can_be_earned() -> None:
    right, wrong = profiles(row("a", "text"), row("b", "table"))
    assert (right.greedy, right.sampled, wrong.greedy, wrong.sampled) == (1.0, (1.0,) * 3, 0.0, (0.0,) * 3)
    assert right.ties
    assert not is_in_reach(right)


def test_a_failed_reply_is_a_malformed_one_and_nothing_but_failures_are_raised() -> None:
    assert [one.mean for one in profiles(row("fails", "text"), row("b", "text"))] == [0.0, 1.0]
    with pytest.raises(PolicyError, match="too long"):
        profiles(row("fails", "text"))


def test_a_step_that_no_reward_applies_to_has_no_profile() -> None:
    assert profiles(row("a", "")) == []


def test_the_table_tells_what_is_in_reach_for_each_kind_and_source() -> None:
    table = format_profiles([
        Profile("1", "plan", "geo", 0.0, (0.0, 1.0)), Profile("2", "plan", "geo", 1.0, (1.0, 1.0)),
        Profile("3", "answer", "", 0.0, (0.0, 0.0)),
    ]).splitlines()  # fmt: skip
    assert table[1].split() == ["answer", "1", "0.000", "0.000", "0.000", "1.000", "0.000"]
    assert table[2].split() == ["plan", "geo", "2", "0.500", "0.750", "1.000", "0.500", "0.500"]


def test_profiles_are_read_as_they_were_written(tmp_path: Path) -> None:
    one = Profile("q/0/plan", "plan", "geo", 0.5, (0.0, 1.0))
    write_profiles([one], tmp_path / "made" / "profile.jsonl")
    assert read_profiles(tmp_path / "made" / "profile.jsonl") == {"q/0/plan": one}
    (tmp_path / "other.jsonl").write_text('{"id": "q"}\n')
    with pytest.raises(InputError, match=r"other.jsonl:1: not a step's profile"):
        read_profiles(tmp_path / "other.jsonl")
    with pytest.raises(InputError, match="r1router train profile"):
        read_profiles(tmp_path / "none.jsonl")
