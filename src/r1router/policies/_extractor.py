"""Finds the words of the evidence that answer a question, because a small encoder points better than a model says.

An encoder reads the question beside one piece at a time and gives each token how likely an answer begins and ends at
it; the pieces share one distribution (Clark and Gardner 2018, arXiv 1710.10723, "shared normalization"). In front of
each piece stand the words "yes no unknown", so that these can be pointed at too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding, Tokenizer

from r1router.errors import InputError, ParseError
from r1router.onnx_session import open_session
from r1router.pair_tokenizer import open_pair_tokenizer
from r1router.parse import UNKNOWN, read_answer, write_answer
from r1router.spans import ALONE, find_words
from r1router.types import Answer, Reply

FIXED = " ".join(ALONE) + " | "
"""What stands before each piece: answers that no piece holds."""
MAX_TOKENS = 320
"""Of question and piece together; a longer piece is read in parts that overlap by `OVERLAP` tokens."""
OVERLAP = 48
MAX_PARTS = 24
"""So many parts are read of all pieces, those of better ones first."""
LONGEST = 30
"""Tokens of an answer."""
CANDIDATES = 5
"""Answers that are found in each reading; the language model chooses among them, and they tell the doubt."""
SURE = 0.5
"""From this probability on the language model is not asked."""
UNKNOWN_ODDS = 4.0
"""What the odds of "unknown" are multiplied by, since the mean over the pieces tells too little. Chosen on strangers'
folders among 0.5, 1 and 4, which decline 8, 9 and 12 of 16 questions without an answer and answer 72, 73 and 71 of 124
others right, while the language model could still answer with any words: with less it was asked, and answered."""

TOKENIZER = "tokenizer"
"""The name of what the file tells of its tokenizer, among its metadata: the library's own JSON."""

Floats = npt.NDArray[np.float32]
Encode = Callable[[npt.NDArray[np.int32], npt.NDArray[np.int32]], Floats]
"""(token ids, which of the two texts each is of), both (1, tokens) → logits of begin and end, (tokens, 2)."""


class Span(NamedTuple):
    """An answer that the pieces hold, or one of "yes", "no", "unknown"."""

    text: str
    probability: float
    """Of this answer among all, wherever it stands, 0 to 1. Each piece says "unknown" for itself: of that, the mean."""
    piece: int
    """0-based number of the piece that it is likeliest from."""


class Extractor:
    """The weights of one file. Safe to share between threads. Raises `InputError` for a tokenizer that is none."""

    def __init__(self, model: Path) -> None:
        session = open_session(model)

        def encode(ids: npt.NDArray[np.int32], types: npt.NDArray[np.int32]) -> Floats:
            return session.run(None, {"input_ids": ids, "token_type_ids": types})[0][0]  # type: ignore[no-any-return]

        told = session.get_modelmeta().custom_metadata_map.get(TOKENIZER)
        try:
            self._tokenizer, self._encode = open_tokenizer(told), encode
        except Exception as error:  # the library raises no narrower one
            raise InputError(f"{model} tells a tokenizer that cannot be read: {error}") from error

    def find(self, question: str, pieces: Sequence[str], count: int) -> list[Span]:
        """The likeliest answers to the question in these pieces, best first; at most `count` of them."""
        return find_spans(question, pieces, count, self._tokenizer, self._encode)


def open_tokenizer(told: str | None = None) -> Tokenizer:
    """The one that this tells, MiniLM's without it; it cuts what is too long into parts that overlap."""
    return open_pair_tokenizer(MAX_TOKENS, overlap=OVERLAP, told=told)


def find_spans(question: str, pieces: Sequence[str], count: int, tokenizer: Tokenizer, encode: Encode) -> list[Span]:
    """As `Extractor.find`, by any encoder."""
    parts = list(islice(_cut(question[:1000], pieces, tokenizer), MAX_PARTS))
    if not parts:
        return []
    logits = [encode(_row(part.encoding.ids), _row(part.encoding.type_ids)) for part in parts]
    begins, ends = (_normalise([some[:, side] for some in logits], parts) for side in (0, 1))
    found: dict[str, list[tuple[float, str, int]]] = {}
    for part, begin, end in zip(parts, begins, ends, strict=True):
        for score, text in _best(part, begin, end, count):
            found.setdefault(" ".join(text.casefold().split()), []).append((score, text, part.piece))
    spans = _weigh_unknown([_join(same, len(pieces)) for same in found.values()])
    return sorted(spans, key=lambda span: (-span.probability, span.piece, span.text))[:count]


def write_reply(spans: Sequence[Span]) -> Reply:
    """The likeliest of these answers, as a reply in form."""
    best = spans[0]
    thought = "Nothing says it." if best.text == UNKNOWN else f"Piece {best.piece + 1} says it."
    doubt = sum(span.probability for span in spans if span.text == UNKNOWN)
    return Reply(write_answer(Answer(thought, best.text)), confidence=best.probability, doubt=doubt)


