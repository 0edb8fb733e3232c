"""Fits the weights of marks to questions of which the right candidates are known, as a log-linear model.

A candidate is a query or a span with its marks; its score is the sum of their weights. The weights make the right
candidates of each question probable, all of them together (marginal likelihood; Pasupat and Liang 2015, arXiv
1508.00305), with a ridge against chance. It needs scipy (`pip install scipy`).
"""

from __future__ import annotations

import random
import re
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import scipy.sparse
from scipy.optimize import minimize

WRONG, RIGHT = 50, 10
"""Of the candidates of one question, the best of each that are compared, and as many others of the wrong ones."""
FAR = 5.0
"""Where the best right candidate is worth so much less than the best one, it is right by chance."""
LEAST_QUESTIONS = 4
"""A mark that fewer questions have is left out."""
LEAST_WEIGHT = 0.1


class Candidate(Protocol):
    @property
    def marks(self) -> tuple[str, ...]: ...

    @property
    def score(self) -> float: ...


class Marked:
    """All questions' candidates as one sparse matrix of marks."""

    def __init__(self, begin: Mapping[str, float], *, far: float = FAR, learn: str = "") -> None:
        """`begin`: what the weights are where no question says otherwise. `learn`: a pattern of the marks that are
        fitted; all others keep their weights."""
        self._begin, self._far, self._learn = begin, far, re.compile(learn)
        self._rng = random.Random(0)
        self.place: dict[str, int] = {}
        self.rows, self.columns = array("i"), array("i")
        self.right, self.starts, self.share = array("b"), array("i"), array("d")
        self.kept = array("d")
        """Of each candidate, what the marks are worth that keep their weights."""

    def add(self, candidates: Sequence[tuple[Candidate, bool]], share: float) -> None:
        good, bad = ([one for one in candidates if one[1] is right] for right in (True, False))
        if not good or not bad or good[0][0].score < candidates[0][0].score - self._far:
            return
        others = bad[WRONG:]
        kept = [*good[:RIGHT], *bad[:WRONG], *self._rng.sample(others, min(WRONG, len(others)))]
        self.starts.append(len(self.right))
        self.share.append(share)
        for candidate, right in kept:
            kept_worth = 0.0
            for name in candidate.marks:
                if self._learn.match(name):
                    self.rows.append(len(self.right))
                    self.columns.append(self.place.setdefault(name, len(self.place)))
                else:
                    kept_worth += self._begin.get(name, 0.0)
            self.kept.append(kept_worth)
            self.right.append(right)

    def fit(self, before: Mapping[str, float], ridge: float) -> dict[str, float]:
        count, width = len(self.right), len(self.place)
        rows, columns = np.frombuffer(self.rows, np.int32), np.frombuffer(self.columns, np.int32)
        right, starts = np.frombuffer(self.right, np.int8).astype(float), np.frombuffer(self.starts, np.int32)
        share, worth = np.frombuffer(self.share), np.frombuffer(self.kept)
        question = np.repeat(np.arange(len(starts)), np.diff([*starts, count]))
        told = np.unique(question[rows].astype(np.int64) * width + columns) % width
        often = np.bincount(told, minlength=width) >= LEAST_QUESTIONS
        kept = often[columns]
        matrix: Any = scipy.sparse.csr_matrix(
            (np.ones(kept.sum(), np.float32), (rows[kept], columns[kept])), shape=(count, width)
        )
        matrix.sum_duplicates()
        turned = matrix.T.tocsr()

        def measure(weights: Any) -> tuple[float, Any]:
            scores = worth + matrix @ weights
            shares = np.exp(scores - np.maximum.reduceat(scores, starts)[question])
            total, good = np.add.reduceat(shares, starts), np.maximum(np.add.reduceat(shares * right, starts), 1e-30)
            loss = -(share * np.log(good / total)).sum() + 0.5 * ridge * ((weights - begin) ** 2).sum()
            slope = share[question] * (shares / total[question] - shares * right / good[question])
            return float(loss), turned @ slope + ridge * (weights - begin)

        begin = np.array([self._begin.get(name, 0.0) for name in self.place])
        start = np.where(often, [before.get(name, 0.0) for name in self.place], begin)
        best = minimize(measure, start, jac=True, method="L-BFGS-B", options={"maxiter": 40})
        fitted = {**self._begin, **dict(zip(self.place, map(float, best.x), strict=True))}
        return {name: weight for name, weight in fitted.items() if abs(weight) >= LEAST_WEIGHT}


def write_weights(weights: Mapping[str, float], out: Path, head: str) -> None:
    def quote(name: str) -> str:
        return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'

    lines = [f"{quote(name)} = {weight:.2f}\n" for name, weight in sorted(weights.items())]
    out.write_text(f"# {head}\n" + "".join(lines), encoding="utf-8")
