"""Reads HybridQA: the questions that OTT-QA was made from, asked with their table in view.

*dataset:* HybridQA (Chen et al. 2020, arXiv 2004.07347). *metric:* exact match, token F1. *pattern:* OTT-QA's.
Source of the format: released_data/README.md of github.com/wenhuchen/HybridQA. Its files look like OTT-QA's and are
read alike; name the format (`hybridqa:dev.json`) where the report should say which it was.
"""

from __future__ import annotations

from r1router.evals.datasets._rows import Head
from r1router.evals.datasets.ottqa import example, rows

__all__ = ["example", "recognises", "rows"]


def recognises(head: Head) -> bool:
    return False  # nothing in a file tells it from OTT-QA
