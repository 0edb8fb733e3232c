"""Labels by their expectation: the gradient is exact, and what could have been said costs its own tokens alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="training is an extra")
pytest.importorskip("trl", reason="training is an extra")

from r1router.train.fast import grpo as fast  # noqa: E402  # after the skips
from r1router.train.fast import labels  # noqa: E402
from r1router.train.fast.groups import Fork, Group, pack, unpack, unpack_options  # noqa: E402
from r1router.train.fast.labels import LabelChoices  # noqa: E402
from test_fast_grpo import END, adapted, base, plain_class, trained  # noqa: E402, F401

pytestmark = [
    pytest.mark.filterwarnings("ignore:You are using 'rollout_func':UserWarning"),
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.*"),
    pytest.mark.filterwarnings("ignore::FutureWarning:torch.*"),
]


def test_the_gradient_is_that_of_the_expected_reward_over_all_plans_and_all_labels() -> None:
    """Every plan is enumerated with its probability in the place of samples, so that nothing is left to chance."""
    drawn = torch.Generator().manual_seed(1)
    plans = torch.randn(5, generator=drawn, dtype=torch.float64, requires_grad=True)
    names = torch.randn(5, 3, generator=drawn, dtype=torch.float64, requires_grad=True)
    values = torch.rand(5, 3, generator=drawn, dtype=torch.float64)
    objective = (plans.softmax(0)[:, None] * names.softmax(-1) * values).sum()
    wanted = torch.autograd.grad(objective, (plans, names))

    batch = labels.make_tensors(
        [LabelChoices(1, ((8,), (9,), (10,)), tuple(v), 0) for v in values.tolist()], [0.0] * 5, 5
    )
    batch["label_values"] = values
    advantages, expected = labels.weigh(batch, names.log_softmax(-1), width=3)
    logps = torch.stack([plans.log_softmax(0), names.log_softmax(-1)[:, 0], torch.zeros(5, dtype=torch.float64)], 1)
    each = (advantages * logps).sum(1) + expected
    found = torch.autograd.grad((plans.softmax(0).detach() * each).sum(), (plans, names))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, atol=1e-12, rtol=1e-12)


def test_a_reply_without_options_counts_with_what_it_earned_and_its_own_label_is_left_to_the_expectation() -> None:
    options = [LabelChoices(2, ((8, 7), (9, 7)), (1.0, 0.0), 0), None]
    batch = labels.make_tensors(options, [1.0, 0.25], 2)
    advantages, expected = labels.weigh(batch, torch.tensor([[0.0, 0.0], [0.0, 0.0]]), width=6)
    assert expected.tolist() == [0.5, 0.25]
    assert advantages.tolist() == [[0.125, 0.125, 0, 0, 0.125, 0.125], [-0.125] * 6]


def test_a_group_teaches_where_a_label_would_have_earned_more_though_all_replies_earned_the_same() -> None:
    alike = [LabelChoices(0, ((8,), (9,)), (0.5, 0.5), 0)] * 2
    unlike = [LabelChoices(0, ((8,), (9,)), (0.5, 1.0), 0)] * 2
    assert (
        labels.find_teaching([*alike, *unlike, None, None], [0.5] * 4 + [0.0, 0.0], 2)
        == [False] * 2 + [True] * 2 + [False] * 2
    )


def test_a_fork_sees_the_prompt_and_its_reply_up_to_where_it_forks_off() -> None:
    group = Group((1, 2), ((4, 5, 6), (7,)), (Fork(0, 1, ((8, 9), (5,))), Fork(1, 0, ((3,),))))
    made = pack([group], pad=0)
    assert made["input_ids"].tolist() == [[1, 2, 4, 5, 2, 4, 8, 4, 2]]
    assert made["position_ids"].tolist() == [[0, 1, 2, 3, 1, 2, 3, 2, 1]]
    assert made["shift_labels"].tolist() == [[-100, 4, 5, 6, 7, 8, 9, 5, 3]]
    sees = [[place for place, seen in enumerate(row) if seen] for row in made["attention_mask"][0, 0].tolist()]
    assert sees[5:] == [[0, 1, 5], [0, 1, 5, 6], [0, 1, 7], [0, 8]]
    assert [of.tolist() for of in unpack_options(torch.arange(9.0)[None], [group])[0]] == [[11.0, 7.0], [8.0]]


def test_the_probabilities_of_forks_are_those_of_rows_of_their_own(base: Path) -> None:  # noqa: F811
    model, _ = adapted(base)
    prompt, reply, options = (7, 8, 9), (20, 21, 22, 23, END), ((22, 23), (30,), (31, 32, 33))
    group = Group(prompt, (reply, (40, END)), (Fork(0, 2, options),))
    made = pack([group], pad=0)
    shift = made.pop("shift_labels")
    logs = model(**made).logits.log_softmax(-1)
    said = logs.gather(-1, shift.clamp(min=0)[..., None]).squeeze(-1) * (shift >= 0)
    (found,) = unpack_options(said, [group])[0]
    for option, of in zip(options, found, strict=True):
        alone = torch.tensor([[*prompt, *reply[:2], *option]])
        plain = model(input_ids=alone).logits.log_softmax(-1)[0, :-1].gather(-1, alone[0, 1:, None])
        torch.testing.assert_close(of, plain[-len(option) :].sum(), atol=1e-9, rtol=1e-9)
    assert unpack(said, [group], width=5)[0].count_nonzero() == 5


GROUPS = (
    ((7, 8, 9), ((20, 21, 30, 31, END), (22, 40, 31, END), (23, END), (24, 30, 31, END))),
    ((50, 51, 52), ((60, 30, 31, END), (61, 40, 31, END), (62, 30, 31, END), (63, 30, 31, END))),
)
BOTH = ((30, 31), (40, 31))
OPTIONS = (
    *(
        LabelChoices(2, BOTH, (1.0, 0.2), 0),
        LabelChoices(1, BOTH, (0.7, 0.0), 1),
        None,
        LabelChoices(1, BOTH, (0.0, 0.9), 0),
    ),
    *(LabelChoices(1, BOTH, (0.5, 0.5), own) for own in (0, 1, 0, 0)),  # this group ties in every way
)
VALUES = (1.0, 0.0, 0.1, 0.0, 0.5, 0.5, 0.5, 0.5)


def said(prompts: Any, trainer: Any) -> dict[str, list[Any]]:
    replies = [reply for _, group in GROUPS for reply in group]
    return {
        "prompt_ids": [list(prompt) for prompt, group in GROUPS for _ in group],
        "completion_ids": [list(reply) for reply in replies],
        "logprobs": None,  # type: ignore[dict-item]
        "options": list(OPTIONS),
        "value": list(VALUES),
        "earned": list(VALUES),
    }


def test_sampled_numbers_correct_what_stands_before_a_label(base: Path, tmp_path: Path) -> None:  # noqa: F811
    def unsure(prompts: Any, trainer: Any) -> dict[str, list[Any]]:
        rolled = said(prompts, trainer)
        return rolled | {"logprobs": [[-99.0] * len(reply) for reply in rolled["completion_ids"]]}

    made = fast.make_trainer_class(plain_class())
    options = {"prompts": 2, "loss_type": "dr_grpo", "scale_rewards": "none"}
    _, plain, _ = trained(made, base, tmp_path, rollout=said, **options)
    _, weighed, logs = trained(made, base, tmp_path, rollout=unsure, **options)
    assert any(not torch.allclose(plain[name], weighed[name]) for name in plain)
    assert next(log for log in logs if "reward" in log)["sampling/importance_weight"] == fast.CAP


def test_the_trainer_s_gradients_are_those_of_the_formula_on_rows_of_their_own(base: Path, tmp_path: Path) -> None:  # noqa: F811
    _, found, logs = trained(
        fast.make_trainer_class(plain_class()), base, tmp_path, rollout=said, prompts=2,
        loss_type="dr_grpo", scale_rewards="none",
    )  # fmt: skip

    model, _ = adapted(base)

    def logp(*parts: tuple[int, ...]) -> Any:
        """Of the tokens of the last part, one by one."""
        ids = torch.tensor([[token for part in parts for token in part]])
        every = model(input_ids=ids).logits.log_softmax(-1)[0, :-1].gather(-1, ids[0, 1:, None]).squeeze(-1)
        return every[len(every) - len(parts[-1]) :]

    prompt, replies = GROUPS[0]
    expected = []
    for reply, of, own in zip(replies, OPTIONS, VALUES, strict=False):
        if of is None:
            expected.append(torch.tensor(own, dtype=torch.float64))
            continue
        shares = torch.stack([logp(prompt, reply[: of.at], label).sum() for label in of.ids]).softmax(0)
        expected.append((shares * torch.tensor(of.values, dtype=torch.float64)).sum())
    mean = torch.stack(expected).mean().item()
    total = 0.0
    for reply, of, value in zip(replies, OPTIONS, expected, strict=False):
        tokens = logp(prompt, reply)
        kept = [place for place in range(len(reply)) if of is None or not of.at <= place < of.at + 2]
        total = total + (value.item() - mean) * tokens[kept].sum() + (value if of else 0.0)
    loss = -total / (4 * 8) / 2  # type: ignore[operator]
    loss.backward()  # type: ignore[attr-defined]
    wanted = {name: weights.grad for name, weights in model.named_parameters() if weights.grad is not None}
    assert found.keys() == wanted.keys()
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, wanted[name], atol=1e-9, rtol=1e-6)
    (log,) = [log for log in logs if "reward" in log]
    assert log["labels/expected_reward"] == pytest.approx((mean + 0.5) / 2, abs=1e-3)
