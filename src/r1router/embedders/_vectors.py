"""Scales rows of numbers to L2 norm 1, so that a product of two rows is their cosine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def normalise_rows(rows: Any) -> NDArray[np.float32]:
    """float32, each row divided by its norm; a row of zeros stays."""
    vectors = np.asarray(rows, np.float32)
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(norms > 0, norms, 1), np.float32)
