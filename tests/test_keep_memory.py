"""Training keeps the memory that a step frees for the next one."""

import subprocess
import sys

import pytest

pytest.importorskip("torch")

FAULTS = """
import resource, sys
import torch
from r1router.train.fast.memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
def step():
    return torch.ones(16_000_000).add(1).sum().item()
for _ in range(20):  # the heap finds its size
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it is told to the allocator of Linux")
def test_a_step_uses_the_pages_of_the_step_before() -> None:
    faults = {}
    for what in ("keep", "leave"):
        done = subprocess.run([sys.executable, "-c", FAULTS, what], capture_output=True, text=True, check=True)
        faults[what] = int(done.stdout)
    assert faults["keep"] < 1_000 < faults["leave"]  # a step has 31,200 pages of 4 KB
