"""Exports a trained adapter, or a wholly trained model, as the files that are served: weights, GGUF, a GGUF adapter."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from r1router import gguf_weights, huggingface
from r1router.errors import InputError, MissingExtra, UnknownName
from r1router.train.weights import gguf_llama
from r1router.train.weights.gguf_llama import Array

log = logging.getLogger(__name__)

Template = tuple[Path, Mapping[str, Any]]

FILES = {"merged": "merged", "f16": "model.F16.gguf", "q8_0": "model.Q8_0.gguf", "lora": "lora.gguf"}
"""Every form, and what it is called in the folder that it is written into."""


def export(
    trained: str | Path, out: str | Path, *, base: str = "", forms: Sequence[str] = ("lora",), template: str = ""
) -> dict[str, Path]:
    """Each of `forms` to the path under `out` that it was written to, whole or not at all.

        merged    a Hugging Face folder: weights with the adapter worked in, in float32, and the tokenizer
        f16       the same as one GGUF file
        q8_0      the same in 8 bits: what the embedded policy serves
        lora      the adapter alone, as a GGUF file for `llamacpp:BASE?lora=FILE`

    `trained` is the folder of a PEFT adapter or of a model. `base` is what it was trained from, as in
    `load_model`. The GGUF forms are for the Llama family and need a GGUF file of the same model, whose settings and
    tokenizer they take: `base` where it is one, else `template`. A folder `prompts` in `trained` goes with each.
    Raises `InputError` for what cannot be written, `MissingExtra`.
    """
    trained, out = Path(trained), Path(out)
    for form in forms:
        if form not in FILES:
            raise UnknownName("form of export", form, FILES)
    has_adapter = (trained / "adapter_config.json").is_file()
    if not has_adapter and not (trained / "config.json").is_file():
        raise InputError(f"{trained} holds neither an adapter (adapter_config.json) nor a model (config.json)")
    if not has_adapter and "lora" in forms:
        raise InputError(f"{trained} holds a whole model; the form 'lora' is for adapters")
    like = _template(base, template) if set(forms) - {"merged"} else None
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix="export-") as made:
        folder = Path(made)
        if like is not None and "lora" in forms:
            _write_lora(trained, folder / FILES["lora"], like[1])
        whole = [form for form in forms if form != "lora"]
        if whole:
            model, tokenizer = _merged(trained, base, has_adapter)
            if like is not None and set(whole) - {"merged"}:
                _write_gguf(model, folder, like, [form for form in whole if form != "merged"])
            if "merged" in whole:
                model.save_pretrained(folder / FILES["merged"])
                tokenizer.save_pretrained(folder / FILES["merged"])
        _place(folder, out)
    _bring_prompts(trained, [out, *([out / FILES["merged"]] if "merged" in forms else [])])
    return {form: out / FILES[form] for form in forms}


def _template(base: str, template: str) -> Template:
    """The GGUF file that settings and tokenizer are taken from, and its settings."""
    from r1router.train.weights.load import find_gguf_file

    file = find_gguf_file(template or base)
    if file is None:
        raise InputError(
            f"GGUF is written from a GGUF file of the same model, and {template or base!r} is none: name one as the "
            "template, or export 'merged' and give it to llama.cpp's convert_hf_to_gguf.py"
        )
    return file, gguf_llama.read_metadata(gguf_llama.read(file))


# ── whole weights ──────────────────────────────────────────────────────────────────────────────


def _merged(trained: Path, base: str, has_adapter: bool) -> tuple[Any, Any]:
    """(model with the adapter worked in, tokenizer), in float32, where working it in loses nothing."""
    from r1router.train.weights.load import load_model

    if not has_adapter:
        return load_model(str(trained), device="cpu")
    loaded, tokenizer = load_model(base, device="cpu")
    return huggingface.add_adapter(loaded, str(trained)), tokenizer


def _write_gguf(model: Any, folder: Path, like: Template, forms: Sequence[str]) -> None:
    file, metadata = like
    tied = model.config.tie_word_embeddings
    state = model.state_dict()
    if tied:
        state.pop("lm_head.weight", None)  # the same numbers as the embeddings'
    names = gguf_llama.map_names(state)
    fresh = {names[name]: numbers for name, numbers in state.items()}

    for form in forms:
        left = dict(fresh)

        def trained_numbers(name: str, old: Array, left: dict[str, Any] = left) -> Array:
            if gguf_llama.is_constant(name):
                return old
            if name not in left or tuple(left[name].shape) != old.shape:
                raise InputError(f"the model has no tensor like {name!r} of {file}; are they the same model?")
            numbers = left.pop(name).float().numpy(force=True)
            return gguf_llama.order_rows(name, numbers, metadata)

        gguf_weights.rewrite(file, folder / FILES[form], kind=form.upper(), change=trained_numbers)
        if left:
            raise InputError(f"{file} has no tensor {min(left)!r}, which the trained model has; are they the same?")


# ── the adapter alone ──────────────────────────────────────────────────────────────────────────


def _write_lora(trained: Path, file: Path, metadata: Mapping[str, Any]) -> None:
    """`NAME.lora_a` and `NAME.lora_b` in F16 for each matrix; the rows of B for q and k in llama.cpp's order."""
    import gguf
    import numpy as np

    settings = _lora_settings(trained)
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", settings.lora_alpha * (settings.r**0.5 if settings.use_rslora else 1.0))
    tensors = _lora_tensors(trained)
    names = gguf_llama.map_names(f"{module}.weight" for module, _ in tensors)
    for (module, half), numbers in sorted(tensors.items()):
        there = names[f"{module}.weight"]
        if half == "A.weight":
            writer.add_tensor(f"{there}.lora_a", numbers.astype(np.float16))
        else:
            writer.add_tensor(f"{there}.lora_b", gguf_llama.order_rows(there, numbers, metadata).astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _lora_settings(trained: Path) -> Any:
    try:
        import peft
    except ImportError as error:
        raise MissingExtra(error.name or "peft", "train", "the export of an adapter") from error
    settings = peft.PeftConfig.from_pretrained(str(trained))
    special = [
        name
        for name in ("use_dora", "modules_to_save", "rank_pattern", "alpha_pattern", "trainable_token_indices")
        if getattr(settings, name, None)
    ]
    if settings.peft_type != "LORA" or settings.bias != "none" or special:
        what = ", ".join(special) or (f"bias={settings.bias!r}" if settings.peft_type == "LORA" else settings.peft_type)
        raise InputError(
            f"the adapter {trained} has what a GGUF adapter cannot hold ({what}); export 'q8_0' or 'f16', where it is "
            "worked into the weights"
        )
    return settings


def _lora_tensors(trained: Path) -> dict[tuple[str, str], Array]:
    """(name of a matrix, its half as PEFT calls it, such as A.weight) to numbers in float32."""
    from safetensors.torch import load_file

    file = trained / "adapter_model.safetensors"
    if not file.is_file():
        raise InputError(f"the adapter {trained} has no adapter_model.safetensors; only safetensors are read")
    found = {name: numbers.float().numpy() for name, numbers in load_file(file).items()}
    if other := [name for name in found if not name.endswith((".lora_A.weight", ".lora_B.weight"))]:
        raise InputError(
            f"the adapter {trained} has a tensor {other[0]!r}, which a GGUF adapter cannot hold; export 'q8_0' or 'f16'"
        )
    return {_halved(name): numbers for name, numbers in found.items()}


def _halved(name: str) -> tuple[str, str]:
    module, _, half = name.removeprefix("base_model.model.").rpartition(".lora_")
    return module, half


# ── into place ─────────────────────────────────────────────────────────────────────────────────


def _place(made: Path, out: Path) -> None:
    """Everything in `made` into `out`; what was there under its name gives way."""
    for item in sorted(made.iterdir()):
        target = out / item.name
        if target.is_dir():
            shutil.rmtree(target)
        os.replace(item, target)
        log.info("wrote %s", target)


def _bring_prompts(trained: Path, folders: Sequence[Path]) -> None:
    """The prompt set that it was trained with, beside the weights, where policies look for it."""
    source = trained / "prompts"
    for folder in folders:
        target = folder / "prompts"
        if source.is_dir() and source.resolve() != target.resolve():
            if target.is_dir():
                shutil.rmtree(target)
            shutil.copytree(source, target)
