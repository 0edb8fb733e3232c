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
from r1router.policies import _default_model as default_model
from r1router.train.weights import gguf_llama
from r1router.train.weights.gguf_adapter import add_gguf_adapter
from r1router.train.weights.gguf_llama import Array

log = logging.getLogger(__name__)

Template = tuple[Path, Mapping[str, Any]]

FILES = {
    "merged": "merged", "f16": "model.F16.gguf", "q8_0": "model.Q8_0.gguf", "lora": "lora.gguf", "adapter": "adapter",
    "base": "base",
}  # fmt: skip
"""Every form, and what it is called in the folder that it is written into."""
_OF_ADAPTERS = ("lora", "adapter", "base")
_GGUF_MODELS = ("f16", "q8_0")


def export(
    trained: str | Path, out: str | Path, *, base: str = "", forms: Sequence[str] = ("lora",), template: str = ""
) -> dict[str, Path]:
    """Each of `forms` to the path under `out` that it was written to, whole or not at all.

        merged    a Hugging Face folder: weights with the adapter worked in, in float32, and the tokenizer
        f16       the same as one GGUF file
        q8_0      the same in 8 bits: what the embedded policy serves
        lora      the adapter alone, as a GGUF file for `llamacpp:BASE?lora=FILE`
        adapter   the adapter alone, as a folder of PEFT's, for `vllm serve BASE --lora-modules NAME=FOLDER`
        base      what the adapter belongs to, as a Hugging Face folder, where it came as a GGUF file

    `trained` is the folder of a PEFT adapter or of a model, a GGUF adapter, or "default", the router that ships.
    `base` is what it was trained from, as in `load_model`. The GGUF forms are for the Llama family and need a GGUF file
    of the same model, whose settings and tokenizer they take: `base` where it is one, else `template`. A folder
    `prompts` in `trained`, or beside its file, goes with each but the base.
    Raises `InputError` for what cannot be written, `MissingExtra`.
    """
    trained = default_model.ROUTER if str(trained) == "default" else Path(trained).expanduser()
    out = Path(out)
    for form in forms:
        if form not in FILES:
            raise UnknownName("form of export", form, FILES)
    has_adapter = _is_gguf(trained) or (trained / "adapter_config.json").is_file()
    if not has_adapter and not (trained / "config.json").is_file():
        raise InputError(
            f"{trained} holds neither an adapter (adapter_config.json) nor a model (config.json), "
            "and is no GGUF adapter (.gguf)"
        )
    if not has_adapter and (wrong := [form for form in forms if form in _OF_ADAPTERS]):
        raise InputError(f"{trained} holds a whole model; the form {wrong[0]!r} is for adapters")
    like = _template(base, template) if {*_GGUF_MODELS, "lora"}.intersection(forms) else None
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix="export-") as made:
        folder = Path(made)
        if like is not None and "lora" in forms:
            _write_lora(trained, folder / FILES["lora"], like[1])
        if set(forms) - {"lora"}:
            model, tokenizer = _load(trained, base, folder, forms) if has_adapter else _load_model(trained)
            if like is not None and set(_GGUF_MODELS).intersection(forms):
                _write_gguf(model, folder, like, [form for form in forms if form in _GGUF_MODELS])
            if "merged" in forms:
                _save(model, tokenizer, folder / FILES["merged"])
        _place(folder, out)
    with_prompts = [out / FILES[form] for form in ("merged", "adapter") if form in forms]
    _bring_prompts(trained.parent if _is_gguf(trained) else trained, [out, *with_prompts])
    return {form: out / FILES[form] for form in forms}


def _is_gguf(trained: Path) -> bool:
    return trained.suffix == ".gguf"


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


def _load_model(spec: str | Path) -> tuple[Any, Any]:
    """(model, tokenizer), in float32, where working an adapter in loses nothing."""
    from r1router.train.weights.load import load_model

    return load_model(str(spec), device="cpu")


def _load(adapter: Path, base: str, folder: Path, forms: Sequence[str]) -> tuple[Any, Any]:
    """(model with the adapter worked in, tokenizer). Writes the base and the adapter on the way, as `forms` ask."""
    model, tokenizer = _load_model(base)
    if "base" in forms:
        _save(model, tokenizer, folder / FILES["base"])
    if _is_gguf(adapter):
        adapted = add_gguf_adapter(model, adapter)
    else:
        adapted = huggingface.add_adapter(model, str(adapter), trainable=True)
    if "adapter" in forms:
        adapted.save_pretrained(folder / FILES["adapter"])
    return adapted.merge_and_unload(), tokenizer


def _save(model: Any, tokenizer: Any, folder: Path) -> None:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


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
    if _is_gguf(trained):
        shutil.copyfile(trained, file)
        return
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
