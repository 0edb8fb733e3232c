"""Computes cosines of pairs of texts, by any text embedder, each text embedded once and all of them together."""

from __future__ import annotations

from collections.abc import Sequence

from r1router.embedders import open_text_embedder
from r1router.types import TextEmbedder


def compute_cosines(pairs: Sequence[tuple[str, str]], embedder: TextEmbedder | str) -> list[float]:
    """In [-1, 1]. `embedder` is an opened one or its spec, such as `minilm:`."""
    if not pairs:
        return []
    opened = open_text_embedder(embedder) if isinstance(embedder, str) else embedder
    place = {text: row for row, text in enumerate(dict.fromkeys(text for pair in pairs for text in pair))}
    vectors = opened.embed_texts(list(place))
    return [1.0 if a == b else float(vectors[place[a]] @ vectors[place[b]]) for a, b in pairs]
