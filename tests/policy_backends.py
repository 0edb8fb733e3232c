"""The policies under test: the scripted one, and real models behind every backend."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from r1router.errors import PolicyError
from r1router.parse import write_step
from r1router.policies import _default_model as default_model
from r1router.policies import open_policy
from r1router.policies.scripted import Scripted
from r1router.types import Ask, Policy, Reply, Step, Token

KEY_ENV = "R1ROUTER_TEST_KEY"


@dataclass(frozen=True)
class Backend:
    policy: Policy
    constrains: bool = False
    """Decodes under the shape of an ask."""


def model_file() -> Path:
    """The default model, fetched where it is not here yet; the test is skipped where that cannot be done."""
    try:
        return default_model.find_model()
    except PolicyError as error:
        pytest.skip(str(error).splitlines()[0])


@contextmanager
def scripted(folder: Path) -> Iterator[Backend]:
    """Says something that depends on the question alone, with probabilities where they are asked for."""

    def answer(ask: Ask) -> str | Reply:
        if not ask.shape:
            return f"Of {ask.messages[-1].content!r} I know nothing. " * 50
        text = write_step(Step(sub_question="What is it?", routes=("text",)), "Text Retriever")
        return Reply(text, tuple(Token(c, -0.1, ((c, -0.1), ("?", -2.4))) for c in text) if ask.labels else ())

    yield Backend(Scripted(answer), constrains=True)


@contextmanager
def llamacpp(folder: Path) -> Iterator[Backend]:
    yield Backend(open_policy(f"llamacpp:{model_file()}?ctx=1024&slots=4"), constrains=True)


@contextmanager
def openai(folder: Path) -> Iterator[Backend]:
    with llama_server(key="not to be told") as url:
        os.environ[KEY_ENV] = "not to be told"
        yield Backend(open_policy(f"openai:smol@{url}?key_env={KEY_ENV}"), constrains=True)


@contextmanager
def transformers(folder: Path) -> Iterator[Backend]:
    yield Backend(open_policy(f"transformers:{tiny_llama(folder)}"))


BACKENDS: list[Callable[[Path], Any]] = [scripted, llamacpp, openai, transformers]


@contextmanager
def llama_server(*, key: str) -> Iterator[str]:
    """A real OpenAI-compatible server on 127.0.0.1: llama.cpp's own, with the default model. Gives its URL."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model_file())
    params.n_parallel, params.n_ctx, params.port, params.api_keys = 4, 4 * 1024, 0, [key]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.verbosity = 0
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"
    del server


def tiny_llama(folder: Path, *, width: int = 32) -> Path:
    """A Llama with random weights and a byte tokenizer: no sense, but everything that a model has."""
    torch = pytest.importorskip("torch", reason="the transformers policy is an extra")
    tf = pytest.importorskip("transformers", reason="the transformers policy is an extra")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    marks = ["<|im_start|>", "<|im_end|>"]
    vocabulary = [*marks, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    bytewise = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(vocabulary)}, merges=[]))
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytewise.decoder = decoders.ByteLevel()
    tokenizer = tf.PreTrainedTokenizerFast(tokenizer_object=bytewise, eos_token=marks[1], pad_token=marks[1])
    tokenizer.add_special_tokens({"additional_special_tokens": marks[:1]})
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "<|im_start|>assistant\n"
    )
    torch.manual_seed(0)
    config = tf.LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        initializer_range=0.4,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    tf.LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_llava(folder: Path) -> Path:
    """The tiny Llama, seeing through a CLIP of its size: five tokens a picture with the class token, four without."""
    torch = pytest.importorskip("torch", reason="the transformers policy is an extra")
    tf = pytest.importorskip("transformers", reason="the transformers policy is an extra")
    tokenizer = tf.AutoTokenizer.from_pretrained(tiny_llama(folder))
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<image>"]})
    sizes: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    seeing = tf.CLIPVisionConfig(**sizes, num_attention_heads=2, image_size=28, patch_size=14, projection_dim=32)
    saying = tf.LlamaConfig(
        **sizes, num_attention_heads=4, vocab_size=len(tokenizer), eos_token_id=1, pad_token_id=1, bos_token_id=0
    )
    picture = tokenizer.convert_tokens_to_ids("<image>")
    torch.manual_seed(0)
    model = tf.LlavaForConditionalGeneration(
        tf.LlavaConfig(vision_config=seeing, text_config=saying, image_token_index=picture)
    )
    model.generation_config.eos_token_id = 1
    model.save_pretrained(folder)
    template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n"
        "{% for c in m.content %}{{ '<image>' if c.type == 'image' else c.text }}{% endfor %}<|im_end|>\n"
        "{% endfor %}<|im_start|>assistant\n"
    )
    tf.LlavaProcessor(
        image_processor=tf.CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}),
        tokenizer=tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token="<image>",
        chat_template=template,
    ).save_pretrained(folder)
    return folder
