"""Counts the replies of a trajectory that did not parse.

*dataset:* all. *metric:* malformed replies per question. *pattern:* counted by the driver, read off here.
"""

from __future__ import annotations

from r1router.types import Example, Trajectory


def format_errors(trajectory: Trajectory, example: Example) -> float:
    return float(len(trajectory.format_errors))
