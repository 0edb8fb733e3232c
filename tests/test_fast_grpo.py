"""Groups in one row: the loss and gradients of plain TRL, and what is not computed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from small_llama import write_small_llama

torch = pytest.importorskip("torch", reason="training is an extra")
pytest.importorskip("trl", reason="training is an extra")

from r1router.train.fast import grpo as fast  # noqa: E402  # after the skips
from r1router.train.fast.groups import UNLABELLED, Group, pack, unpack  # noqa: E402
from r1router.train.weights.adapter import make_lora  # noqa: E402
from r1router.train.weights.load import load_model  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:You are using 'rollout_func':UserWarning"),
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.*"),
    pytest.mark.filterwarnings("ignore::FutureWarning:torch.*"),
]
END = 2
GROUPS = (
    ((7, 8, 9, 10, 11), ((20, 21, END), (22, END), (23, 24, 25, 26, END), (20, END)), (1.0, 0.0, 0.5, 0.0)),
    ((30, 31, 32, 33, 34), ((40, END), (41, 42, END), (43, END), (44, 45, 46, END)), (0.3, 0.3, 0.3, 0.3)),
    ((50, 51, 52, 53, 54), ((60, 61, 62, END), (63, END), (64, END), (65, 66, END)), (0.0, 1.0, 0.0, 1.0)),
)
"""(prompt, replies, rewards). The second group ties; the prompts are of one length, so that plain TRL, too, counts
their positions from 0."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_llama(tmp_path_factory.mktemp("small") / "base.gguf", seed=3)


def adapted(base: Path) -> tuple[Any, Any]:
    """A model in float64, norms too, with a LoRA whose halves are both random, so that both get a gradient."""
    import peft

    model, tokenizer = load_model(str(base), dtype=torch.float64)
    for norm in [module for module in model.modules() if type(module).__name__ == "LlamaRMSNorm"]:
        norm.forward = partial(norm_in_float64, norm)  # transformers' goes through float32
    model = peft.get_peft_model(model, make_lora(model, rank=4, layers=2), autocast_adapter_dtype=False)
    drawn = torch.Generator().manual_seed(0)
    for weights in model.parameters():
        if weights.requires_grad:
            weights.data = torch.randn(weights.shape, generator=drawn, dtype=torch.float64) / 10
    return model, tokenizer


def norm_in_float64(norm: Any, x: Any) -> Any:
    return norm.weight * x * (x.square().mean(-1, keepdim=True) + norm.variance_epsilon).rsqrt()


def plain_class() -> Any:
    """TRL's trainer, its head in float64 too; by itself it adds up in float32 whatever the model's numbers are."""
    from trl import GRPOTrainer

    class Plain(GRPOTrainer):  # type: ignore[misc]
        def _get_per_token_logps_and_entropies(
            self, model: Any, ids: Any, mask: Any, logits_to_keep: int, **more: Any
        ) -> Any:
            logs = (model(input_ids=ids, attention_mask=mask).logits / self.temperature).log_softmax(-1)[:, :-1]
            said = logs.gather(-1, ids[:, 1:, None]).squeeze(-1)[:, -logits_to_keep:]
            return said, -(logs.exp() * logs).sum(-1)[:, -logits_to_keep:], None

    return Plain


def trained(
    trainer_class: Any,
    base: Path,
    out: Path,
    *,
    rollout: Callable[..., Any],
    prompts: int = 3,
    steps: int = 1,
    **more: Any,
) -> tuple[float, dict[str, Any], list[dict[str, Any]]]:
    """(loss, gradients, both summed over the passes of the last step, and the logs)."""
    from datasets import Dataset
    from trl import GRPOConfig

    model, tokenizer = adapted(base)
    kept: dict[str, Any] = {}
    losses: list[float] = []

    class Noted(trainer_class):  # type: ignore[misc]
        def training_step(self, model: Any, *args: Any, **given: Any) -> Any:
            loss = super().training_step(model, *args, **given)
            losses.append(float(loss))
            named = self.model.named_parameters()
            kept.update({n: p.grad.clone() for n, p in named if p.requires_grad and p.grad is not None})
            return loss

    def rewards(completions: Any, **columns: Any) -> list[float]:
        return list(columns["earned"])

    trainer = Noted(
        model=model,
        processing_class=tokenizer,
        reward_funcs=rewards,
        rollout_func=rollout,
        train_dataset=Dataset.from_list([{"prompt": str(n)} for n in range(6)]),
        args=GRPOConfig(
            output_dir=str(out), max_steps=steps, num_generations=4, per_device_train_batch_size=4,
            gradient_accumulation_steps=prompts, max_completion_length=8, use_cpu=True, bf16=False, learning_rate=0.0,
            gradient_checkpointing=False, dataloader_pin_memory=False, save_strategy="no", report_to="none",
            disable_tqdm=True, logging_steps=1, max_grad_norm=0.0, **more,
        ),
    )  # fmt: skip
    trainer.train()
    return sum(losses[-prompts:]), kept, trainer.state.log_history


def said(prompts: Any, trainer: Any) -> dict[str, list[Any]]:
    """`GROUPS`, whatever was asked, with a token that does not count."""
    replies = [reply for _, group, _ in GROUPS for reply in group]
    return {
        "prompt_ids": [list(prompt) for prompt, group, _ in GROUPS for _ in group],
        "completion_ids": [list(reply) for reply in replies],
        "logprobs": None,  # type: ignore[dict-item]
        "env_mask": [[int(token != 24) for token in reply] for reply in replies],
        "earned": [earned for _, _, group in GROUPS for earned in group],
    }


