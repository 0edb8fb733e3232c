"""Implements `r1router demo`: does the whole job on the files that come with the package.

Builds three small knowledge bases (text, pictures, tables), then asks the questions of
`demo_data/questions.jsonl`, each step printed as it happens.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from r1router import api
from r1router.cache import find_cache_folder
from r1router.cli import options, render
from r1router.cli.index import index
from r1router.kb import open_kbs
from r1router.policies import open_policy

DATA = Path(__file__).parent.parent / "demo_data"
ASKED = 4
"""Questions asked unless told otherwise: text, table, picture, and two knowledge bases in a row."""


def demo(
    kbs: Annotated[Path | None, typer.Option(help="Where to build the knowledge bases. [a cache folder]")] = None,
    policy: options.PolicySpec = "llamacpp:",
    questions: Annotated[int, typer.Option(min=1, help="How many of the demo's questions to ask.")] = ASKED,
) -> None:
    """Ask three small knowledge bases that come along.

    They are built from the package's own files.
    """
    console = Console()
    folder = kbs or _kept()
    console.print(Rule("knowledge bases"))
    index([DATA / "text", DATA / "images", DATA / "tables"], kbs=str(folder), prune=True)
    opened, model = open_kbs(folder), open_policy(policy)
    rows = [json.loads(line) for line in (DATA / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    right = 0
    for row in rows[:questions]:
        console.print(Rule(f"{row['id']}: {row['needs']}"))
        right += _ask(row, opened, model, console)
    console.print(Rule())
    console.print(Text(f"{right} of {len(rows[:questions])} answers contain the expected words.", style="bold"))
    console.print(Text(f'ask your own: r1router ask "…" --kbs {folder}', style="dim"))


def _kept() -> Path:
    """A folder of this installation's own: entries name the files they are from, which lie elsewhere in another."""
    return find_cache_folder() / f"demo-kbs-{hashlib.sha256(str(DATA).encode()).hexdigest()[:8]}"


def _ask(row: dict[str, Any], kbs: Any, policy: Any, console: Console) -> bool:
    """Whether the answer contains one of the expected ones."""
    console.print(Text(row["question"], style="bold"))
    picture = DATA / row["image"] if row.get("image") else None
    if picture:
        console.print(Text(f"picture: {picture}", style="dim"))
    trajectory = render.show(api.stream(row["question"], image=picture, kbs=kbs, policy=policy), console)
    said = trajectory.answer.text.casefold() if trajectory.answer else ""
    right = any(answer.casefold() in said for answer in row["answers"])
    mark = Text("as expected" if right else f"expected: {row['answers'][0]}", style="green" if right else "red")
    console.print(mark)
    return right
