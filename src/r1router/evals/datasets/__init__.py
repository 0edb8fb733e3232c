"""Loads question files: `--dataset` takes a path, or `format:path` where the content should not decide.

Formats are files of this folder: `musique:dev.jsonl` is read by `datasets/musique.py`. Options follow the path:
`webqa:WebQA_train_val.json?split=val`, `csv:mine.csv?separator=;`. Each format has

    recognises(head: Head) -> bool          whether a file that begins like this is one
    rows(path, **options) -> Iterator[Row]  the questions of a file, lazily, in its order
    example(row: Row) -> Example            one of them; InputError where it is not as the format has it

Nothing is dropped: a row that does not fit is an error that says where and what was expected. Examples may have
no accepted answers (the authors' hidden test sets); then no answer metric judges them.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from r1router.errors import InputError, UnknownName
from r1router.evals.datasets._rows import Row, look_at
from r1router.registry import list_entries, split_options
from r1router.types import Example

_FALLBACKS = ("jsonl", "csv")
"""Formats asked last: what they look for is in other formats too."""


def names() -> list[str]:
    """The formats that come with the package."""
    return list_entries(__file__)


def load_examples(spec: str, *, limit: int | None = None, seed: int | None = None) -> list[Example]:
    """The examples of a file, in its order: all, the first `limit`, or with a `seed` a random `limit` of them.

    Raises `InputError` for a missing file, a row that does not fit (those that are returned are checked) or an id
    used twice, `UnknownName` for an unknown format or option.
    """
    if limit is not None and limit < 1:
        raise InputError(f"limit must be at least 1, not {limit}")
    source = open_dataset(spec)
    chosen: Iterable[Row] = islice(source.rows(), limit)
    if limit is not None and seed is not None:
        chosen = _sample(source.rows(), limit, seed)
    examples: dict[str, Example] = {}
    places: dict[str, str] = {}
    for row in chosen:
        example = source.example(row)
        if example.id in examples:
            raise InputError(f"{row.place}: the id {example.id!r} is already used at {places[example.id]}")
        examples[example.id], places[example.id] = example, row.place
    if not examples:
        raise InputError(f"{source.path} has no questions")
    return list(examples.values())


def _sample(rows: Iterator[Row], limit: int, seed: int) -> list[Row]:
    """A uniform sample in the order of the file, from one pass that keeps `limit` rows."""
    draw = random.Random(seed)
    kept = list(enumerate(islice(rows, limit)))
    for index, row in enumerate(rows, limit):
        if (at := draw.randrange(index + 1)) < limit:
            kept[at] = (index, row)
    return [row for _, row in sorted(kept, key=lambda pair: pair[0])]


# ── spec to format and file ────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Source:
    """A question file with the format that reads it."""

    format: str
    path: Path
    rows: Callable[[], Iterator[Row]]
    example: Callable[[Row], Example]


def open_dataset(spec: str) -> Source:
    """The file that `spec` names and the format that reads it. Raises as `load_examples`; reads only the beginning."""
    name, path, options = _take_apart(spec)
    if not path.is_file():
        raise InputError(_not_there(path))
    module = importlib.import_module(f"{__name__}.{name or _recognise(path)}")
    known = [key for key, p in inspect.signature(module.rows).parameters.items() if p.kind is p.KEYWORD_ONLY]
    for key in options:
        if key not in known:
            raise UnknownName(f"option of the data set format {module.__name__.rpartition('.')[2]}", key, known)
    return Source(module.__name__.rpartition(".")[2], path, partial(module.rows, path, **options), module.example)


def _take_apart(spec: str) -> tuple[str, Path, dict[str, str]]:
    if Path(spec).exists():
        return "", Path(spec), {}
    rest, options = split_options(spec)
    name, colon, path = rest.partition(":")
    if not colon or Path(rest).exists() or "/" in name or len(name) == 1:  # one letter before a colon is a drive
        return "", Path(rest).expanduser(), options
    if name not in names():
        raise UnknownName("data set format", name, names())
    return name, Path(path).expanduser(), options


def _recognise(path: Path) -> str:
    """The one format that knows a file by its beginning."""
    head = look_at(path)
    for candidates in ([name for name in names() if name not in _FALLBACKS], _FALLBACKS):
        for name in candidates:
            if importlib.import_module(f"{__name__}.{name}").recognises(head):
                return name
    found = ", ".join(sorted(head.keys)) or head.key
    raise InputError(
        f"{path}: no data set format begins like this file ({head.layout} with {found}); expected rows with 'question'"
        f" and 'answers', or one of: {', '.join(names())}, named as format:path"
    )


def _not_there(path: Path) -> str:
    if path.is_dir():
        return f"{path} is a folder; name one question file inside it"
    if not path.parent.is_dir():
        return f"there is no question file {path}: the folder {path.parent} does not exist"
    near = difflib.get_close_matches(path.name, [p.name for p in path.parent.iterdir()], n=1, cutoff=0.4)
    hint = f"; did you mean {path.parent / near[0]}?" if near else ""
    return f"there is no question file {path}{hint}"
