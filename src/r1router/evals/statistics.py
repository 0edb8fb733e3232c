"""Scores to intervals and comparisons: percentile bootstrap, paired sign-flip test; the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

RESAMPLES = 2_000
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


def interval(scores: Sequence[float]) -> Interval:
    """Mean with a 95 % percentile bootstrap interval over questions (Efron 1979). Raises on no scores."""
    values = _values(scores)
    means = _resampled_means(values)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high), len(values))


def paired(a: Sequence[float], b: Sequence[float]) -> Difference:
    """How much better a is than b on the same questions, in the same order.

    The interval is a bootstrap of the differences; p is a sign-flip (Fisher randomisation) test, with the
    observed assignment counted in, so that it is never 0.
    """
    if len(a) != len(b):
        raise ValueError(f"paired scores must be of the same questions, got {len(a)} and {len(b)}")
    differences = _values(a) - _values(b)
    low, high = np.percentile(_resampled_means(differences), [2.5, 97.5])
    signs = np.random.default_rng(SEED).choice([-1.0, 1.0], (RESAMPLES, len(differences)))
    flipped = np.abs((signs * differences).mean(axis=1))
    as_large = int((flipped >= abs(differences.mean()) - 1e-12).sum())
    p = (as_large + 1) / (RESAMPLES + 1)
    return Difference(float(differences.mean()), float(low), float(high), p, len(differences))


def _values(scores: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or not len(values):
        raise ValueError("there are no scores to average")
    return values


def _resampled_means(
    values: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    picks = np.random.default_rng(SEED).integers(0, len(values), (RESAMPLES, len(values)))
    means: np.ndarray[tuple[int], np.dtype[np.float64]] = values[picks].mean(axis=1)
    return means
