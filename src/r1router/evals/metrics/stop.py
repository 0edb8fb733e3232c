"""Tells why a trajectory ended: 1 for its stop reason, 0 for the others.

*dataset:* all. *metric:* share of each stop reason. *pattern:* the reasons of `Trajectory.stop`.
"""

from __future__ import annotations

from r1router.types import Example, Trajectory

REASONS = ("enough", "max_steps", "repeated", "tokens", "seconds", "retrievals", "format", "no_evidence", "error")


def stop(trajectory: Trajectory, example: Example) -> dict[str, float]:
    """`stop/REASON` for each known reason, and `stop/other` for one that is not among them."""
    reason = trajectory.stop if trajectory.stop in REASONS else "other"
    return {f"stop/{known}": float(known == reason) for known in (*REASONS, "other")}
