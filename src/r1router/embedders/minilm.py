"""Embeds text as 384 numbers with all-MiniLM-L6-v2 in int8, which comes inside this package: `minilm:`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from r1router.embedders._onnx import map_in_turns, start_workers
from r1router.embedders._texts import clean
from r1router.errors import InputError
from r1router.onnx_session import ASSETS, open_session

MAX_TOKENS = 256
"""What the model was trained for; the rest of a text is not seen."""
MAX_CHARACTERS = 8_000
"""Of a text that is cut into tokens, since the tokenizer goes on to the end of what it is given."""
BATCH_TOKENS = 512
"""Padded tokens in one run: about what stays in a core's cache. 1,024 took 7 % more CPU."""
BLOCK = 2048
"""Texts sorted by length together; bounds the memory of a long call."""


def open_(rest: str) -> MiniLM:
    if rest:
        raise InputError(f"minilm: takes no name or option, got minilm:{rest}")
    return MiniLM()


class MiniLM:
    spec = "minilm:"
    dim = 384
    languages = ("en",)
    """Those that it was trained on; an embedder without this says nothing of its languages."""

    def __init__(self) -> None:
        folder = ASSETS / "minilm"
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._session = open_session(folder / "model.onnx")
        self._workers = start_workers()

    def embed_texts(self, texts: Sequence[str], *, query: bool = False) -> npt.NDArray[np.float32]:
        """float32 (len(texts), 384), rows of L2 norm 1; `query`: each is embedded alone.

        Texts embedded together affect each other in the last digit, which decides near ties in a search. Alone they
        cost some 5 % more.
        """
        vectors = np.empty((len(texts), self.dim), np.float32)
        for start in range(0, len(texts), BLOCK):
            self._embed_block(texts[start : start + BLOCK], vectors[start : start + BLOCK], alone=query)
        return vectors

    def _embed_block(self, texts: Sequence[str], vectors: npt.NDArray[np.float32], *, alone: bool) -> None:
        seen = clean(texts, most=MAX_CHARACTERS)
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(seen)]
        batches = [[i] for i in range(len(ids))] if alone else list(_batches(ids))
        parts = map_in_turns(self._workers, lambda batch: self._run([ids[i] for i in batch]), batches)
        for rows, part in zip(batches, parts, strict=True):
            vectors[rows] = part

    def _run(self, ids: list[list[int]]) -> Any:
        tokens = np.zeros((len(ids), max(map(len, ids))), np.int32)
        mask = np.zeros_like(tokens)
        for row, sequence in enumerate(ids):
            tokens[row, : len(sequence)] = sequence
            mask[row, : len(sequence)] = 1
        return self._session.run(None, {"input_ids": tokens, "attention_mask": mask})[0]


def _batches(ids: list[list[int]]) -> Iterator[list[int]]:
    """Indexes of texts of about equal length, longest first, so that little is padding and cores end together."""
    batch: list[int] = []
    for i in sorted(range(len(ids)), key=lambda i: -len(ids[i])):
        if batch and (len(batch) + 1) * len(ids[batch[0]]) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch
