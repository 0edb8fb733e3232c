"""The loop as an environment, worked by a scripted policy."""

import pytest

from r1router.prompts import DEFAULT, Prompts
from r1router.train import rewards
from r1router.train.environment import Episode
from r1router.train.steps.tasks import gather_tasks
from test_rollout import HOW, STOP, WHO, kbs, step, steps


def episode():
    weighted = rewards.load_rewards({"evidence_rank": 1.0, "answer": 1.0})
    prompts = Prompts(DEFAULT.parent / "short")
    return Episode(gather_tasks(steps()), {"": kbs()}, prompts=prompts, rewards=weighted, method="r1_router?look=false")


def test_a_question_is_worked_turn_by_turn_and_every_reply_earns_its_reward():
    one = episode()
    asked, earned = [one.reset("t")], []
    said = [step(WHO, "text"), "<answer>Norway</answer>", step(HOW, "table"), "<answer>5.5 million</answer>", STOP]
    for reply in [*said, "<answer>5.5 million</answer>"]:
        turn = one.step(reply)
        asked.append(turn.messages)
        earned.append(turn.reward)
    assert earned == [1.0] * 6
    assert asked[-1] == []
    assert all(asked[:-1])
    assert "Norway" in asked[2][-1]["content"]
    with pytest.raises(RuntimeError, match="call reset first"):
        one.step(STOP)


def test_a_question_can_be_given_up_for_another_and_a_wrong_plan_earns_nothing():
    one = episode()
    first = one.reset("t")
    assert one.step(STOP).reward == 0.0
    assert one.reset("t") == first
    one.close()
