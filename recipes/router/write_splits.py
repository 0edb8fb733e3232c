"""Questions taken apart by hand to readings for the extractor, because it reads better after pointing at their parts.

    python recipes/router/write_splits.py COLLECTIONS OUT.jsonl [--split train] [--singles 1.0] [--gold QUESTIONS.jsonl]
        [--ottqa QUESTIONS.jsonl]

COLLECTIONS is what `index_written_folders.py` wrote. Beside this file `splits/*.tsv` hold question, words that say what
has to be found out first, words that its answer takes the place of; "-" twice where one look-up is enough. A reading is
of the question itself, as of a piece; what is left when the answer is put in needs one look-up alone, and so do
single questions of the collections, `--singles` times as many as those with marks. What is searched for then is read,
too, where a text answers it. Of QUESTIONS those with gold steps whose last is the question with an answer in it are
taken apart so, and comparisons of two, whose steps need no answer of each other, are not. For questions of OTT-QA
`splits/ottqa.txt` has the characters from which to which both stand.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from r1router.kb import open_kbs
from r1router.parse import UNKNOWN
from r1router.train.steps.step_file import Gold, TrainingStep, write_steps
from r1router.types import Evidence, KnowledgeBase, Query

PIECES = 5
"""That are read of a search."""
SPLITS = Path(__file__).parent / "splits"
FIRST = "What has to be found out first?"
PLACE = "Which words stand for: {first}?"


class Split(NamedTuple):
    """What of a question has to be found out first, and where its answer goes: words of it, as they stand there.

    Source: the "bridging" questions of Min et al. 2019, arXiv 1906.02916.
    """

    first: str
    place: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collections", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--split", choices=("train", "dev"), default="train")
    parser.add_argument("--singles", type=float, default=1.0)
    parser.add_argument("--gold", type=Path)
    parser.add_argument("--ottqa", type=Path)
    given = parser.parse_args()
    rng = random.Random(0)
    marked = {question: parts for file in sorted(SPLITS.glob("*.tsv")) for question, parts in read_splits(file)}
    marked |= dict(read_places(given.ottqa)) if given.ottqa else {}
    part = "" if given.split == "train" else ".dev"
    lines = (given.collections / f"questions{part}.jsonl").read_text(encoding="utf-8").splitlines()
    asked = [json.loads(line) for line in lines]
    chains = [row for row in asked if len(row["gold"]["steps"]) == 2 and marked.get(row["question"])]
    singles = [rng.choice([row["question"], *row["other_wordings"]]) for row in asked if len(row["gold"]["steps"]) == 1]
    steps = [step for row in chains for step in point(row["id"], row["question"], marked[row["question"]], row)]
    if given.split == "train":
        others = marked.keys() - {row["question"] for row in asked}
        for number, question in enumerate(sorted(others)):
            steps += point(f"own/{number}", question, marked[question])
    for number, (question, parts) in enumerate(read_gold(given.gold) if given.gold else ()):
        steps += point(f"gold/{number}", question, parts)
    for number, question in enumerate(rng.sample(singles, min(len(singles), round(given.singles * len(chains))))):
        steps += point(f"single/{number}", question, None)
    by_collection: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in chains:
        by_collection[row["collection"]].append(row)
    for name, rows in by_collection.items():
        steps += read_chains(rows, marked, open_kbs(str(given.collections / "kbs" / name))["text"])
    write_steps(steps, given.out)
    print(f"{len(chains)} questions of two steps, {len(steps)} readings in {given.out}")


def read_splits(file: Path) -> Iterator[tuple[str, Split | None]]:
    """Each question of a file, and how it is taken apart. Raises `SystemExit` for words that are not in it."""
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        question, first, place = line.split("\t")
        if first != "-" and not (find_place(question, first) and find_place(question, place)):
            raise SystemExit(f"{file}:{number}: the words are not in the question")
        yield question, None if first == "-" else Split(first, place)


def read_places(file: Path) -> Iterator[tuple[str, Split | None]]:
    """Each question of OTT-QA whose words are marked by their characters."""
    lines = (line.split(" | ") for line in (SPLITS / "ottqa.txt").read_text(encoding="utf-8").splitlines())
    places = {id_: [tuple(map(int, place.split("-"))) for place in both] for id_, *both in lines}
    for row in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
        if row["id"] in places:
            (begin, end), (start, stop) = places[row["id"]]
            yield row["question"], Split(row["question"][begin:end], row["question"][start:stop])


def read_gold(file: Path) -> Iterator[tuple[str, Split | None]]:
    """Each question of a set that its gold steps take apart in its own words, or that compares."""
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        question, steps = row["question"], row["gold"]["steps"] or []
        if len(steps) < 2 or row.get("template_held_out"):
            continue
        before, last = steps[-2]["answer"], steps[-1]["sub_question"]
        if not any(step["answer"] in last for step in steps[:-1]):
            yield question, None
            continue
        head, _, tail = last.partition(before)
        if (
            len(steps) == 2
            and question.startswith(head)
            and question.endswith(tail)
            and len(head + tail) < len(question)
        ):
            words = question[len(head) : len(question) - len(tail)].strip()
            yield question, Split(words, words)


def point(id_: str, question: str, parts: Split | None, row: dict[str, Any] | None = None) -> Iterator[TrainingStep]:
    """What is to be pointed at in a question."""
    yield make_step(f"{id_}/first", FIRST, [say(question)], parts.first if parts else None)
    if parts:
        yield make_step(f"{id_}/place", PLACE.format(first=parts.first), [say(question)], parts.place)
        yield make_step(f"{id_}/asked", FIRST, [say(ask_first(parts))], None)
        if row:
            rest = put_in(question, parts, row["gold"]["steps"][0]["answer"])
            yield make_step(f"{id_}/rest", FIRST, [say(rest)], None)


def read_chains(
    rows: Sequence[dict[str, Any]], marked: dict[str, Split | None], kb: KnowledgeBase
) -> Iterator[TrainingStep]:
    """The readings of both steps as they are asked when taken apart, of those that a text answers."""
    wanted = []
    for row in rows:
        parts = marked[row["question"]]
        assert parts is not None
        first, last = row["gold"]["steps"]
        wanted.append((f"{row['id']}/0", ask_first(parts), first))
        wanted.append((f"{row['id']}/1", put_in(row["question"], parts, first["answer"]), last))
    wanted = [(id_, asked, step) for id_, asked, step in wanted if step["kb"] == "text"]
    found = kb.search([Query(asked) for _, asked, _ in wanted], k=PIECES) if wanted else []
    for (id_, asked, step), pieces in zip(wanted, found, strict=True):
        gold = set(step["evidence_ids"])
        best = [piece for piece in pieces if {piece.id, piece.record} & gold and step["answer"] in piece.text]
        if best:
            others = [piece for piece in pieces if piece is not best[0]]
            yield make_step(f"{id_}/answer", asked, [best[0], *others], step["answer"])


def ask_first(parts: Split) -> str:
    """The sub-question that its words are."""
    return parts.first.rstrip(" .?!,;:") + "?"


def put_in(question: str, parts: Split, answer: str) -> str:
    """What is left to be asked: the question with the answer in its place."""
    place = find_place(question, parts.place)
    return question[: place.start()] + answer + question[place.end() :] if place else question


def find_place(question: str, words: str) -> re.Match[str] | None:
    """Where these words stand in the question, however they are spaced; within others where these have no spaces."""
    told = r"\s+".join(map(re.escape, words.split()))
    found = re.search(rf"(?<!\w){told}(?!\w)", question, re.IGNORECASE) if told else None
    return found or (re.search(told, question, re.IGNORECASE) if told else None)


def say(question: str) -> Evidence:
    """The question as a piece to be read."""
    return Evidence("question", "text", question)


def make_step(id_: str, asked: str, pieces: Sequence[Evidence], answer: str | None) -> TrainingStep:
    gold = Gold("Piece 1 says it." if answer else "Nothing says it.", answers=(answer or UNKNOWN,))
    return TrainingStep(
        id_, "answer", asked, sub_question=asked, evidence=tuple(pieces), gold=gold, source="splits"
    )  # fmt: skip


if __name__ == "__main__":
    main()
