"""What is exported says what the trained model says: llama.cpp against transformers, token by token."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from typer.testing import CliRunner

from policy_backends import model_file
from r1router import gguf_weights
from r1router.cli.commands import app
from r1router.errors import InputError
from small_llama import write_small_llama

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
export = pytest.importorskip("r1router.train.weights.export").export

# peft 0.21 uses a name that transformers 5.23 has given up.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

PROMPTS = [
    "Who won the 1998 World Cup?",
    "The capital of Norway",
    "a b c d e f g",
    "In 1896 the first modern Olympic Games were held in",
    "Žižek wrote that 12,345 people",
    "| Year | Gold | Silver |\n| 1999 | 4 |",
]
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
ALL = ("merged", "f16", "q8_0", "lora")


@dataclass(frozen=True)
class Case:
    base: Path
    adapter: Path
    exported: Path
    replies: list[tuple[list[int], list[int]]]
    """(prompt, what the base with the adapter says to it in torch, greedily), as token ids."""


def write_adapter(model: Any, folder: Path, **options: Any) -> Path:
    """An adapter that changes much: neither half is zero. The model is left with it."""
    torch.manual_seed(1)
    adapted = peft.get_peft_model(
        model, peft.LoraConfig(**({"r": 4, "lora_alpha": 8, "target_modules": LINEAR} | options))
    )
    for name, numbers in adapted.named_parameters():
        if ".lora_" in name:
            torch.nn.init.normal_(numbers, std=0.15)
    adapted.save_pretrained(folder)
    (folder / "prompts").mkdir()
    (folder / "prompts" / "next_step.j2").write_text("### user\n{{ question }}\n")
    return folder


def make_case(base: Path, folder: Path, *, tokens: int, **options: Any) -> Case:
    from r1router.train.weights.load import load_model

    loaded, tokenizer = load_model(str(base), device="cpu")
    adapter = write_adapter(loaded, folder / "adapter", **options)
    replies = []
    for text in PROMPTS:
        ids = tokenizer(text, return_tensors="pt", add_special_tokens=False)
        with torch.inference_mode():
            out = loaded.generate(**ids, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False)
        at = ids["input_ids"].shape[1]
        replies.append((out[0, :at].tolist(), out[0, at:].tolist()))
    export(adapter, folder / "out", base=str(base), forms=ALL)
    return Case(base, adapter, folder / "out", replies)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("export")
    return make_case(write_small_llama(folder / "base.gguf", seed=2), folder, tokens=16)


@contextmanager
def served(file: Path, *, lora: Path | None = None) -> Iterator[Callable[[list[int], int], list[int]]]:
    """A function of (prompt, how many) to the tokens that llama.cpp says greedily."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(file)
    params.n_parallel, params.n_ctx, params.port, params.verbosity = 1, 512, 0, 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    if lora:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(lora), 1.0)]
    server = xllamacpp.Server(params)
    address = server.listening_address

    def greedy(prompt: list[int], count: int) -> list[int]:
        body = {
            "prompt": prompt, "n_predict": count, "temperature": 0, "return_tokens": True, "cache_prompt": True,
            "ignore_eos": True, "repeat_penalty": 1.0,
        }  # fmt: skip
        request = urllib.request.Request(
            f"{address}/completion", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as response:
            return list(json.load(response)["tokens"])

    yield greedy
    del server


def replies_equal(case: Case, file: Path, *, lora: Path | None = None) -> int:
    with served(file, lora=lora) as greedy:
        return sum(greedy(prompt, len(reply)) == reply for prompt, reply in case.replies)


def agreement(case: Case, file: Path, *, lora: Path | None = None) -> float:
    """Share of the tokens that llama.cpp would have said too, each after the same ones before it."""
    right = total = 0
    with served(file, lora=lora) as greedy:
        for prompt, reply in case.replies:
            for i, token in enumerate(reply):
                right += greedy(prompt + reply[:i], 1) == [token]
                total += 1
    return right / total


def test_replies_of_the_f16_file_equal_those_of_torch(case: Case) -> None:
    assert len({token for _, reply in case.replies for token in reply}) > 12, "the model says next to nothing"
    assert replies_equal(case, case.exported / "model.F16.gguf") == len(PROMPTS)


def test_the_adapter_changes_what_is_said(case: Case) -> None:
    assert agreement(case, case.base) < 0.7


def test_the_8_bit_file_says_nearly_the_same(case: Case) -> None:
    assert agreement(case, case.exported / "model.Q8_0.gguf") > 0.85


def test_the_adapter_at_run_time_says_the_same_on_the_full_base_and_nearly_on_8_bits(
    case: Case, tmp_path: Path
) -> None:
    lora = case.exported / "lora.gguf"
    assert agreement(case, case.base, lora=lora) > 0.98
    gguf_weights.rewrite(case.base, tmp_path / "base8.gguf")
    assert agreement(case, tmp_path / "base8.gguf", lora=lora) > 0.85


def test_the_adapter_worked_in_without_torch_gives_the_exported_weights(case: Case, tmp_path: Path) -> None:
    gguf_weights.merge(case.base, case.exported / "lora.gguf", tmp_path / "merged.gguf", kind="F16")
    ours, exported = (
        {t.name: gguf.dequantize(t.data, t.tensor_type) for t in gguf.GGUFReader(file).tensors}
        for file in (tmp_path / "merged.gguf", case.exported / "model.F16.gguf")
    )
    assert ours.keys() == exported.keys()
    for name, numbers in ours.items():
        assert np.abs(numbers - exported[name]).max() < 2e-3 * np.abs(numbers).max(), name


def test_a_gguf_adapter_is_marked_as_llama_cpp_wants_it(case: Case) -> None:
    reader = gguf.GGUFReader(case.exported / "lora.gguf")
    said = {name: field.contents() for name, field in reader.fields.items() if not name.startswith("GGUF.")}
    assert said == {
        "general.architecture": "llama",
        "general.type": "adapter",
        "adapter.type": "lora",
        "adapter.lora.alpha": 8.0,
    }
    shapes = {t.name: (t.shape.tolist(), t.tensor_type.name) for t in reader.tensors}
    assert len(shapes) == 2 * 7 * 2
    assert shapes["blk.1.ffn_down.weight.lora_a"] == ([96, 4], "F16")
    assert shapes["blk.1.ffn_down.weight.lora_b"] == ([4, 64], "F16")


def test_the_merged_folder_is_a_model_like_any_other_with_the_tokenizer_and_the_prompts(
    case: Case, tmp_path: Path
) -> None:
    from r1router.train.weights.load import load_model

    merged, tokenizer = load_model(str(case.exported / "merged"), device="cpu")
    prompt, reply = case.replies[0]
    with torch.inference_mode():
        out = merged.generate(torch.tensor([prompt]), max_new_tokens=8, min_new_tokens=8, do_sample=False)
    assert out[0, len(prompt) :].tolist() == reply[:8]
    assert tokenizer.eos_token == "<|im_end|>"
    assert tokenizer.tokenize("in 1998") == ["in", "Ġ", "1", "9", "9", "8"]
    assert (case.exported / "merged" / "prompts" / "next_step.j2").is_file()
    assert (case.exported / "prompts" / "next_step.j2").is_file()
    # trained as a whole, it goes to GGUF as well
    again = export(case.exported / "merged", tmp_path, base=str(case.base), forms=["f16"])
    assert again == {"f16": tmp_path / "model.F16.gguf"}
    assert again["f16"].read_bytes() == (case.exported / "model.F16.gguf").read_bytes()


def test_a_gguf_adapter_comes_out_as_folders_for_servers_that_put_an_adapter_on_its_base(
    case: Case, tmp_path: Path
) -> None:
    from r1router.huggingface import add_adapter
    from r1router.train.weights.load import load_model

    forms = ["lora", "adapter", "base", "merged"]
    made = export(case.exported / "lora.gguf", tmp_path, base=str(case.base), forms=forms)
    assert made["lora"].read_bytes() == (case.exported / "lora.gguf").read_bytes()
    settings = json.loads((made["adapter"] / "adapter_config.json").read_text())
    assert (settings["peft_type"], settings["r"], settings["lora_alpha"]) == ("LORA", 4, 8.0)
    base, tokenizer = load_model(str(made["base"]), device="cpu")
    assert tokenizer.chat_template
    together, merged = add_adapter(base, str(made["adapter"])), load_model(str(made["merged"]), device="cpu")[0]
    for prompt, reply in case.replies[:2]:
        for model in (together, merged):
            with torch.inference_mode():
                out = model.generate(torch.tensor([prompt]), max_new_tokens=8, min_new_tokens=8, do_sample=False)
            assert out[0, len(prompt) :].tolist() == reply[:8]
    kept = sorted(str(p.parent.relative_to(tmp_path)) for p in tmp_path.glob("**/next_step.j2"))
    assert kept == ["adapter/prompts", "merged/prompts", "prompts"]


def test_the_router_that_ships_is_exported_by_its_name(case: Case, tmp_path: Path, monkeypatch: Any) -> None:
    from r1router.policies import _default_model

    monkeypatch.setattr(_default_model, "ROUTER", case.exported / "lora.gguf")
    made = export("default", tmp_path, base=str(case.base), forms=["adapter"])
    assert (made["adapter"] / "adapter_model.safetensors").is_file()
    assert (made["adapter"] / "prompts" / "next_step.j2").is_file()


def test_an_export_says_how_its_answers_come_to_be_found_by_the_encoder_that_ships(case: Case, tmp_path: Path) -> None:
    from r1router.policies import _default_model

    shutil.copytree(_default_model.ROUTER.with_name("prompts"), tmp_path / "prompts")
    shutil.copy(case.exported / "lora.gguf", tmp_path)
    asked = ["train", "export", str(tmp_path / "lora.gguf"), "--base", str(case.base), "--out", str(tmp_path / "out")]
    said = CliRunner().invoke(app, [*asked, "--form", "adapter"])
    assert f"extractor.onnx' '{tmp_path / 'out'}'" in said.output.replace("\n", "")
    (tmp_path / "out" / "extractor.onnx").touch()
    assert "extractor.onnx" not in CliRunner().invoke(app, [*asked, "--form", "adapter"]).output
    shutil.rmtree(tmp_path / "out")
    shutil.rmtree(tmp_path / "prompts")
    assert "extractor.onnx" not in CliRunner().invoke(app, [*asked, "--form", "adapter"]).output


def test_nothing_half_written_stays(case: Case) -> None:
    assert sorted(p.name for p in case.exported.iterdir()) == [
        "lora.gguf", "merged", "model.F16.gguf", "model.Q8_0.gguf", "prompts",
    ]  # fmt: skip


def test_what_a_gguf_adapter_cannot_hold_is_worked_into_the_weights_only(case: Case, tmp_path: Path) -> None:
    from r1router.train.weights.load import load_model

    loaded, _ = load_model(str(case.base), device="cpu")
    adapter = write_adapter(loaded, tmp_path / "dora", use_dora=True, target_modules=["v_proj"])
    with pytest.raises(InputError, match="use_dora"):
        export(adapter, tmp_path / "out", base=str(case.base), forms=["lora"])
    assert export(adapter, tmp_path / "out", base=str(case.base), forms=["q8_0"])["q8_0"].is_file()


@pytest.mark.parametrize(
    ("trained", "base", "forms", "said"),
    [
        ("nowhere", "", ["lora"], "nowhere holds neither an adapter"),
        ("adapter", "org/name", ["q8_0"], r"'org/name' is none(.|\n)*convert_hf_to_gguf"),
        ("adapter", "base.gguf", ["gguf"], "unknown form of export 'gguf'"),
        ("merged", "base.gguf", ["lora"], "a whole model"),
        ("merged", "base.gguf", ["merged", "base"], "the form 'base' is for adapters"),
        ("nowhere.gguf", "base.gguf", ["merged"], "nowhere.gguf"),
    ],
)
def test_what_cannot_be_exported_is_said(
    case: Case, tmp_path: Path, trained: str, base: str, forms: list[str], said: str
) -> None:
    source = {"adapter": case.adapter, "merged": case.exported / "merged"}.get(trained, tmp_path / trained)
    with pytest.raises(InputError, match=said):
        export(source, tmp_path / "out", base=str(case.base) if base == "base.gguf" else base, forms=forms)
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.slow
def test_with_the_default_model_too(tmp_path: Path) -> None:
    real = make_case(model_file(), tmp_path, tokens=16, r=8, lora_alpha=1)
    assert replies_equal(real, real.exported / "model.F16.gguf") == len(PROMPTS)
    assert agreement(real, real.exported / "model.Q8_0.gguf") > 0.9
    assert agreement(real, real.base, lora=real.exported / "lora.gguf") > 0.9
