"""A training run's folder: what it was asked for, with which data and versions, and where to go on.

RUN/run.json          method, options, sha256 of every file of steps, versions of the packages
RUN/checkpoint-N/     the trainer's own checkpoints
RUN/adapter/          the result: a PEFT adapter (or a whole model) with its `prompts/`
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from r1router.errors import InputError

_PACKAGES = ("r1router", "torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers")


def open_run(out: Path, *, method: str, options: Mapping[str, Any], files: Iterable[Path]) -> Path | None:
    """The folder made or taken up again; the last checkpoint in it, if there is one.

    Raises `InputError` where the folder holds a run with other options or other data, and says which.
    """
    wanted = {
        "method": method,
        "options": {key: _plain(value) for key, value in options.items()},
        "data": {str(file): _sha256(file) for file in files},
    }
    record = out / "run.json"
    if record.exists():
        found = json.loads(record.read_text(encoding="utf-8"))
        other = _differences(found, wanted)
        if other:
            raise InputError(
                f"{out} holds a run with other settings ({'; '.join(other)}); give them again, or another --out"
            )
    elif out.exists() and any(out.iterdir()):
        raise InputError(f"{out} is not empty and holds no training run; give another --out")
    else:
        out.mkdir(parents=True, exist_ok=True)
        part = record.with_suffix(".part")
        part.write_text(json.dumps({**wanted, "versions": versions()}, indent=2) + "\n", encoding="utf-8")
        part.replace(record)
    return last_checkpoint(out)


def last_checkpoint(out: Path) -> Path | None:
    """The newest complete checkpoint of a run."""
    found = [p for p in out.glob("checkpoint-*") if (p / "trainer_state.json").is_file()]
    return max(found, key=lambda p: int(p.name.rpartition("-")[2]), default=None)


def add_prompts(prompts: Path, adapter: Path) -> None:
    """Puts the prompt set beside the weights that were trained with it, where policies look for it."""
    if (target := adapter / "prompts").resolve() != prompts.resolve():
        shutil.copytree(prompts, target, dirs_exist_ok=True)


def versions() -> dict[str, str]:
    """What a run was made with."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    said = [] if found.get("method") == wanted["method"] else [f"method {found.get('method')}"]
    for part in ("options", "data"):
        old, new = found.get(part, {}), wanted[part]
        said += [f"{key} was {old.get(key)!r}" for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    return said


def _plain(value: object) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"the steps cannot be read: {error}") from error
