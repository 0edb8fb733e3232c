"""Replies that share their prompt's keys are sampled as replies that have copies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from small_llama import write_small_llama

torch = pytest.importorskip("torch", reason="training is an extra")
pytest.importorskip("trl", reason="training is an extra")

from r1router.train.fast import sampling  # noqa: E402  # after the skips
from r1router.train.fast.attention import use_products  # noqa: E402
from r1router.train.weights.load import load_model  # noqa: E402

PROMPTS = ((7, 8, 9, 10, 11), (30, 31), (50, 51, 52))
END = 20


@pytest.fixture
def model(tmp_path: Path) -> Any:
    loaded, _ = load_model(str(write_small_llama(tmp_path / "base.gguf", seed=3)), dtype=torch.float32)
    use_products(loaded)
    return loaded


def sample(model: Any, count: int = 6, ends: tuple[int, ...] = (END,)) -> list[list[sampling.Tokens]]:
    torch.manual_seed(5)
    return sampling.sample_groups(model, PROMPTS, count=count, temperature=1.0, max_tokens=12, ends=ends, pad=0)


def test_replies_and_numbers_are_those_of_copied_prompts(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = tuple(range(0, 256, 6))  # so that replies leave at many times
    shared = sample(model, ends=ends)
    monkeypatch.setattr(sampling, "can_share", lambda _: False)
    copied = sample(model, ends=ends)
    assert [[reply.ids for reply in group] for group in shared] == [[reply.ids for reply in group] for group in copied]
    assert len({len(reply.ids) for group in shared for reply in group}) > 3
    for one, other in zip(shared, copied, strict=True):
        for reply, same in zip(one, other, strict=True):
            assert reply.logprobs == pytest.approx(same.logprobs, abs=1e-4)


def test_the_keys_of_a_prompt_are_not_copied(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    keep = sampling.SharedPrompts.__init__

    def kept(self: Any, *args: Any, **more: Any) -> None:
        keep(self, *args, **more)
        made.append(self)

    monkeypatch.setattr(sampling.SharedPrompts, "__init__", kept)
    sample(model, count=6)
    assert [layer.prompt_keys.shape[0] for layer in made[0].layers] == [3] * len(made[0].layers)


def test_a_model_whose_attention_is_its_own_gets_copies(tmp_path: Path) -> None:
    plain, _ = load_model(str(write_small_llama(tmp_path / "base.gguf", seed=3)), dtype=torch.float32)
    assert not sampling.can_share(plain.config)
    assert len(sample(plain)) == 3


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    torch.manual_seed(1)
    likely = torch.tensor([0.0, 0.5, 0.0, 0.3, 0.2, 0.0])
    tokens, logprobs = sampling.draw(likely.log().expand(20_000, 6), 1.0)
    shares = torch.bincount(tokens, minlength=6) / len(tokens)
    assert shares.tolist() == pytest.approx(likely.tolist(), abs=0.02)
    assert shares[likely == 0].sum() == 0
    assert logprobs.exp().tolist() == pytest.approx(likely[tokens].tolist())
