"""Loads models of the hub or of a folder, and puts adapters on them, for the policy that asks and for training alike.

Only numbers and settings are taken, never code.
"""

from __future__ import annotations

import logging
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


def load(name: str, *, dtype: Any) -> Loaded:
    """The model that an id of the hub or a folder names, its numbers in `dtype` ("auto": as they are stored).

    It is left on the CPU. A tokenizer without a padding token pads with the end of text. Raises `InputError` where
    there is no such model, or one that was not tuned for instructions; `MissingExtra`.
    """
    try:
        import transformers
    except ImportError as error:
        raise MissingExtra("transformers", "transformers", "a Hugging Face model") from error
    folder = Path(name).expanduser()
    path = str(folder) if folder.is_dir() else name
    given: dict[str, Any] = {"trust_remote_code": False}
    log.info("loading %s", path)
    try:
        config = transformers.AutoConfig.from_pretrained(path, **given)
        sees = hasattr(config, "vision_config")
        reader = transformers.AutoProcessor if sees else transformers.AutoTokenizer
        kind = transformers.AutoModelForImageTextToText if sees else transformers.AutoModelForCausalLM
        processor = reader.from_pretrained(path, **given)
        model = kind.from_pretrained(path, dtype=dtype, use_safetensors=True, **given)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(
            f"cannot load the model {name!r}: {error}\n"
            "A model is a Hugging Face id (with a network), or a folder with its settings, tokenizer and safetensors"
        ) from error
    if not getattr(processor, "chat_template", None):
        raise InputError(f"the model {name!r} has no chat template; take one that was tuned for instructions")
    tokenizer = find_tokenizer(processor)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
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