def is_sure(spans: Sequence[Span]) -> bool:
    """Whether the likeliest answer needs no language model beside it: it is likely enough, or "unknown"."""
    return spans[0].text == UNKNOWN or spans[0].probability >= SURE


def choose(spans: Sequence[Span], said: Reply) -> Reply:
    """What the language model said where that is one of these answers and likely enough, else the likeliest of them.

    The language model knows which of several answers is meant, in longer chains too; by itself it takes what stands
    near the question's words, and is sure of it. Of "unknown" it knows nothing.
    """
    try:
        answer = read_answer(said)
    except ParseError:
        return write_reply(spans)
    said_words = _read_words(answer.text)
    alike = sum(span.probability for span in spans if span.text != UNKNOWN and _read_words(span.text) == said_words)
    own = (answer.confidence or 0.0) + alike
    found = write_reply(spans)
    if alike and own >= spans[0].probability:
        return replace(said, confidence=answer.confidence, doubt=found.doubt)
    return replace(found, prompt_tokens=said.prompt_tokens, completion_tokens=said.completion_tokens)


def find_extractor_beside(*places: Path | None) -> Extractor | None:
    """The extractor at the first of these places that has one."""
    files = (place / "extractor.onnx" for place in places if place is not None)
    file = next((file for file in files if file.is_file()), None)
    return None if file is None else Extractor(file)


def _read_words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _join(same: Sequence[tuple[float, str, int]], pieces: int) -> Span:
    """One answer of (log-probability, text, piece) of the places where it stands."""
    _, text, piece = max(same)
    probability = sum(float(np.exp(score)) for score, _, _ in same)
    return Span(text, probability / pieces if text == UNKNOWN else probability, piece)


def _weigh_unknown(spans: Sequence[Span]) -> list[Span]:
    """The same answers, "unknown" with `UNKNOWN_ODDS` of its odds."""
    weights = [UNKNOWN_ODDS if span.text == UNKNOWN else 1.0 for span in spans]
    total = 1 + sum((weight - 1) * span.probability for span, weight in zip(spans, weights, strict=True))
    return [
        span._replace(probability=weight * span.probability / total)
        for span, weight in zip(spans, weights, strict=True)
    ]


class _Part(NamedTuple):
    """One run of the encoder: where words begin and end in what it reads of a piece."""

    piece: int
    text: str
    encoding: Encoding
    first: dict[int, int]
    """Token that a word begins with → character."""
    last: dict[int, int]
    """Token that a word ends with → character after it."""


def _cut(question: str, pieces: Sequence[str], tokenizer: Tokenizer) -> Iterator[_Part]:
    for number, piece in enumerate(pieces):
        text = FIXED + piece
        whole = tokenizer.encode(question, text)
        words = [(found.start(), found.end()) for found in find_words(text)]
        starts, ends = {a for a, _ in words}, {b for _, b in words}
        for encoding in (whole, *whole.overflowing):
            of_piece = [n for n, side in enumerate(encoding.sequence_ids) if side == 1]
            first = {n: a for n in of_piece if (a := encoding.offsets[n][0]) in starts}
            last = {n: b for n in of_piece if (b := encoding.offsets[n][1]) in ends}
            yield _Part(number, text, encoding, first, last)


def _row(numbers: Sequence[int]) -> npt.NDArray[np.int32]:
    return np.array([numbers], np.int32)


def _normalise(logits: Sequence[Any], parts: Sequence[_Part]) -> list[Floats]:
    """Log-probabilities over the tokens of all parts together; those of the question have none."""
    shut = [
        np.where(np.array([side == 1 for side in part.encoding.sequence_ids]), some, -np.inf)
        for some, part in zip(logits, parts, strict=True)
    ]
    most = max(float(some.max()) for some in shut)
    total = most + np.log(sum(float(np.exp(some - most).sum()) for some in shut))
    return [(some - total).astype(np.float32) for some in shut]


def _best(part: _Part, begin: Floats, end: Floats, count: int) -> Iterator[tuple[float, str]]:
    """(log-probability, text) of the likeliest spans of whole words in this part."""
    if not part.first or not part.last:
        return
    firsts, lasts = np.array(sorted(part.first)), np.array(sorted(part.last))
    scores = begin[firsts][:, None] + end[lasts][None, :]
    length = lasts[None, :] - firsts[:, None]
    scores = np.where((length >= 0) & (length < LONGEST), scores, -np.inf)
    kept = np.argsort(-scores, axis=None, kind="stable")[: 4 * count]
    fixed = len(FIXED)
    given = 0
    for place in kept:
        row, column = divmod(int(place), len(lasts))
        score = float(scores[row, column])
        if score == -np.inf or given == count:
            return
        a, b = part.first[int(firsts[row])], part.last[int(lasts[column])]
        text = part.text[a:b]
        if (a < fixed and text not in ALONE) or "\n\n" in text or "<" in text:
            continue
        given += 1
        yield score, " ".join(text.split())
