"""Training at less cost: the same losses and gradients as plain TRL's, and what is chosen by measuring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from policy_backends import tiny_llama
from small_llama import write_small_llama

torch = pytest.importorskip("torch", reason="training is an extra")
pytest.importorskip("trl", reason="training is an extra")

from r1router.errors import InputError  # noqa: E402  # after the skips
from r1router.train.fast import attention, head, lora, numbers  # noqa: E402
from r1router.train.fast import sft as fast  # noqa: E402
from r1router.train.weights.adapter import make_lora, prepare  # noqa: E402
from r1router.train.weights.export import export  # noqa: E402
from r1router.train.weights.load import load_model  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.*"),
    pytest.mark.filterwarnings("ignore::FutureWarning:torch.*"),
]
ROWS = [
    {"prompt": "1 2 3 4 5 6 7", "completion": " 1 9 8"},
    {"prompt": "in", "completion": " the 1"},
    {"prompt": "or the in the or 19 98 the", "completion": " 1 9 8 1 9 8 in the or"},
    {"prompt": "the 19", "completion": " 98 in or in"},
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_llama(tmp_path_factory.mktemp("small") / "base.gguf", seed=3)


def adapted(base: Path) -> tuple[Any, Any]:
    """A model in float64 with a LoRA whose halves are both random, so that both get a gradient."""
    import peft

    model, tokenizer = load_model(str(base), dtype=torch.float64)
    model = peft.get_peft_model(model, make_lora(model, rank=4, layers=1), autocast_adapter_dtype=False)
    drawn = torch.Generator().manual_seed(0)
    for weights in model.parameters():
        if weights.requires_grad:
            weights.data = torch.randn(weights.shape, generator=drawn, dtype=torch.float64) / 10
    return model, tokenizer


def in_float64(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
    """The loss of plain TRL, which itself adds up in float32 whatever the model's numbers are."""
    scores = outputs.logits[:, :-1].reshape(-1, outputs.logits.shape[-1])
    return torch.nn.functional.cross_entropy(scores, labels[:, 1:].reshape(-1), reduction="sum") / num_items_in_batch


def loss_and_gradients(trainer_class: Any, base: Path, out: Path, **more: Any) -> tuple[float, dict[str, Any]]:
    """Of one optimizer step over `ROWS`, by the trainer's own loop over the data."""
    from datasets import Dataset
    from trl import SFTConfig

    model, tokenizer = adapted(base)
    kept: dict[str, Any] = {}

    class Noted(trainer_class):  # type: ignore[misc]
        def training_step(self, model: Any, *args: Any, **more: Any) -> Any:
            loss = super().training_step(model, *args, **more)
            named = self.model.named_parameters()
            kept.update(loss=float(loss), gradients={n: p.grad.clone() for n, p in named if p.requires_grad})
            return loss

    Noted(
        model=model,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(ROWS),
        **more,
        args=SFTConfig(
            output_dir=str(out), max_steps=1, per_device_train_batch_size=len(ROWS), max_length=None, use_cpu=True,
            completion_only_loss=True, bf16=False, gradient_checkpointing=False, dataloader_pin_memory=False,
            save_strategy="no", report_to="none", disable_tqdm=True,
        ),
    ).train()  # fmt: skip
    return kept["loss"], kept["gradients"]


@pytest.mark.filterwarnings("ignore:`compute_loss_func` is deprecated:FutureWarning")
@pytest.mark.parametrize("tokens", [0, 1, 40], ids=["one pass", "a pass for each row", "some rows in a pass"])
def test_loss_and_gradients_of_sft_are_those_of_plain_trl(base: Path, tmp_path: Path, tokens: int) -> None:
    from trl import SFTTrainer

    loss, gradients = loss_and_gradients(SFTTrainer, base, tmp_path / "plain", compute_loss_func=in_float64)
    ours, our_gradients = loss_and_gradients(fast.make_trainer_class(tokens=tokens), base, tmp_path / "ours")
    assert ours == pytest.approx(loss, abs=1e-9)
    assert our_gradients.keys() == gradients.keys()
    for name, gradient in gradients.items():
        assert gradient.abs().max() > 1e-6, name
        torch.testing.assert_close(our_gradients[name], gradient, atol=1e-9, rtol=1e-9)


def test_rows_of_like_lengths_share_a_pass_and_padding_counts() -> None:
    assert fast.cut([5, 30, 6, 29, 7], 60) == [[1, 3], [4, 2, 0]]
    assert fast.cut([5, 30, 6], 10) == [[1], [2], [0]]
    assert fast.cut([5, 30, 6], 0) == [[1, 2, 0]]
    assert fast.cut([], 10) == []


