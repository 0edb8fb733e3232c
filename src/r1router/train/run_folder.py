"""Keeps the folder of a training run: its settings, data and versions, its checkpoints and its result.

RUN/run.json          method, settings, digests of every file of steps, versions of the packages
RUN/checkpoint-N/     the trainer's own checkpoints
RUN/adapter/          the result, whole or not there: a PEFT adapter (or a whole model) with its `prompts/`
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from r1router.errors import InputError, R1RouterError
from r1router.kb.collections import list_collections
from r1router.kb.stores import open_catalog
from r1router.prompts import Prompts
from r1router.registry import split_options

_PACKAGES = ("r1router", "torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers")
_TO_GO_ON = (
    *("trainer_state.json", "optimizer*", "scheduler*", "scaler*", "rng_state*"),
    *("global_step*", "latest", "zero_to_fp32.py"),  # DeepSpeed's
    "pytorch_model_fsdp*",
    "ref",  # the copy that the KL is measured to
)
"""What a checkpoint holds besides the weights."""


def open_run(out: Path, *, method: str, settings: Any, files: Iterable[Path], begun: bool = False) -> None:
    """The folder is made or taken up again. `settings` is a dataclass of `TrainSettings`' kind.

    What is noted tells data, prompts and weights by what is in them and not by where they lie, so a run goes on after
    it, or what it reads, was moved. Raises `InputError` where the folder holds a run with other settings or other
    data, and says which. Until there is a checkpoint, or other work that has `begun`, they may be changed: nothing was
    made with the old ones.
    """
    wanted = {
        "method": method,
        "settings": _told(settings),
        "data": [{"name": file.name, "sha256": _sha256(file)} for file in files],
    }
    record = out / "run.json"
    if not record.exists() and out.exists() and any(out.iterdir()):
        raise InputError(f"{out} is not empty and holds no training run; give another --out")
    if record.exists() and (begun or find_last_checkpoint(out) or find_result(out)):
        other = _differences(json.loads(record.read_text(encoding="utf-8")), wanted)
        if other:
            raise InputError(
                f"{out} holds a run with other settings ({'; '.join(other)}); give them again, or another --out"
            )
    else:
        out.mkdir(parents=True, exist_ok=True)
        part = record.with_suffix(".part")
        part.write_text(json.dumps({**wanted, "versions": list_versions()}, indent=2) + "\n", encoding="utf-8")
        part.replace(record)


def find_checkpoints(out: Path) -> dict[int, Path]:
    """Those that were written to their end, by optimizer step."""
    complete = (path.parent for path in out.glob("checkpoint-*/trainer_state.json"))
    return {int(path.name.rpartition("-")[2]): path for path in complete}


def find_last_checkpoint(out: Path) -> Path | None:
    """The newest complete checkpoint of a run."""
    found = find_checkpoints(out)
    return found[max(found)] if found else None


def find_best_checkpoint(out: Path) -> Path | None:
    """The one that was judged best; None where none was judged."""
    last = find_last_checkpoint(out)
    best = _state(last)["best_model_checkpoint"] if last else None
    return out / Path(best).name if best else None


def read_logs(out: Path) -> list[dict[str, Any]]:
    """What the trainer had logged up to the last checkpoint."""
    last = find_last_checkpoint(out)
    return list(_state(last)["log_history"]) if last else []


def is_trained(out: Path) -> bool:
    """Whether no optimizer step is left to do: asked to go on from its last step, the trainer does one more."""
    if find_result(out):
        return True
    last = find_last_checkpoint(out)
    state = _state(last) if last else {}
    return bool(state) and state["global_step"] >= state["max_steps"]


def find_result(out: Path) -> Path | None:
    """The trained weights, once they are there; see `keep_result`."""
    return adapter if (adapter := out / "adapter").is_dir() else None


def keep_result(checkpoint: Path | None, prompts: Path, out: Path) -> Path:
    """The run's result: a checkpoint's weights beside the prompts they were trained with, where policies look for them.

    It gets its name when it is whole.
    """
    if checkpoint is None:
        raise R1RouterError(f"{out} has no checkpoint: no optimizer step was done")
    part = out / "adapter.part"
    shutil.rmtree(part, ignore_errors=True)  # of a run that was killed
    shutil.copytree(checkpoint, part, ignore=shutil.ignore_patterns(*_TO_GO_ON))
    shutil.copytree(prompts, part / "prompts", dirs_exist_ok=True)
    return part.rename(out / "adapter")


def list_versions() -> dict[str, str]:
    """What a run was made with."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _state(checkpoint: Path) -> dict[str, Any]:
    """What the trainer noted with a checkpoint."""
    state: dict[str, Any] = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    return state


def _differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    said = [] if found.get("method") == wanted["method"] else [f"method {found.get('method')}"]
    old, new = found.get("settings", {}), wanted["settings"]
    said += [
        f"{key} was {_named(old.get(key))}"
        for key in sorted({*old, *new})
        if _content(old.get(key)) != _content(new.get(key))
    ]
    old, new = found.get("data", []), wanted["data"]
    if [_content(file) for file in old] != [_content(file) for file in new]:
        said.append(f"the steps were {', '.join(map(_named, old))}")
    return said


def _content(value: Any) -> Any:
    """What decides whether a noted value is the same: of files what is in them, not what they are called."""
    return value["sha256"] if isinstance(value, Mapping) and "sha256" in value else value


def _named(value: Any) -> str:
    return f"{value['name']} ({value['sha256'][:12]})" if isinstance(value, Mapping) else repr(value)


def _told(settings: Any) -> dict[str, Any]:
    """The settings as JSON, files and folders by their names and digests, knowledge bases or
    collections by their names."""
    told = asdict(settings)
    told |= {name: _identify(told[name]) for name in ("base", "adapter") if name in told}
    if told.get("prompts"):
        told["prompts"] = _identify_prompts(Path(told["prompts"]))
    if told.get("kbs"):
        told["kbs"] = list(open_catalog(told["kbs"]).list_stores() or list_collections(told["kbs"]))
    plain: dict[str, Any] = json.loads(json.dumps(told))
    return plain


def _identify(spec: str) -> Any:
    """Weights: a file or a folder by its name and digest, what is not here (an id of the hub) by its name alone."""
    place, options = split_options(spec)
    path = Path(place).expanduser()
    if not spec or not path.exists():
        return spec
    if path.is_file():
        return {"name": path.name, "sha256": _sha256(path), **options}
    digests = {file.name: _sha256(file) for file in sorted(path.iterdir()) if file.is_file()}
    return {"name": path.name, "sha256": _digest(json.dumps(digests)), **options}


def _identify_prompts(folder: Path) -> dict[str, str]:
    return {"name": folder.name, "sha256": _digest(json.dumps(Prompts(folder).sources(), sort_keys=True))}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error}") from error
