"""What only the transformers policy does: batches, models that see, adapters."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable
from pathlib import Path

import PIL.Image
import pytest

from policy_backends import tiny_llama, tiny_llava
from r1router.drive.threads import wait_for
from r1router.errors import InputError, PolicyError
from r1router.policies import open_policy
from r1router.types import Ask, Image, Message, Policy, Reply

torch = pytest.importorskip("torch", reason="the transformers policy is an extra")
tf = pytest.importorskip("transformers", reason="the transformers policy is an extra")


def ask(words: str, *pictures: Image) -> Ask:
    return Ask((Message("user", words, pictures),), "final", labels=("red",), max_tokens=6)


def square(of: str) -> Image:
    data = io.BytesIO()
    PIL.Image.new("RGB", (40, 30), of).save(data, "PNG")
    return Image(data.getvalue())


def together(policy: Policy, *asks: Ask) -> list[Reply | BaseException]:
    async def gather(replies: list[Awaitable[Reply]]) -> list[Reply | BaseException]:
        return await asyncio.gather(*replies, return_exceptions=True)

    return wait_for(gather([policy.reply(ask) for ask in asks]))


def test_pictures_reach_a_model_that_sees_each_with_its_own_ask(tmp_path: Path) -> None:
    policy = open_policy(f"transformers:{tiny_llava(tmp_path)}")
    asks = [ask("What?"), ask("What?", square("red")), ask("What?", square("blue"), square("red")), ask("What?")]
    batch = together(policy, *asks)
    alone = [together(policy, one)[0] for one in asks]
    wait_for(policy.close())
    assert [r.prompt_tokens - batch[0].prompt_tokens for r in batch] == [0, 4, 8, 0]
    assert [r.text for r in batch] == [r.text for r in alone]
    assert batch[1].tokens[0].logprob != pytest.approx(batch[0].tokens[0].logprob, abs=1e-6)


def test_one_bad_ask_spoils_no_others(tmp_path: Path) -> None:
    policy = open_policy(f"transformers:{tiny_llama(tmp_path)}")
    good, long, also_good = together(policy, ask("a"), ask("x" * 600), ask("b"))
    wait_for(policy.close())
    assert isinstance(good, Reply)
    assert isinstance(also_good, Reply)
    assert isinstance(long, PolicyError)
    assert "holds 512" in str(long)


def test_a_closed_policy_says_so(tmp_path: Path) -> None:
    policy = open_policy(f"transformers:{tiny_llama(tmp_path)}")
    wait_for(policy.close())
    with pytest.raises(PolicyError, match="is closed"):
        wait_for(policy.reply(ask("a")))


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # between peft and transformers
def test_an_adapter_changes_what_the_model_thinks_and_brings_its_prompts(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="adapters are loaded with peft")
    model = tiny_llama(tmp_path / "model")
    lora = peft.LoraConfig(target_modules=["q_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    peft.get_peft_model(tf.AutoModelForCausalLM.from_pretrained(model), lora).save_pretrained(tmp_path / "lora")
    (tmp_path / "lora" / "prompts").mkdir()
    (tmp_path / "lora" / "prompts" / "next_step.j2").write_text("### user\n{{ question }}\n")
    plain, adapted = (open_policy(f"transformers:{model}{option}") for option in ("", f"?adapter={tmp_path}/lora"))
    before, after = (wait_for(policy.reply(ask("a"))).tokens[0].logprob for policy in (plain, adapted))
    wait_for(plain.close())
    wait_for(adapted.close())
    assert abs(before - after) > 1e-4
    assert (plain.prompts, adapted.prompts) == (None, tmp_path / "lora" / "prompts")
    with pytest.raises(InputError, match="adapter '/nowhere'"):
        open_policy(f"transformers:{model}?adapter=/nowhere")


def test_a_model_without_a_chat_template_is_refused(tmp_path: Path) -> None:
    model = tiny_llama(tmp_path)
    (model / "chat_template.jinja").unlink()
    with pytest.raises(InputError, match="no chat template"):
        open_policy(f"transformers:{model}")


def test_weights_that_may_hold_code_are_not_loaded(tmp_path: Path) -> None:
    """A pickle runs what it holds; only safetensors are numbers and nothing else."""
    model = tiny_llama(tmp_path)
    [weights] = model.glob("*.safetensors")
    torch.save({}, model / "pytorch_model.bin")
    weights.unlink()
    with pytest.raises(InputError, match="safetensors"):
        open_policy(f"transformers:{model}")
