"""What training starts from: the served weights, and a tokenizer that cuts text as the server does."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from policy_backends import llama_server, model_file
from r1router.errors import InputError
from r1router.policies._chat import write_chat_json
from r1router.prompts import Prompts
from r1router.train.weights import gguf_llama
from r1router.types import Ask, Card, Evidence, Question, Step, Trajectory
from small_llama import write_small_llama

KEY = "not to be told"
TEXTS = [
    "Who won the 1998 FIFA World Cup final, 3–0, before 80,000 people on 12.07.1998?",
    "Žižek, Đorđević and García Márquez met in São Paulo; naïve café, Ελληνικά, Русский, עברית, العربية, हिन्दी",
    "東京の人口は 13,960,236 人 (2021年)。 서울특별시 ½ ² Ⅻ ٣٤ 三",
    "🇳🇴 🏳️‍🌈 👩‍👩‍👧 zero\u200bwidth, soft\u00adhyphen, a\u00a0b, tabs\there,  two  spaces ,\r\nlines\n\n\n  indented",
    "it's we'll I'D don't | Year | Gold | 1,234.50 | -7 | $5.00 | 50% | x_1 = {y: [2]} // http://a.b/c?d=1&e=2#f",
    "<think>x</think>\n<sub-question>None</sub-question>\n<ret>Text Retriever</ret> <|im_end|> <|endoftext|>",
    "e\u0301 against \u00e9; ﬁ; ＡＢＣ１２３; \ufeff; a" + "\u0301" * 5,
]


def asks() -> list[Ask]:
    """Our own prompts, every kind of them, over questions with digits and foreign letters."""
    cards = {
        "text": Card("text", "text", "Encyclopedia passages, 2023"),
        "image": Card("image", "image", "Pictures of flags"),
        "stats": Card("stats", "table", "Tables of 195 countries: population, GDP (US$), área em km²"),
    }
    rendered = []
    for prompts in (Prompts(), *(Prompts(p) for p in sorted(Prompts().folder.parent.iterdir()))):
        for number, text in enumerate(TEXTS):
            start = Trajectory(Question(text))
            evidence = tuple(Evidence("stats", str(i), f"{t}\n{i}{number}") for i, t in enumerate(TEXTS[number:]))
            step = Step("It is not known.", text[:60], ("stats",), evidence=evidence, answer=TEXTS[number - 1])
            later = start.add(step)
            rendered += [
                prompts.next_step(start, cards),
                prompts.next_step(later.add(replace(step, answer="")), cards),
                prompts.answer_step(start, step),
                prompts.final_answer(later),
            ]
    return rendered


def posted(url: str, path: str, body: Any) -> Any:
    request = urllib.request.Request(
        url.removesuffix("/v1") + path,
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with llama_server(key=KEY) as url:
        yield url


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from r1router.train.weights import load

    file = model_file()
    return load._tokenizer(file, gguf_llama.read_metadata(gguf_llama.read(file)))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_llama(tmp_path_factory.mktemp("small") / "small.gguf")


def test_prompts_become_the_tokens_that_llama_cpp_reads(server: str, tokenizer: Any) -> None:
    rendered = asks()
    assert len(rendered) >= 50
    for ask in rendered:
        messages = write_chat_json(ask.messages)
        theirs = posted(server, "/apply-template", {"messages": messages})["prompt"]
        ours = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        assert ours == theirs
        ids = posted(server, "/tokenize", {"content": theirs, "parse_special": True})["tokens"]
        assert tokenizer(ours, add_special_tokens=False).input_ids == ids


def test_loose_text_becomes_the_same_tokens_and_comes_back_whole(server: str, tokenizer: Any) -> None:
    for text in TEXTS:
        ids = tokenizer(text, add_special_tokens=False).input_ids
        assert ids == posted(server, "/tokenize", {"content": text, "parse_special": True})["tokens"]
        assert tokenizer.decode(ids) == text


def test_the_end_of_a_turn_ends_a_reply_and_fills_a_batch(tokenizer: Any) -> None:
    assert tokenizer.eos_token == tokenizer.pad_token == "<|im_end|>"
    assert tokenizer.eos_token_id == tokenizer.pad_token_id == 2


def test_the_weights_of_a_gguf_file_arrive_in_transformers_order(small: Path) -> None:
    torch = pytest.importorskip("torch")
    from r1router.train.weights.load import load_model

    loaded, _ = load_model(str(small), device="cpu")
    assert loaded.dtype == torch.float32
    assert loaded.config.eos_token_id == loaded.config.pad_token_id == 2
    assert loaded.lm_head.weight.data_ptr() == loaded.model.embed_tokens.weight.data_ptr()
    reader = gguf.GGUFReader(small)
    rows = {t.name: gguf.dequantize(t.data, t.tensor_type) for t in reader.tensors}
    attention = loaded.model.layers[1].self_attn
    assert np.array_equal(attention.v_proj.weight.numpy(force=True), rows["blk.1.attn_v.weight"])
    for name, ours in (("attn_q", attention.q_proj), ("attn_k", attention.k_proj)):
        heads = gguf_llama.count_heads(f"blk.1.{name}.", gguf_llama.read_metadata(reader))
        matrix = ours.weight.numpy(force=True)
        assert not np.array_equal(matrix, rows[f"blk.1.{name}.weight"])
        assert np.array_equal(gguf_llama.permute(matrix, heads), rows[f"blk.1.{name}.weight"])


def test_on_a_gpu_the_numbers_are_half_as_wide(small: Path) -> None:
    torch = pytest.importorskip("torch")
    from r1router.train.weights.load import load_model

    assert load_model(str(small), device="cuda")[0].dtype == torch.bfloat16


def test_names_are_those_of_llama_cpp_and_others_are_refused() -> None:
    assert gguf_llama.map_names(["model.layers.11.mlp.down_proj.weight", "lm_head.weight"]) == {
        "model.layers.11.mlp.down_proj.weight": "blk.11.ffn_down.weight",
        "lm_head.weight": "output.weight",
    }
    with pytest.raises(InputError, match=r"'model.layers.0.self_attn.q_norm.weight' is none of the Llama family"):
        gguf_llama.map_names(["model.layers.0.self_attn.q_norm.weight"])
    assert gguf_llama.is_constant("rope_freqs.weight")
    assert gguf_llama.is_constant("blk.3.attn_rot_embd.weight")
    assert not gguf_llama.is_constant("blk.3.attn_q.weight")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("nowhere.gguf", "there is no model at nowhere.gguf"),
        ("nobody-here/no-such-model", "cannot load the model 'nobody-here/no-such-model'(.|\n)*default model"),
    ],
)
def test_a_model_that_is_not_there_is_named(spec: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from r1router.train.weights.load import load_model

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=said):
        load_model(spec)


def test_another_architecture_is_pointed_to_its_hugging_face_folder(tmp_path: Path) -> None:
    file = tmp_path / "other.gguf"
    writer = gguf.GGUFWriter(file, "qwen2")
    writer.add_tensor("output_norm.weight", np.ones(32, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(InputError, match=r"'qwen2'(.|\n)*convert_hf_to_gguf"):
        gguf_llama.read_metadata(gguf_llama.read(file))


def test_a_file_that_is_no_gguf_is_named(tmp_path: Path) -> None:
    file = tmp_path / "words.gguf"
    file.write_text("these are words")
    with pytest.raises(InputError, match="not a GGUF file"):
        gguf_llama.read(file)
