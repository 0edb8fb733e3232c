"""Keeps how a knowledge base introduces itself, and which embedders built it: as `kb.json` where it is a folder."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from r1router.errors import InputError, KnowledgeBaseError
from r1router.kb.languages import name_language
from r1router.types import Card, Kind

FILE = "kb.json"
FORMAT = 1
"""Of the folder; a later one is refused, not guessed."""

LISTED = 6
"""So many titles are all named on a card that nobody wrote; of more of them, three."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NOTHING = frozenset(("no", "none", "null", "na", "nil", "nothing"))
"""What policies write where they need no knowledge base; see `parse`."""
_PLURAL = {"text": "passages", "image": "pictures", "table": "tables"}


@dataclass(frozen=True, slots=True)
class Manifest:
    name: str
    kind: Kind
    text_embedder: str
    """Spec of the embedder of every entry's text."""
    image_embedder: str | None = None
    """Spec of the embedder of pictures, for kind "image"."""
    holds: str = ""
    holds_given: bool = False
    """True when a person wrote `holds`; otherwise it follows the content."""
    holds_by: str = ""
    """Spec of the policy that wrote `holds` from the content (see `ingest.describe`)."""
    label: str = ""
    details: str = ""
    details_given: bool = False
    """True when a person wrote `details`; otherwise they follow the content."""
    format: int = FORMAT

    @property
    def card(self) -> Card:
        return Card(self.name, self.kind, self.holds or _PLURAL[self.kind], self.label, self.details)


def check_name(name: str) -> str:
    """The name itself. Raises `InputError` where it cannot be a folder and a route."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot name a knowledge base: use up to 64 letters, digits, '-', '_' and '.', "
            "a letter or digit first"
        )
    if name.casefold() in _NOTHING:
        raise InputError(f"{name!r} cannot name a knowledge base: a policy writes it to choose none; take another")
    return name


def read(folder: Path) -> Manifest:
    """Raises `KnowledgeBaseError` for a folder without a readable kb.json of our format."""
    path = folder / FILE
    try:
        written = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise KnowledgeBaseError(f"{folder} is not a knowledge base: it has no {FILE}") from error
    except (OSError, ValueError) as error:
        raise KnowledgeBaseError(f"{path} cannot be read: {error}") from error
    return parse(written, place=str(path))


def parse(written: str, *, place: str) -> Manifest:
    """What `render` wrote. Raises `KnowledgeBaseError` for anything else, and for a later format; `place`: in words."""
    try:
        fields = json.loads(written)
    except ValueError as error:
        raise KnowledgeBaseError(f"{place} cannot be read: {error}") from error
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise KnowledgeBaseError(f"{place} is not of format {FORMAT}; index the files again into a new folder")
    try:
        return Manifest(**fields)
    except TypeError as error:
        raise KnowledgeBaseError(f"{place} is not a knowledge base's: {error}") from error


def write(folder: Path, manifest: Manifest) -> None:
    """Whole or not at all, whatever interrupts it."""
    scratch = folder / f".{FILE}.{os.getpid()}"
    scratch.write_text(render(manifest) + "\n", encoding="utf-8")
    scratch.replace(folder / FILE)


def render(manifest: Manifest) -> str:
    """As JSON."""
    return json.dumps(asdict(manifest), ensure_ascii=False, indent=2)


def describe(kind: str, count: int, titles: list[str], columns: Mapping[str, Sequence[str]] = {}) -> str:
    """What a knowledge base holds, in one line: "8,804 tables such as A, B, C".

    Of few `titles` (they are sorted) all are named, with their `columns`: "2 tables: A (Country, Capital), B (Name)".
    """
    noun = _PLURAL[kind] if count != 1 else _PLURAL[kind].removesuffix("s")
    few = len(titles) <= LISTED
    examples = titles if few else [titles[len(titles) * (2 * i + 1) // 6] for i in range(3)]
    shown = [
        _cut(t, 60) + (f" ({_cut(', '.join(columns[t]), 100)})" if few and columns.get(t) else "") for t in examples
    ]
    return f"{count:,} {noun}{(': ' if few else ' such as ') if shown else ''}{', '.join(shown)}"


def describe_language(code: str) -> str:
    """What a card says of the language that most of its texts are in: " (German)"; nothing of English or none."""
    return f" ({name_language(code)})" if code not in ("", "en") else ""


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"
