"""Scores likely queries by a cross-encoder, because marks know only the words that they were fitted to.

It reads the question beside what one query says and gives: "AVG(cost) WHERE work = 'inspection large' gives 132.5". So
"the coldest" stands beside MIN, and "run out of" beside stock = 0. `recipes/router/train_query_reranker.py` trains it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import numpy as np

from r1router.onnx_session import ASSETS, open_session
from r1router.pair_tokenizer import open_pair_tokenizer
from r1router.tables.query_marks import MarkedQuery

TOKENS = 160
"""Of question and query together."""
QUESTION, SHOWN = 400, 60
"""Characters of a question that are read; of an answer, and of a table's title."""
_LEFT_OUT = re.compile(r"\bSELECT\b|\bFROM t\b")


class QueryReranker:
    """The weights of one file. Safe to share between threads."""

    def __init__(self) -> None:
        self._tokenizer = open_pair_tokenizer(TOKENS)
        self._session = open_session(ASSETS / "query_reranker" / "model.onnx")

    def score(self, question: str, queries: Sequence[MarkedQuery], title: str) -> list[float]:
        """Of each query how well it fits, as a logit among the others. Each is read alone, so none sways another."""
        return [self._score(question[:QUESTION], write_out(query.sql, query.answer, title)) for query in queries]

    def _score(self, question: str, text: str) -> float:
        encoding = self._tokenizer.encode(question, text)
        fed = {"input_ids": [encoding.ids], "token_type_ids": [encoding.type_ids]}
        scores = self._session.run(None, {name: np.array(row, np.int32) for name, row in fed.items()})[0]
        return float(scores[0, 0])


@cache
def open_query_reranker() -> QueryReranker:
    """The one that ships, loaded at the first table that is asked."""
    return QueryReranker()


def write_out(sql: str, answer: str, title: str) -> str:
    """What a query says and gives, in the form that the weights were trained on.

    >>> write_out('SELECT COUNT(*) FROM t WHERE "made_by" = \\'Noa\\'', "12", "Samples")
    "COUNT rows WHERE made by = 'Noa' gives 12 | Samples"
    """
    said = _LEFT_OUT.sub("", sql).replace('"', "").replace("_", " ").replace("COUNT(*)", "COUNT rows")
    return f"{' '.join(said.split())} gives {answer[:SHOWN]} | {title[:SHOWN]}"