def test_the_head_scores_as_many_tokens_as_have_a_label(base: Path) -> None:
    model, _ = load_model(str(base))
    scored = []
    model.lm_head.register_forward_hook(lambda module, given, made: scored.append(made.shape[0]))
    assert head.score_labels_only(model)
    ids = torch.arange(20).view(2, 10)
    labels = ids.clone()
    labels[:, :7] = -100
    model(input_ids=ids, labels=labels, fused_lm_head=True)
    assert scored == [6]
    assert model(input_ids=ids).logits.shape[:2] == (2, 10)  # without a loss it is what it was


def test_a_mask_is_left_out_only_where_the_padding_is_at_the_end() -> None:
    end, start = torch.tensor([[1, 1, 0], [1, 1, 1]]), torch.tensor([[0, 1, 1]])
    assert head.drop_padding_mask(end) is None
    assert head.drop_padding_mask(start) is start
    assert head.drop_padding_mask(None) is None


def test_a_switched_off_adapter_is_not_computed(base: Path) -> None:
    model, _ = adapted(base)
    ids = torch.arange(10)[None]
    with torch.no_grad(), model.disable_adapter():
        plain = model(input_ids=ids).logits
    assert lora.compute_in_one(model) == 7
    with torch.no_grad():
        assert not torch.allclose(model(input_ids=ids).logits, plain)
        with model.disable_adapter():
            torch.testing.assert_close(model(input_ids=ids).logits, plain)


@pytest.mark.parametrize("masked", [False, True])
def test_attention_by_products_is_torch_s(masked: bool) -> None:
    drawn = torch.Generator().manual_seed(1)
    q = torch.randn(2, 6, 11, 8, generator=drawn, dtype=torch.float64)
    k, v = (torch.randn(2, 2, 11, 8, generator=drawn, dtype=torch.float64) for _ in "kv")
    mask = (torch.rand(2, 1, 11, 11, generator=drawn) > 0.4) | torch.eye(11, dtype=torch.bool) if masked else None
    wanted = torch.nn.functional.scaled_dot_product_attention(
        q, k, v, mask, is_causal=not masked, enable_gqa=True, scale=0.3
    )
    found = attention.multiply(q, k, v, mask, scaling=0.3)
    torch.testing.assert_close(found, wanted.transpose(1, 2))


def test_numbers_and_threads_are_chosen_by_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    assert numbers.measure_fastest_dtype(device="cpu") in (torch.float32, torch.bfloat16)
    assert numbers.measure_fastest_dtype(device="cuda") is torch.bfloat16
    assert numbers.count_free_threads() >= 1
    before = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # what a user asks for is left alone
    assert numbers.use_free_threads() == before


# ── adapters as GGUF files ─────────────────────────────────────────────────────────────────────


def test_an_exported_adapter_is_trained_on_as_it_was(base: Path, tmp_path: Path) -> None:
    model, _ = load_model(str(base))
    trained, _ = adapted(base)
    trained.save_pretrained(tmp_path / "adapter")
    export(tmp_path / "adapter", tmp_path / "out", base=str(base))
    again, config = prepare(model, str(tmp_path / "out" / "lora.gguf"), rank=0, layers=0)
    assert config is None
    old = {name: weights for name, weights in trained.named_parameters() if weights.requires_grad}
    new = {name: weights for name, weights in again.named_parameters() if weights.requires_grad}
    assert new.keys() == old.keys()
    for name, weights in old.items():
        torch.testing.assert_close(new[name], weights.half().float(), atol=0, rtol=0)
    ids = torch.arange(10)[None]
    torch.testing.assert_close(
        again(input_ids=ids).logits.double(), trained(input_ids=ids).logits, atol=1e-2, rtol=1e-2
    )


def test_an_adapter_of_another_model_is_refused(base: Path, tmp_path: Path) -> None:
    adapted(base)[0].save_pretrained(tmp_path / "adapter")
    export(tmp_path / "adapter", tmp_path / "out", base=str(base))
    other, _ = load_model(str(tiny_llama(tmp_path / "tiny")))
    with pytest.raises(InputError, match="belongs to another model"):
        prepare(other, str(tmp_path / "out" / "lora.gguf"), rank=0, layers=0)
    with pytest.raises(InputError, match="is not a LoRA adapter"):
        prepare(other, str(base), rank=0, layers=0)
