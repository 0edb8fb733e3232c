"""Answers examples by methods into a run folder: one trajectory a line, resumable, asking nothing twice.

RUN/run.json            what was run: data set, methods, policy, knowledge bases, budgets, versions
RUN/prompts/            the prompt set, as it was
RUN/trajectories.jsonl  {"method", "example", "trajectory"}, in the order of the methods and examples at the end
RUN/timings.jsonl       {"method", "id", "seconds"}: seconds by stage, apart because no two runs share them
RUN/alone.jsonl         the same of a few questions that were asked one at a time
RUN/record.jsonl        every request and what it brought (see `drive/record.py`)
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

import r1router
from r1router.api import Options, Parts, Setup, open_setup
from r1router.codec import from_dict, to_dict
from r1router.drive import threads
from r1router.drive.budget import Budget
from r1router.drive.many import IN_FLIGHT, answer_many
from r1router.drive.record import Recording
from r1router.errors import InputError
from r1router.filters.narrow import check_fields
from r1router.filters.parse import join
from r1router.methods import load_method
from r1router.prompts import Prompts
from r1router.types import Example, Trajectory

CONFIG, TRAJECTORIES, TIMINGS, RECORD = "run.json", "trajectories.jsonl", "timings.jsonl", "record.jsonl"
ALONE = "alone.jsonl"
PROMPTS = "prompts"


@dataclass(frozen=True, slots=True)
class RunLine:
    """One question answered by one method."""

    method: str
    example: Example
    trajectory: Trajectory


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a run was made with; a run that is resumed must have the same."""

    dataset: str
    examples: str
    """Hash of the examples."""
    methods: tuple[str, ...]
    policy: str
    kbs: Mapping[str, str]
    """Name of each knowledge base to its kind."""
    prompts: str
    """Hash of the prompt templates."""
    max_steps: int
    k: int
    budget: Budget
    version: str
    reranker: str = ""
    """Its spec; empty where there was none."""
    where: str = ""
    """The filter that all questions were asked under; empty where there was none."""


def evaluate(
    examples: Sequence[Example],
    out: str | Path,
    setup: Setup | None = None,
    *,
    dataset: str,
    methods: Sequence[str] = (),
    in_flight: int = IN_FLIGHT,
    replay: str | Path | None = None,
    alone: int = 0,
    tell: Callable[[RunLine], None] | None = None,
    **options: Unpack[Options],
) -> Path:
    """Answer every example by every method into the folder `out`, going on where a run there was interrupted.

    `methods`: those of the run in place of the one of `setup`. `replay` is a record (or the run folder that has one) to
    serve all requests from, instead of the policy and the knowledge bases. So many questions as `alone` says are asked
    once more at the end, one at a time, to measure their seconds: of many at once, each waits for the others. `tell`
    hears of each row, those found on resuming first. `options` are fields of `Setup`, taken instead of those of
    `setup`; its filter holds for every question, besides the question's own. Raises `InputError` where `out` holds a
    run made with other settings, and `UnknownName` for a filter by a field that no source has.
    """
    setup = replace(setup or Setup(), **options)
    methods = _name_methods(setup, methods)
    if setup.record is not None:
        raise InputError("a run keeps a record of its own; to serve its requests from another one, give replay")
    _check_ids(examples)
    examples = [_put_under(example, setup.where) for example in examples]
    out = Path(out)
    with open_setup(setup) as parts:
        check_fields(parts["kbs"], setup.where)
        _claim(out, _describe(setup, parts, dataset, examples, methods), parts["prompts"])
        # A question that failed is tried again; every other one is done.
        done = {(row.method, row.example.id): row for row in _recover(out) if row.trajectory.stop != "error"}
        for row in done.values():
            if tell:
                tell(row)
        recording = _record(out, replay)
        try:
            with (
                (out / TRAJECTORIES).open("a", encoding="utf-8") as lines,
                (out / TIMINGS).open("a", encoding="utf-8") as times,
            ):
                for method in methods:
                    todo = [e for e in examples if (method, e.id) not in done]
                    for row in _answer(todo, method, setup, parts | {"record": recording}, in_flight):
                        times.write(_timing_line(row))
                        times.flush()
                        lines.write(_line(row))
                        lines.flush()
                        done[method, row.example.id] = row
                        if tell:
                            tell(row)
        finally:
            recording.close()
        ordered = [done[method, e.id] for method in methods for e in examples]
        _rewrite(out / TRAJECTORIES, map(_line, ordered))
        _rewrite(out / TIMINGS, map(_timing_line, ordered))
        measured = {(line["method"], line["id"]) for line in _whole_lines(out / ALONE)}
        for method in methods if alone else ():
            todo = [e for e in examples[:alone] if (method, e.id) not in measured]
            with (out / ALONE).open("a", encoding="utf-8") as lines:
                for row in _answer(todo, method, setup, parts, in_flight=1):
                    if row.trajectory.stop != "error":
                        lines.write(_timing_line(row))
                        lines.flush()
    return out


def _name_methods(setup: Setup, methods: Sequence[str]) -> Sequence[str]:
    if methods:
        return methods
    if isinstance(setup.method, str):
        return [setup.method]
    raise InputError("a run is resumed by the names of its methods; name yours as package.module:function")


