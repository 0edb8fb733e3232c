"""What only the embedded llama.cpp does: picture encoders, adapters, prompts read once, characters of many tokens."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import time
from pathlib import Path

import gguf
import numpy as np
import PIL.Image
import pytest

from policy_backends import model_file
from r1router import parse
from r1router.drive.threads import wait_for
from r1router.policies import _default_model as default_model
from r1router.policies import open_policy
from r1router.types import Ask, Image, Message, Policy, Reply, Shape, Tag
from small_llama import write_small_llama

WIDTH, LAYERS = 576, 30  # of SmolLM2-135M
SMALL = "ctx=512&slots=1"


def one_reply(policy: Policy, ask: Ask) -> Reply:
    try:
        return wait_for(policy.reply(ask))
    finally:
        wait_for(policy.close())


def test_a_spaced_tag_is_written_after_a_space_by_the_model_and_read_without_it(tmp_path: Path) -> None:
    model = write_small_llama(tmp_path / "model.gguf")
    for spaced in (True, False):
        shape = Shape(((Tag("answer", 5, spaced=spaced),),))
        policy = open_policy(f"llamacpp:{model}?{SMALL}")
        reply = one_reply(policy, Ask((Message("user", "Who?"),), "final", shape, max_tokens=40))
        assert reply.text.startswith("<answer> ") == spaced
        assert parse.read_answer(reply).text == parse.read_answer(reply).text.strip()


def test_an_exact_policy_replies_the_same_in_every_order_and_beside_others(tmp_path: Path) -> None:
    model = write_small_llama(tmp_path / "model.gguf")
    policy = open_policy(f"llamacpp:{model}?ctx=512&exact=true")
    shape = parse.make_step_shape(("text", "table"), think=10, sub_question=10)
    asks = [
        Ask((Message("system", "Route it."), Message("user", "why " * n)), "plan", shape, ("text", "table"), 70)
        for n in (1, 2, 3, 5, 8, 13, 21, 34, 21, 2)
    ]

    async def reply_at_once() -> list[Reply]:
        return list(await asyncio.gather(*map(policy.reply, asks)))

    try:
        first = [wait_for(policy.reply(ask)) for ask in asks]
        backwards = [wait_for(policy.reply(ask)) for ask in reversed(asks)]
        at_once = wait_for(reply_at_once())
    finally:
        wait_for(policy.close())
    assert len({reply.text for reply in first}) > 5
    assert backwards[::-1] == first
    assert at_once == first


def colour(*pictures: Image) -> Ask:
    return Ask((Message("user", "What colour is it?", pictures),), "final", labels=("red",), max_tokens=2)


def square(of: str) -> Image:
    data = io.BytesIO()
    PIL.Image.new("RGB", (40, 30), of).save(data, "PNG")
    return Image(data.getvalue())


def write_projector(file: Path, *, size: int = 28, patch: int = 14, dim: int = 32, layers: int = 2) -> Path:
    """A LLaVA-style picture encoder with random weights, four tokens a picture."""
    random = np.random.default_rng(0)
    writer = gguf.GGUFWriter(file, "clip")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_bool("clip.has_llava_projector", True)
    writer.add_string("clip.projector_type", "mlp")
    writer.add_bool("clip.use_gelu", True)
    sizes = {"image_size": size, "patch_size": patch, "embedding_length": dim, "feed_forward_length": 2 * dim}
    for name, value in (sizes | {"projection_dim": WIDTH, "attention.head_count": 2, "block_count": layers}).items():
        writer.add_uint32(f"clip.vision.{name}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    writer.add_array("clip.vision.image_mean", [0.5] * 3)
    writer.add_array("clip.vision.image_std", [0.5] * 3)

    def tensor(name: str, *shape: int) -> None:
        writer.add_tensor(name, random.normal(scale=0.1, size=shape).astype(np.float32))

    def linear(name: str, outputs: int, *inputs: int) -> None:
        tensor(f"{name}.weight", outputs, *inputs)
        tensor(f"{name}.bias", outputs)

    tensor("v.class_embd", dim)
    tensor("v.patch_embd.weight", dim, 3, patch, patch)
    tensor("v.position_embd.weight", (size // patch) ** 2 + 1, dim)
    linear("v.pre_ln", dim)
    linear("v.post_ln", dim)
    for i in range(layers):
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            linear(f"v.blk.{i}.{name}", dim, dim)
        linear(f"v.blk.{i}.ln1", dim)
        linear(f"v.blk.{i}.ln2", dim)
        linear(f"v.blk.{i}.ffn_up", 2 * dim, dim)
        linear(f"v.blk.{i}.ffn_down", dim, 2 * dim)
    linear("mm.0", WIDTH, dim)
    linear("mm.2", WIDTH, WIDTH)
    return finish(writer, file)


def write_adapter(file: Path, *, rank: int = 4, layers: int = LAYERS, width: int = WIDTH, scale: float = 0.1) -> Path:
    """A LoRA adapter with random weights for the attention of every layer."""
    file.parent.mkdir(exist_ok=True)
    random = np.random.default_rng(0)
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 8.0)
    for i in range(layers):
        for half, shape in (("a", (rank, width)), ("b", (width, rank))):
            numbers = random.normal(scale=scale, size=shape).astype(np.float32)
            writer.add_tensor(f"blk.{i}.attn_q.weight.lora_{half}", numbers)
    return finish(writer, file)


def finish(writer: gguf.GGUFWriter, file: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def test_pictures_reach_the_model_where_there_is_an_encoder_for_them(tmp_path: Path) -> None:
    policy = open_policy(f"llamacpp:{model_file()}?mmproj={write_projector(tmp_path / 'p.gguf')}&{SMALL}")
    blind, red, both = (
        wait_for(policy.reply(ask)) for ask in (colour(), colour(square("red")), colour(square("red"), square("blue")))
    )
    wait_for(policy.close())
    assert red.prompt_tokens - blind.prompt_tokens == 4
    assert both.prompt_tokens - red.prompt_tokens == 4
    assert len({reply.tokens[0].logprob for reply in (blind, red, both)}) == 3


def test_an_adapter_changes_what_the_model_thinks(tmp_path: Path) -> None:
    plain = one_reply(open_policy(f"llamacpp:{model_file()}?{SMALL}"), colour())
    file = write_adapter(tmp_path / "a.gguf")
    adapted = one_reply(open_policy(f"llamacpp:{model_file()}?lora={file}&{SMALL}"), colour())
    assert abs(plain.tokens[0].logprob - adapted.tokens[0].logprob) > 1e-3


def test_an_adapter_or_a_model_brings_the_prompts_beside_it(tmp_path: Path) -> None:
    model = write_small_llama(tmp_path / "model" / "small.gguf")
    lora = write_adapter(tmp_path / "adapter" / "lora.gguf", layers=2, width=64)

    def brought(options: str = "") -> Path | None:
        policy = open_policy(f"llamacpp:{model}?{SMALL}{options}")
        wait_for(policy.close())
        return policy.prompts

    assert brought() is None
    assert brought(f"&lora={lora}") is None
    for folder in (model.parent, lora.parent):
        (folder / "prompts").mkdir()
        (folder / "prompts" / "next_step.j2").write_text("### user\n{{ question }}\n")
    assert brought() == model.parent / "prompts"
    assert brought(f"&lora={lora}") == lora.parent / "prompts"


def test_without_a_file_our_router_is_served_and_the_bare_model_where_that_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("R1ROUTER_CACHE", str(tmp_path / "cache"))
    write_small_llama(tmp_path / "cache" / default_model.SERVED)
    shipped = write_adapter(tmp_path / "shipped" / "lora.gguf", layers=2, width=64, scale=0.4)
    (shipped.parent / "prompts").mkdir()
    (shipped.parent / "prompts" / "next_step.j2").write_text("### user\n{{ question }}\n")

    def first(options: str = "") -> tuple[float, Path | None]:
        policy = open_policy(f"llamacpp:?{SMALL}{options}")
        return one_reply(policy, colour()).tokens[0].logprob, policy.prompts

    monkeypatch.setattr(default_model, "ROUTER", tmp_path / "nowhere" / "lora.gguf")
    bare, none = first()
    assert none is None
    monkeypatch.setattr(default_model, "ROUTER", shipped)
    assert first("&lora=none") == (bare, None)
    routed, prompts = first()
    assert abs(routed - bare) > 1e-3
    assert prompts == shipped.parent / "prompts"
    at_run_time, prompts = first(f"&lora={shipped}")
    assert abs(at_run_time - routed) < abs(bare - routed) / 2  # the base is not in 8 bits here
    assert prompts == shipped.parent / "prompts"


def test_a_character_of_several_tokens_is_one_token_of_the_reply() -> None:
    shape = Shape(((Tag("answer", choices=("東京 𝄞 😀",)),),))
    ask = Ask((Message("user", "Say it."),), "final", shape, labels=("x",), max_tokens=40)
    reply = one_reply(open_policy(f"llamacpp:{model_file()}?{SMALL}"), ask)
    assert "".join(token.text for token in reply.tokens) == reply.text == "<answer>東京 𝄞 😀</answer>"
    assert len(reply.tokens) < reply.completion_tokens


def test_the_beginning_that_two_prompts_share_is_read_once() -> None:
    policy = open_policy(f"llamacpp:{model_file()}?ctx=1024&slots=1")
    system = Message("system", "You answer in one word. " * 80)

    def seconds(question: str) -> float:
        began = time.process_time()
        wait_for(policy.reply(Ask((system, Message("user", question)), "final", max_tokens=1)))
        return time.process_time() - began

    first, second = seconds("Where is Oslo?"), seconds("Where is Rome?")
    wait_for(policy.close())
    assert second < first / 2


def test_a_program_that_forgets_to_close_ends_quietly() -> None:
    code = f"from r1router import open_policy; policy = open_policy('llamacpp:{model_file()}?{SMALL}')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": "src"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", ["lora", "mmproj"])
def test_a_spec_keeps_its_options(tmp_path: Path, name: str) -> None:
    file = {"lora": write_adapter, "mmproj": write_projector}[name](tmp_path / "x.gguf")
    spec = f"llamacpp:{model_file()}?{name}={file}&{SMALL}"
    policy = open_policy(spec)
    wait_for(policy.close())
    assert policy.spec == spec
