"""Rewrites a GGUF file: in another precision, with other numbers, or merged with an adapter.

Numpy only, one tensor as float32 at a time. Settings and tokenizer are copied as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from r1router.errors import InputError

Array = npt.NDArray[Any]
Change = Callable[[str, Array], Array]
"""(a tensor's name in the GGUF file, its numbers as float32) to its new numbers."""

FILE_TYPES = {"F16": 1, "Q8_0": 7}
"""Precisions that are written, with llama.cpp's number for a file that is mostly so."""


def rewrite(source: Path, target: Path, *, kind: str = "Q8_0", change: Change | None = None) -> None:
    """The model of `source` with every matrix in `kind` ("F16", "Q8_0"), after `change`.

    Vectors stay in the precision that they have, or become float32 where they change. A matrix whose rows do not
    fill blocks of Q8_0 is written in F16.
    """
    import gguf

    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, reader.fields["general.architecture"].contents())
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue  # the writer writes these itself
        value = FILE_TYPES[kind] if name == "general.file_type" else field.contents()
        array = field.types[0] == gguf.GGUFValueType.ARRAY
        writer.add_key_value(name, value, field.types[0], sub_type=field.types[-1] if array else None)
    wanted = gguf.GGMLQuantizationType[kind]
    for tensor in reader.tensors:
        vector = len(tensor.shape) == 1
        if change is None and (vector or tensor.tensor_type == wanted):
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
            continue
        numbers = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32, copy=False)
        if change is not None:
            numbers = change(tensor.name, numbers)
        if vector:
            writer.add_tensor(tensor.name, np.ascontiguousarray(numbers, np.float32))
            continue
        fits = kind != "Q8_0" or numbers.shape[-1] % gguf.GGML_QUANT_SIZES[wanted][0] == 0
        held = wanted if fits else gguf.GGMLQuantizationType.F16
        writer.add_tensor(tensor.name, gguf.quantize(numbers, held), raw_dtype=held)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def merge(base: Path, lora: Path, target: Path, *, kind: str = "Q8_0") -> None:
    """The model of `base` with the adapter of the GGUF file `lora` worked into its matrices.

    Raises `InputError` where `lora` is no adapter, or one of another model.
    """
    import gguf

    reader = gguf.GGUFReader(lora)
    if "adapter.lora.alpha" not in reader.fields:
        raise InputError(f"{lora} is not a LoRA adapter")
    alpha = float(reader.fields["adapter.lora.alpha"].contents())
    halves = {t.name: gguf.dequantize(t.data, t.tensor_type).astype(np.float32) for t in reader.tensors}

    def with_lora(name: str, numbers: Array) -> Array:
        a, b = halves.pop(f"{name}.lora_a", None), halves.pop(f"{name}.lora_b", None)
        if a is None or b is None:
            return numbers
        if (b.shape[0], a.shape[1]) != numbers.shape:
            raise InputError(f"the adapter {lora} belongs to another model than {base}: {name} has another size")
        merged: Array = numbers + (alpha / a.shape[0]) * (b @ a)
        return merged

    rewrite(base, target, kind=kind, change=with_lora)
    if halves:
        raise InputError(
            f"the adapter {lora} belongs to another model than {base}, which has no {min(halves).rpartition('.')[0]}"
        )
