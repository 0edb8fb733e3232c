"""r1router's default method, which also looks into its knowledge bases before it plans: a second search a step."""

from __future__ import annotations

from benchmarks.peers import r1router
from benchmarks.peers.parts import Steps


def open_steps() -> Steps:
    return r1router.open_steps("r1_router")
