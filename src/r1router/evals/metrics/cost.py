"""Counts what a trajectory cost: steps, searches per knowledge base, tokens, seconds per stage.

*dataset:* all. *metric:* counts and wall seconds of one question. *pattern:* read off, nothing is estimated;
quantiles (p50, p95) are the report's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from r1router.types import Example, Trajectory

STAGES = ("plan", "search", "answer", "final")


def cost(
    trajectory: Trajectory, example: Example, *, kinds: Mapping[str, str] = MappingProxyType({})
) -> dict[str, float]:
    """`steps` (those that searched), `retrievals` and `retrievals/KB`, `calls`, tokens, `seconds` and `seconds/STAGE`.

    Knowledge bases of the run (`kinds`) that were not searched count 0.
    """
    usage = trajectory.usage
    searched = Counter(dict.fromkeys(kinds, 0))
    searched.update(route for step in trajectory.steps for route in step.routes)
    stages = {stage: usage.seconds.get(stage, 0.0) for stage in dict.fromkeys((*STAGES, *usage.seconds))}
    return {
        "steps": float(sum(bool(step.routes) for step in trajectory.steps)),
        "retrievals": float(usage.retrievals or searched.total()),
        **{f"retrievals/{kb}": float(count) for kb, count in searched.items()},
        "calls": float(usage.calls),
        "tokens": float(usage.tokens),
        "prompt_tokens": float(usage.prompt_tokens),
        "completion_tokens": float(usage.completion_tokens),
        "seconds": sum(stages.values()),
        **{f"seconds/{stage}": seconds for stage, seconds in stages.items()},
    }
