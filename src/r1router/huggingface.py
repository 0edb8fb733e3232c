"""Loads models of the hub or of a folder, and puts adapters on them, for asking, embedding and training alike.

Only numbers and settings are taken (safetensors), never code.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from r1router.errors import InputError, MissingExtra

log = logging.getLogger(__name__)


class Loaded(NamedTuple):
    """A model with what prepares its input."""

    model: Any
    processor: Any
    """A tokenizer, or for a model that sees a processor with a tokenizer in it."""
    sees: bool
    """Whether it is shown pictures."""

    @property
    def tokenizer(self) -> Any:
        return find_tokenizer(self.processor)


def load(name: str, *, dtype: Any, bits: int = 16) -> Loaded:
    """The language model that an id of the hub or a folder names, its numbers in `dtype` ("auto": as they are stored).

    It is left on the CPU. With 4 `bits` its linear layers are rounded to NF4 while they are loaded (Dettmers et al.
    2023, arXiv 2305.14314), which bitsandbytes does, on the GPU where there is one. A tokenizer without a padding token
    pads with the end of text. Raises `InputError` where there is no such model, or one that was not tuned for
    instructions; `MissingExtra`.
    """

    def choose(transformers: Any, sees: bool) -> tuple[Any, Any]:
        if sees:
            return transformers.AutoProcessor, transformers.AutoModelForImageTextToText
        return transformers.AutoTokenizer, transformers.AutoModelForCausalLM

    loaded = _load(name, choose, dtype, **_round_to(bits, dtype))
    if not getattr(loaded.processor, "chat_template", None):
        raise InputError(f"the model {name!r} has no chat template; take one that was tuned for instructions")
    if loaded.tokenizer.pad_token is None:
        loaded.tokenizer.pad_token = loaded.tokenizer.eos_token
    return loaded


def _round_to(bits: int, dtype: Any) -> dict[str, Any]:
    """What tells transformers to round weights while it loads them."""
    if bits == 16:
        return {}
    if bits != 4:
        raise InputError(f"weights are loaded in 16 bits or in 4, not in {bits}")
    try:
        import bitsandbytes  # noqa: F401
        import transformers
        from transformers.utils.import_utils import is_torch_cuda_available
    except ImportError as error:
        raise MissingExtra(error.name or "bitsandbytes", "four-bits", "a model in 4 bits") from error
    settings = transformers.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )
    device = int(os.environ.get("LOCAL_RANK", "0")) if is_torch_cuda_available() else "cpu"  # the launcher's variable
    return {"quantization_config": settings, "device_map": {"": device}}


def load_encoder(name: str) -> Loaded:
    """The model that turns texts and pictures into vectors, in float32, on the CPU.

    Raises `InputError` where there is none of this name, `MissingExtra`.
    """
    return _load(name, lambda transformers, _: (transformers.AutoProcessor, transformers.AutoModel), None)


def _load(name: str, choose: Callable[[Any, bool], tuple[Any, Any]], dtype: Any, **more: Any) -> Loaded:
    """`choose`: the classes that read the processor and the model, given transformers and whether it sees."""
    try:
        import transformers
    except ImportError as error:
        raise MissingExtra("transformers", "transformers", "a Hugging Face model") from error
    folder = Path(name).expanduser()
    path = str(folder) if folder.is_dir() else name
    given: dict[str, Any] = {"trust_remote_code": False}
    log.info("loading %s", path)
    try:
        sees = hasattr(transformers.AutoConfig.from_pretrained(path, **given), "vision_config")
        reader, kind = choose(transformers, sees)
        processor = reader.from_pretrained(path, **given)
        model = kind.from_pretrained(path, dtype=dtype, use_safetensors=True, **given, **more)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(
            f"cannot load the model {name!r}: {error}\n"
            "A model is a Hugging Face id (with a network), or a folder with its settings, tokenizer and safetensors"
        ) from error
    return Loaded(model, processor, sees)


def find_tokenizer(processor: Any) -> Any:
    """The tokenizer in a processor; a tokenizer is its own."""
    return getattr(processor, "tokenizer", processor)


def add_adapter(model: Any, adapter: str, *, trainable: bool = False) -> Any:
    """The model with the LoRA adapter of this folder or name: to be trained on, or worked into its weights.

    Raises `InputError` where it does not fit, `MissingExtra`.
    """
    try:
        import peft
    except ImportError as error:
        raise MissingExtra("peft", "transformers", "a LoRA adapter") from error
    try:
        adapted = peft.PeftModel.from_pretrained(model, adapter, is_trainable=trainable)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"cannot put the adapter {adapter!r} on the model: {error}") from error
    return adapted if trainable else adapted.merge_and_unload()
