"""Training on a base in 4 bits: it is rounded while it is loaded, and the adapter is of the numbers that are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from policy_backends import tiny_llama
from r1router.errors import InputError, UnknownName
from r1router.huggingface import add_adapter
from r1router.train import run_folder
from r1router.train.settings import SftSettings
from r1router.train.weights.load import load_model


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("four") / "base", width=128)  # rounded in blocks of 64


@pytest.fixture
def bitsandbytes() -> None:
    pytest.importorskip("bitsandbytes", reason="it is an extra: pip install 'r1router[four-bits]'")


@pytest.mark.usefixtures("bitsandbytes")
def test_a_base_in_four_bits_is_smaller_and_says_much_the_same(base: Path) -> None:
    import torch

    whole, _ = load_model(str(base), dtype=torch.float32)
    rounded, tokenizer = load_model(f"{base}?bits=4", dtype=torch.float32)
    assert type(rounded.model.layers[0].mlp.up_proj).__name__ == "Linear4bit"
    assert rounded.get_memory_footprint() < whole.get_memory_footprint()
    ids = tokenizer("Where is it?", return_tensors="pt").input_ids.to(rounded.device)
    with torch.no_grad():
        one, other = whole(ids.cpu()).logits, rounded(ids).logits.cpu()
    assert torch.nn.functional.cosine_similarity(one.flatten(), other.flatten(), dim=0) > 0.7
    assert not torch.equal(one, other)


@pytest.mark.usefixtures("bitsandbytes")
@pytest.mark.filterwarnings("ignore")  # those of bitsandbytes about CPUs
def test_an_adapter_is_trained_on_it(base: Path, tmp_path: Path) -> None:
    pytest.importorskip("trl", reason="training is an extra")
    from r1router.train import sft
    from test_sft import STEPS, write_steps

    write_steps(STEPS, tmp_path / "steps.jsonl")
    small = SftSettings(base=f"{base}?bits=4", lora=4, batch=2, optimizer_steps=2, learning_rate=1e-2)
    adapter = sft.run([tmp_path / "steps.jsonl"], tmp_path / "run", small)
    assert (adapter / "adapter_model.safetensors").is_file()
    plain, _ = load_model(str(base))
    assert add_adapter(plain, str(adapter)) is not None  # it fits the base in 16 bits
    with pytest.raises(InputError, match="give --lora a rank"):
        sft.run([tmp_path / "steps.jsonl"], tmp_path / "none", SftSettings(base=f"{base}?bits=4", lora=0))


def test_other_bits_and_other_options_are_refused(base: Path) -> None:
    with pytest.raises(InputError, match="in 16 bits or in 4, not in 3"):
        load_model(f"{base}?bits=3")
    with pytest.raises(UnknownName, match="did you mean 'bits'"):
        load_model(f"{base}?bit=4")


def test_a_run_knows_a_base_in_four_bits_by_its_name_digest_and_bits(base: Path, tmp_path: Path) -> None:
    (tmp_path / "steps.jsonl").write_text("")
    run_folder.open_run(
        tmp_path / "run", method="sft", settings=SftSettings(base=f"{base}?bits=4"), files=[tmp_path / "steps.jsonl"]
    )
    told = json.loads((tmp_path / "run" / "run.json").read_text())["settings"]["base"]
    assert (told["name"], told["bits"], len(told["sha256"])) == ("base", "4", 64)
