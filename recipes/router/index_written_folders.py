"""Indexes the folders written by hand, each for itself, because online training needs questions over many folders.

    python recipes/router/index_written_folders.py OUT [--written readings] [--together 1] [--seed 0]

Each folder of `readings/` is filled, written to OUT/files/NAME, and indexed to OUT/kbs/NAME: a collection, as
`r1router train grpo --online --kbs OUT/kbs` searches it. With `--together 3` a collection is three folders of one
language, named after the first: the more pieces there are, the more a search has to say what it wants.

OUT/questions.jsonl has the questions that a folder answers, with the collection and the pieces that say it: one step,
or the chain of them. OUT/unknown.jsonl has those that it does not answer, with the answer "unknown"; for them no piece
is gold, so they are no training questions. Every tenth collection is kept apart: OUT/questions.dev.jsonl and
OUT/unknown.dev.jsonl. Given again, the command goes on.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from made_folders import FOLDERS, Asked, Hop, Made, fill, find_answer, read_folders, write_files

import r1router as rr
from r1router.evals.metrics.contains import score as contains
from r1router.types import Evidence, KnowledgeBase, Query

APART = 10
"""One in so many collections is for dev."""
DEEP = 50
"""Pieces that are looked through for the one that says an answer: more than most collections have."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--written", default="readings")
    parser.add_argument("--together", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    groups = gather(read_folders(FOLDERS.parent / given.written), given.together)
    rows: dict[str, list[str]] = {f"{name}{part}": [] for name in ("questions", "unknown") for part in ("", ".dev")}
    counts = {"questions": 0, "chains": 0, "unknown": 0, "without gold": 0}
    for number, (name, folders) in enumerate(groups.items(), 1):
        made = [fill(lines, random.Random(f"{given.seed}/{lines[0]}")) for lines in folders]
        kbs = index(name, made, given.out)
        part = "" if number % APART else ".dev"
        for row in write_rows(name, made, kbs):
            kind = "unknown" if not row["gold"] else "questions" if all(map(is_told, row["gold"]["steps"])) else ""
            counts[kind or "without gold"] += 1
            if kind:
                counts["chains"] += len((row["gold"] or {}).get("steps", ())) > 1
                rows[kind + part].append(json.dumps(row, ensure_ascii=False) + "\n")
        told = ", ".join(f"{count} {what}" for what, count in counts.items())
        print(f"{number} of {len(groups)} collections, {told}", flush=True)
    for name, lines in rows.items():
        (given.out / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")


def gather(folders: Sequence[list[str]], together: int) -> dict[str, list[list[str]]]:
    """The folders of each collection, all of one language, by its name."""
    groups: dict[str, list[list[str]]] = {}
    for language in dict.fromkeys(map(_language, folders)):
        alike = [lines for lines in folders if _language(lines) == language]
        for start in range(0, len(alike), together):
            groups[slug(alike[start][0][2:].split("|")[0])] = alike[start : start + together]
    return groups


def _language(lines: Sequence[str]) -> str:
    return lines[0].split("|")[1].strip()


def slug(name: str) -> str:
    return re.sub(r"\W+", "-", name.casefold()).strip("-")


def index(name: str, made: Sequence[Made], out: Path) -> Mapping[str, KnowledgeBase]:
    """The knowledge bases of a collection, made where they are not there yet."""
    done, begun = out / "kbs" / name, out / "kbs" / f".{name}"
    if not done.exists():
        files = [out / "files" / slug(folder.name) for folder in made]
        for folder, place in zip(made, files, strict=True):
            write_files([folder], place)
        rr.index(files, kbs=begun, ocr=False)
        begun.rename(done)
    return rr.open_kbs(done)


# ── questions ──────────────────────────────────────────────────────────────────────────────────


def write_rows(name: str, made: Sequence[Made], kbs: Mapping[str, KnowledgeBase]) -> list[dict[str, Any]]:
    """The questions of a collection, as `r1router eval` reads them; a step whose piece is not found has no evidence."""
    asked = [(folder, one) for folder in made for one in folder.asked]
    hops = [hop for _, one in asked for hop in one.hops]
    found = {kind: iter(search(kbs, kind, hops)) for kind in {hop.kind for hop in hops}}
    rows = []
    for number, (folder, one) in enumerate(asked):
        steps = [_step(one, hop, next(found[hop.kind]), folder) for hop in one.hops]
        answer = steps[-1]["answer"] if steps else one.answer
        rows.append({
            "id": f"{name}/{number}", "collection": name, "question": one.question, "answers": [answer],
            "type": "+".join(sorted({hop.kind for hop in one.hops})), "gold": {"steps": steps} if steps else None,
            "other_wordings": one.other_wordings,
        })  # fmt: skip
    return rows


def search(kbs: Mapping[str, KnowledgeBase], kind: str, hops: Sequence[Hop]) -> list[list[Evidence]]:
    """For each hop of this kind, in order, the pieces that its sub-question finds."""
    wanted = [Query(hop.sub_question) for hop in hops if hop.kind == kind]
    return kbs[kind].search(wanted, k=DEEP) if kind in kbs else [[] for _ in wanted]


def _step(asked: Asked, hop: Hop, pieces: Sequence[Evidence], folder: Made) -> dict[str, Any]:
    single = len(asked.hops) == 1
    wanted = asked.question if single else hop.sub_question
    ids = find_gold(hop, pieces, [hop.path] if single else list(folder.texts), slug(folder.name))
    return {"sub_question": wanted, "kb": hop.kind, "answer": find_answer(folder, hop) or "", "evidence_ids": ids}


def find_gold(hop: Hop, pieces: Sequence[Evidence], documents: Sequence[str], folder: str) -> list[str]:
    """What says the answer: any piece of a table, since the whole of it is read; of a document the pieces that hold it.

    A yes or a no stands nowhere; then any piece of the document is gold. A link of a chain does not say which of the
    `documents` tells it: it is the nearest to its sub-question of those that hold the answer.
    """
    if hop.kind == "table":
        return list({piece.record: 0 for piece in pieces if _is_of(piece, folder, hop.path)})
    possible = [piece for piece in pieces if any(_is_of(piece, folder, path) for path in documents)]
    if hop.answer in ("yes", "no") and len(documents) == 1:
        return list({piece.record: 0 for piece in possible})
    holding = [piece for piece in possible if _holds(piece, hop.answer)]
    return [piece.id for piece in holding if piece.record == holding[0].record]


def _holds(piece: Evidence, answer: str) -> bool:
    """Whether the answer stands there in whole words, or where words have no spaces between them, at all."""
    return contains(piece.text, (answer,)) > 0 or (not answer.isascii() and answer in piece.text)


def _is_of(piece: Evidence, folder: str, path: str) -> bool:
    """Whether it is from this file of the folder, which was written with another ending."""
    source = Path(piece.location.source if piece.location else "").with_suffix("").as_posix()
    return source == Path(folder, path).with_suffix("").as_posix()


def is_told(step: Mapping[str, Any]) -> bool:
    return bool(step["evidence_ids"] and step["answer"])


if __name__ == "__main__":
    main()
