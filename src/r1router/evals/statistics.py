"""Computes intervals and comparisons: percentile bootstrap, paired sign-flip test; the same for the same seed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000
FLIPS = 10_000
SEED = 0


class Interval(NamedTuple):
    mean: float
    low: float
    high: float
    """Bounds of the 95 % interval."""
    n: int


class Difference(NamedTuple):
    mean: float
    """Mean of a - b over the questions that both have."""
    low: float
    high: float
    p: float
    """Two-sided; probability of a mean difference at least this large if a and b were interchangeable."""
    n: int


def compute_interval(scores: Sequence[float]) -> Interval:
    """Mean with a 95 % percentile bootstrap interval over questions (Efron 1979). Raises on no scores."""
    values = _values(scores)
    low, high = _bounds(_counts(len(values)) @ values / len(values))
    return Interval(float(values.mean()), low, high, len(values))


def compute_rate(flags: Sequence[bool]) -> Interval:
    """The share of the true ones with its 95 % Wilson interval (1927): also where all, or none, of few are true."""
    n = len(flags)
    if not n:
        raise ValueError("there are no scores to average")
    share, z = sum(flags) / n, 1.959964
    centre = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = ((centre + side * half) / (1 + z * z / n) for side in (-1, 1))
    return Interval(share, max(0.0, low), min(1.0, high), n)


def compute_clustered_interval(scores: Sequence[float], groups: Sequence[str]) -> Interval:
    """Mean with a 95 % bootstrap interval over groups, such as the questions that steps belong to; `n` counts scores.

    Steps of one question succeed and fail together, so that resampling steps would promise too much (Miller 2024,
    arXiv 2411.00640).
    """
    values, names = _values(scores), list(dict.fromkeys(groups))
    place = {name: number for number, name in enumerate(names)}
    at = [place[group] for group in groups]
    sums = np.bincount(at, weights=values, minlength=len(names))
    sizes = np.bincount(at, minlength=len(names)).astype(np.float64)
    counts = _counts(len(names))
    low, high = _bounds((counts @ sums) / (counts @ sizes))
    return Interval(float(values.mean()), low, high, len(values))


def compute_clustered_rate(flags: Sequence[bool], groups: Sequence[str]) -> Interval:
    """`compute_rate` for flags that come in groups: with as many flags as would say as much if they were apart.

    The number is divided by the design effect, the variance between groups over that of a simple sample (Kish 1965).
    """
    rate, n = compute_rate(flags), len(flags)
    off: dict[str, float] = {}
    for flag, group in zip(flags, groups, strict=True):
        off[group] = off.get(group, 0.0) + flag - rate.mean
    simple = n * rate.mean * (1 - rate.mean)
    effect = max(1.0, sum(value * value for value in off.values()) / simple) if simple else n / len(off)
    apart = n / effect
    z = 1.959964
    centre = rate.mean + z * z / (2 * apart)
    half = z * math.sqrt(rate.mean * (1 - rate.mean) / apart + z * z / (4 * apart * apart))
    low, high = ((centre + side * half) / (1 + z * z / apart) for side in (-1, 1))
    return Interval(rate.mean, max(0.0, low), min(1.0, high), n)


def compute_calibration_error(pairs: Sequence[tuple[float, bool]], *, bins: int = 10) -> float | None:
    """Expected calibration error (Naeini et al. 2015) of (confidence, right): the mean distance of confidence and share
    of right ones over equal bins, weighted by their members. None without pairs.
    """
    members: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in pairs:
        members.setdefault(min(bins - 1, int(confidence * bins)), []).append((confidence, right))
    if not pairs:
        return None
    return sum(abs(sum(right - confidence for confidence, right in told)) for told in members.values()) / len(pairs)


def compute_macro_interval(rows: Sequence[Mapping[str, float]]) -> Interval:
    """Mean of the means of each key, with its bootstrap interval over rows; a row says nothing of keys that it lacks.

    `n` is the number of rows. A key that a resample happens to lack is left out of that resample's mean.
    """
    keys = sorted({key for row in rows for key in row})
    if not keys:
        raise ValueError("there are no scores to average")
    judged = np.array([[key in row for key in keys] for row in rows], dtype=np.float64)
    scores = np.array([[row.get(key, 0.0) for key in keys] for row in rows], dtype=np.float64)
    counts = _counts(len(rows))
    times = counts @ judged
    means = np.divide(counts @ scores, times, out=np.zeros_like(times), where=times > 0)
    resampled = means.sum(axis=1) / np.maximum(1, (times > 0).sum(axis=1))
    low, high = _bounds(resampled)
    return Interval(float((scores.sum(axis=0) / judged.sum(axis=0)).mean()), low, high, len(rows))


def compare_paired(a: Sequence[float], b: Sequence[float]) -> Difference:
    """How much better a is than b on the same questions, in the same order.

    The interval is a bootstrap of the differences; p is a sign-flip (Fisher randomisation) test: exact where the
    questions that differ are few, else from random flips with the observed one counted in, so that it is never 0.
    """
    if len(a) != len(b):
        raise ValueError(f"paired scores must be of the same questions, got {len(a)} and {len(b)}")
    differences = _values(a) - _values(b)
    low, high = _bounds(_counts(len(differences)) @ differences / len(differences))
    return Difference(float(differences.mean()), low, high, _sign_flip(differences), len(differences))


def correct_by_holm(ps: Sequence[float]) -> list[float]:
    """Each p adjusted for the number of comparisons, in the given order (Holm 1979).

    >>> [round(p, 4) for p in correct_by_holm([0.04, 0.01, 0.03])]
    [0.06, 0.03, 0.06]
    """
    adjusted = [0.0] * len(ps)
    largest = 0.0
    for rank, at in enumerate(sorted(range(len(ps)), key=lambda at: ps[at])):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[at]))
        adjusted[at] = largest
    return adjusted


def compute_quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share (0 to 1) lies, interpolated. Raises on no values."""
    return float(np.quantile(_values(values), share))


def _sign_flip(differences: NDArray[np.float64]) -> float:
    told = differences[differences != 0]  # a question with the same score on both sides is the same when flipped
    if not len(told):
        return 1.0
    observed = abs(told.sum()) - 1e-9
    if 2 ** len(told) <= FLIPS:
        signs = np.array(list(product((-1.0, 1.0), repeat=len(told))))
        return float((np.abs(signs @ told) >= observed).mean())
    draw, as_large = np.random.default_rng(SEED), 1
    for _ in range(FLIPS // 1_000):  # in parts, for memory
        signs = draw.integers(0, 2, (1_000, len(told)), dtype=np.int8) * 2.0 - 1.0
        as_large += int((np.abs(signs @ told) >= observed).sum())
    return as_large / (FLIPS + 1)


def _values(scores: Sequence[float]) -> NDArray[np.float64]:
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or not len(values):
        raise ValueError("there are no scores to average")
    return values


def _bounds(resampled: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.percentile(resampled, [2.5, 97.5])
    return float(low), float(high)


def _counts(n: int) -> NDArray[np.float64]:
    """How often each resample draws each of `n` questions, (RESAMPLES, n)."""
    return _small_counts(n).astype(np.float64)


@lru_cache(maxsize=16)
def _small_counts(n: int) -> NDArray[np.uint8]:
    picks = np.random.default_rng(SEED).integers(0, n, (RESAMPLES, n))
    picks += np.arange(RESAMPLES)[:, None] * n
    return np.bincount(picks.ravel(), minlength=RESAMPLES * n).reshape(RESAMPLES, n).astype(np.uint8)