def _describe(
    setup: Setup, parts: Parts, dataset: str, examples: Sequence[Example], methods: Sequence[str]
) -> RunSettings:
    reranker = parts["reranker"]
    return RunSettings(
        dataset,
        _hash(to_dict(list(examples))),
        tuple(methods),
        parts["policy"].spec,
        {name: kb.card.kind for name, kb in parts["kbs"].items()},
        _hash(parts["prompts"].sources()),
        setup.max_steps,
        setup.k,
        setup.budget or Budget(),
        r1router.__version__,
        reranker.spec if reranker else "",
        setup.where,
    )


def _answer(examples: Sequence[Example], method: str, setup: Setup, parts: Parts, in_flight: int) -> Iterator[RunLine]:
    """The answers to all of them by one method, as they finish."""
    parts = parts | {"method": load_method(method, max_steps=setup.max_steps, k=setup.k)}
    answered = answer_many((example.question for example in examples), in_flight=in_flight, **parts)
    for position, trajectory in threads.iterate(answered):
        yield RunLine(method, examples[position], trajectory)


def _put_under(example: Example, where: str) -> Example:
    question = example.question
    return replace(example, question=replace(question, where=join(question.where, where)))


def read_alone(folder: str | Path) -> dict[str, list[Mapping[str, float]]]:
    """Method → seconds by stage of each question that was asked alone; empty where none was."""
    found: dict[str, list[Mapping[str, float]]] = {}
    for line in _whole_lines(Path(folder) / ALONE):
        found.setdefault(line["method"], []).append(line["seconds"])
    return found


def read_run(folder: str | Path) -> tuple[RunSettings, list[RunLine]]:
    """A run's settings and its rows with their timings. Raises `InputError` where there is none."""
    folder = Path(folder)
    config = folder / CONFIG
    if not config.exists():
        raise InputError(f"there is no run at {folder}; make one with: r1router eval DATASET --out {folder}")
    settings = from_dict(RunSettings, json.loads(config.read_text(encoding="utf-8")))
    return settings, _recover(folder)


def name_record(run: str | Path, what: str, policy: str) -> Path:
    """The file beside a run's own where the replies of a policy to questions about the run are kept, by its spec."""
    return Path(run) / f"{what}-{hashlib.sha256(policy.encode()).hexdigest()[:8]}.record.jsonl"


def _claim(out: Path, settings: RunSettings, prompts: Prompts) -> None:
    """Make the folder this run's, or check that it already is."""
    out.mkdir(parents=True, exist_ok=True)
    config = out / CONFIG
    if config.exists():
        there = from_dict(RunSettings, json.loads(config.read_text(encoding="utf-8")))
        differs = [name for name in RunSettings.__slots__ if getattr(there, name) != getattr(settings, name)]
        if differs:
            what = "; ".join(
                f"{name} was {getattr(there, name)!r}, now {getattr(settings, name)!r}" for name in differs
            )
            raise InputError(f"{out} holds a run with other settings ({what}); give another --out, or remove it")
    else:
        (out / PROMPTS).mkdir(exist_ok=True)
        for name, text in prompts.sources().items():
            (out / PROMPTS / name).write_text(text, encoding="utf-8")
    _rewrite(config, [json.dumps(to_dict(settings), ensure_ascii=False, indent=2) + "\n"])


def _record(out: Path, replay: str | Path | None) -> Recording:
    if replay is None:
        return Recording(out / RECORD)
    source = Path(replay)
    return Recording(source / RECORD if source.is_dir() else source, replay=True)


def _recover(out: Path) -> list[RunLine]:
    """The whole rows of a run that may have been killed, with their timings; a cut last line is dropped."""
    seconds = {(t["method"], t["id"]): t["seconds"] for t in _whole_lines(out / TIMINGS)}
    rows: dict[tuple[str, str], RunLine] = {}
    for line in _whole_lines(out / TRAJECTORIES):
        row = from_dict(RunLine, line)
        key = row.method, row.example.id
        usage = replace(row.trajectory.usage, seconds=seconds.get(key, {}))
        rows[key] = replace(row, trajectory=replace(row.trajectory, usage=usage))
    return list(rows.values())


def _whole_lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    text = path.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if len(whole) < len(text):
        with path.open("r+b") as file:
            file.truncate(len(whole))
    for number, line in enumerate(whole.split(b"\n")[:-1], 1):
        try:
            yield json.loads(line)
        except ValueError as error:
            raise InputError(f"{path}:{number} is not a line of JSON: {error}") from error


def _line(row: RunLine) -> str:
    """A row without what differs from run to run."""
    usage = replace(row.trajectory.usage, seconds={})
    plain = replace(row, trajectory=replace(row.trajectory, usage=usage))
    return json.dumps(to_dict(plain), ensure_ascii=False) + "\n"


def _timing_line(row: RunLine) -> str:
    seconds = {stage: round(s, 6) for stage, s in row.trajectory.usage.seconds.items()}
    return json.dumps({"method": row.method, "id": row.example.id, "seconds": seconds}, ensure_ascii=False) + "\n"


def _rewrite(path: Path, lines: Iterable[str]) -> None:
    """All at once: a reader, or a kill, sees the old file or the new one."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _check_ids(examples: Sequence[Example]) -> None:
    seen: set[str] = set()
    for example in examples:
        if example.id in seen:
            raise InputError(f"two examples have the id {example.id!r}; ids tell the rows of a run apart")
        seen.add(example.id)


def _hash(value: Any) -> str:
    canonical = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:16]