@pytest.mark.parametrize(
    "options",
    [
        {"loss_type": "dr_grpo", "scale_rewards": "none"},
        {"loss_type": "grpo", "temperature": 0.7},
        {"loss_type": "dapo"},
        {"loss_type": "grpo", "beta": 0.1},
    ],
    ids=["dr_grpo", "grpo", "dapo", "with KL"],
)
def test_loss_and_gradients_are_those_of_plain_trl(base: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    more = {"beta": 0.0} | options
    loss, wanted, _ = trained(plain_class(), base, tmp_path / "plain", rollout=said, **more)
    from trl import GRPOTrainer

    our_loss, found, _ = trained(fast.make_trainer_class(GRPOTrainer), base, tmp_path / "ours", rollout=said, **more)
    assert our_loss == pytest.approx(loss, abs=1e-9)
    assert found.keys() == wanted.keys()
    for name, gradient in wanted.items():
        assert gradient.abs().max() > 1e-6, name
        torch.testing.assert_close(found[name], gradient, atol=1e-9, rtol=1e-9)


def test_replies_that_teach_nothing_are_not_computed(base: Path, tmp_path: Path) -> None:
    from trl import GRPOTrainer

    rows = []

    class Counted(fast.make_trainer_class(GRPOTrainer)):  # type: ignore[misc]
        def _score(self, model: Any, inputs: Any) -> Any:
            taught = self.model.register_forward_pre_hook(
                lambda module, args, given: rows.append(tuple(given["input_ids"].shape)), with_kwargs=True
            )
            found = super()._score(model, inputs)
            taught.remove()
            return found

    trained(Counted, base, tmp_path, rollout=said, beta=0.0, scale_rewards="none", loss_type="dr_grpo")
    lengths = [5 - 1 + 3 + 2 + 5 + 2, 5 - 1 + 4 + 2 + 2 + 3]  # the group that ties has no row
    assert sorted(rows) == sorted((1, length) for length in lengths)


def test_a_tied_batch_is_drawn_anew_within_a_bound(base: Path, tmp_path: Path) -> None:
    from trl import GRPOTrainer

    asked: list[list[str]] = []

    def tied_at_first(prompts: Any, trainer: Any) -> dict[str, list[Any]]:
        asked.append(list(prompts))
        differ = len(asked) in (2, 7)
        return said(prompts, trainer) | ({} if differ else {"earned": [0.5] * len(prompts)})

    _, _, logs = trained(
        fast.make_trainer_class(GRPOTrainer, redraws=2), base, tmp_path, rollout=tied_at_first, steps=3, beta=0.0
    )
    assert len(asked) == 2 + 3 + 2  # found at once, given up, found at the end of the bound
    assert asked[0] != asked[1]
    assert all(prompts[start : start + 4] == [prompts[start]] * 4 for prompts in asked for start in (0, 4, 8))
    assert [log["grad_norm"] > 0 for log in logs[:3]] == [True, False, True]


def test_sampled_numbers_are_corrected_up_to_a_bound(base: Path, tmp_path: Path) -> None:
    from trl import GRPOTrainer

    model, _ = adapted(base)
    plain = said([], None)

    def logprobs(shift: float) -> list[list[float]]:
        """What the trainer itself thinks of each token, less `shift`."""
        found = []
        for prompt, reply in zip(plain["prompt_ids"], plain["completion_ids"], strict=True):
            with torch.no_grad():
                logs = model(input_ids=torch.tensor([prompt + reply])).logits[0].log_softmax(-1)
            at = range(len(prompt) - 1, len(prompt) - 1 + len(reply))
            found.append([float(logs[place, token]) - shift for place, token in zip(at, reply, strict=True)])
        return found

    def gradients(shift: float) -> dict[str, Any]:
        def rollout(prompts: Any, trainer: Any) -> dict[str, Any]:
            return plain | {"logprobs": logprobs(shift)}

        ours = fast.make_trainer_class(GRPOTrainer, cap=2.0)
        return trained(ours, base, tmp_path / str(shift), rollout=rollout, beta=0.0, loss_type="dr_grpo")[1]

    same, half_as_likely, never = gradients(0.0), gradients(0.5), gradients(9.0)
    for name, gradient in same.items():
        torch.testing.assert_close(half_as_likely[name], gradient * 2.718281828**0.5, atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(never[name], gradient * 2.0, atol=1e-6, rtol=1e-5)


def test_a_packed_row_lets_replies_see_the_prompt_and_themselves_alone() -> None:
    group = Group((1, 2, 3), ((4, 5), (6,)))
    made = pack([group, Group((7,), ((8,),))], pad=0)
    assert made["input_ids"].tolist() == [[1, 2, 3, 4, 3], [7, 0, 0, 0, 0]]
    assert made["position_ids"].tolist() == [[0, 1, 2, 3, 2], [0, 0, 0, 0, 0]]
    assert made["shift_labels"].tolist() == [[UNLABELLED, UNLABELLED, 4, 5, 6], [8] + [UNLABELLED] * 4]
    sees = [[place for place, seen in enumerate(row) if seen] for row in made["attention_mask"][0, 0].tolist()]
    assert sees == [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 1, 4]]
    assert made["attention_mask"].any(-1).all()
    assert unpack(torch.arange(10.0).view(2, 5), [group, Group((7,), ((8,),))], width=3).tolist() == [
        [2, 3, 0], [4, 0, 0], [5, 0, 0],
    ]  # fmt: skip
