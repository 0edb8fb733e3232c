"""Loads the weights and the tokenizer that training starts from, through torch and transformers.

What is trained on is what is served: for the default model that is the same file, its Q8_0 numbers taken as
they are. From the hub only numbers are taken (safetensors), no code.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from r1router import huggingface
from r1router.errors import InputError, MissingExtra
from r1router.policies import _default_model as default_model
from r1router.registry import bind, split_options
from r1router.train.weights import gguf_llama

log = logging.getLogger(__name__)

_SMOLLM = "smollm"
"""llama.cpp's name for the rule by which SmolLM cuts text into words."""
_CONTROL, _USER_DEFINED = 3, 4
"""GGUF's marks of tokens that text is never merged into."""


def load_model(spec: str = "", *, device: str = "", dtype: Any = None) -> tuple[Any, Any]:
    """(model, tokenizer), ready for a trainer to place; a processor instead of the tokenizer if the model sees.

    `spec` is a Hugging Face id or folder, a `.gguf` file of the Llama family, or "" for the default model. An id or
    folder with `?bits=4` is rounded to 4 bits, for an adapter to be trained on.
    `device` ("cpu", "cuda"; by itself cuda where there is one) decides the numbers where `dtype`, a `torch.dtype`, does
    not: bfloat16 on a GPU, float32 on a CPU. The model itself is left on the CPU.
    Raises `InputError` where there is no such model, `MissingExtra`, `PolicyError` from fetching the default.
    """
    try:
        import torch
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingExtra(error.name or "torch", "train", "training") from error
    on_gpu = device.startswith("cuda") if device else torch.cuda.is_available()
    dtype = dtype or (torch.bfloat16 if on_gpu else torch.float32)
    file = find_gguf_file(spec)
    if file is not None:
        log.info("loading %s for training", file)
        return _from_gguf(file, dtype)
    name, given = split_options(spec)
    rounding = bind("base", huggingface.load, given)
    try:
        loaded = huggingface.load(name, dtype=dtype, **rounding)
    except InputError as error:
        raise InputError(f"{error}; or a .gguf file, or nothing for the default model") from error
    return loaded.model, loaded.processor


def sees_pictures(tokenizer: Any) -> bool:
    """Whether it is a processor, of a model that is shown pictures."""
    return hasattr(tokenizer, "image_processor")


def check_pictures(tokenizer: Any, pictures: Path | None) -> None:
    """Raises `InputError` where there are pictures to train on and the model reads text alone."""
    if pictures is not None and not sees_pictures(tokenizer):
        raise InputError("the model reads text alone and cannot be trained on pictures; leave out --pictures")


def count_tokens(tokenizer: Any, messages: Sequence[Mapping[str, Any]], *, reply_follows: bool = False) -> int:
    """How long a chat is by the model's template, without its pictures."""
    if sees_pictures(tokenizer):  # whose templates want content in parts
        messages = [{**m, "content": [{"type": "text", "text": m["content"]}]} for m in messages]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=reply_follows)
    return len(huggingface.find_tokenizer(tokenizer)(text, add_special_tokens=False).input_ids)


def find_gguf_file(spec: str) -> Path | None:
    """The GGUF file that a model's spec names; None for a Hugging Face id or folder."""
    if spec in ("", "default"):
        return default_model.find_model()
    return Path(spec).expanduser() if spec.endswith(".gguf") else None


# ── from GGUF ──────────────────────────────────────────────────────────────────────────────────


def _from_gguf(file: Path, dtype: Any) -> tuple[Any, Any]:
    import torch
    import transformers

    reader = gguf_llama.read(file)
    metadata = gguf_llama.read_metadata(reader)
    tokenizer = _tokenizer(file, metadata)
    tied = all(tensor.name != "output.weight" for tensor in reader.tensors)
    config = transformers.LlamaConfig(
        **gguf_llama.read_settings(metadata, tied=tied), architectures=["LlamaForCausalLM"]
    )
    with torch.device("meta"):  # for the names of its tensors alone
        wanted = transformers.LlamaForCausalLM(config).state_dict()
    names = gguf_llama.map_names(wanted)
    state = {name: torch.from_numpy(numbers) for name, numbers in gguf_llama.read_weights(reader, metadata, names)}
    model = transformers.LlamaForCausalLM.from_pretrained(None, config=config, state_dict=state, dtype=dtype)
    model.name_or_path = model.config.name_or_path = ""  # of a name, PEFT asks the hub whenever it saves
    return model, tokenizer


def _tokenizer(file: Path, metadata: Mapping[str, Any]) -> Any:
    """Built from the file's own vocabulary and merges; cuts text exactly as llama.cpp does.

    Not by transformers' own reader of GGUF, which drops the rule that every digit is a word.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    rule = metadata.get("tokenizer.ggml.pre")
    if metadata.get("tokenizer.ggml.model") != "gpt2" or rule != _SMOLLM:
        raise InputError(
            f"{file}: its tokenizer ({metadata.get('tokenizer.ggml.model')}, {rule}) is not one that is rebuilt here "
            f"({_SMOLLM} is); take the Hugging Face folder of the model instead"
        )
    if "tokenizer.chat_template" not in metadata:
        raise InputError(f"{file} has no chat template; take a model that was tuned for instructions")
    tokens, types = metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"]
    merges = [tuple(pair.split(" ")) for pair in metadata["tokenizer.ggml.merges"]]
    cutter = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    cutter.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    cutter.decoder = decoders.ByteLevel()
    special = [t for t, kind in zip(tokens, types, strict=True) if kind == _CONTROL]
    cutter.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in special])
    whole = [t for t, kind in zip(tokens, types, strict=True) if kind == _USER_DEFINED]
    cutter.add_tokens([AddedToken(t, normalized=False) for t in whole])

    def named(key: str) -> str | None:
        number = metadata.get(f"tokenizer.ggml.{key}_token_id")
        return None if number is None else str(tokens[number])

    fast: Any = PreTrainedTokenizerFast
    return fast(
        tokenizer_object=cutter,
        bos_token=named("bos"),
        eos_token=named("eos"),
        unk_token=named("unknown"),
        pad_token=named("padding") or named("eos"),
        chat_template=metadata["tokenizer.chat_template"],
        model_max_length=metadata["llama.context_length"],
        clean_up_tokenization_spaces=False,
    )
