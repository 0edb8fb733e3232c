"""Two adapters of one training line to their weighted average: what the later one learned, less of what it forgot.

    python recipes/router/average_adapters.py EARLIER LATER OUT [--share 0.7]

Weights are averaged as in WiSE-FT (arXiv 2109.01903), here the matrices of a LoRA, which lie close together where LATER
was trained on from EARLIER. OUT is LATER's folder with other weights.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file

WEIGHTS = "adapter_model.safetensors"


def average(earlier: Path, later: Path, out: Path, share: float) -> None:
    """Writes `out`, `share` of it the later adapter. Raises `SystemExit` with a message where their forms differ."""
    before, after = load_file(earlier / WEIGHTS), load_file(later / WEIGHTS)
    if {name: w.shape for name, w in before.items()} != {name: w.shape for name, w in after.items()}:
        raise SystemExit(f"{earlier} and {later} are not adapters of the same form")
    shutil.copytree(later, out, dirs_exist_ok=True)
    mixed = {name: weights.lerp(after[name], share) for name, weights in before.items()}
    save_file(mixed, out / WEIGHTS, metadata={"format": "pt"})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("earlier", type=Path)
    parser.add_argument("later", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--share", type=float, default=0.7, help="of the later one; 0.7")
    given = parser.parse_args()
    average(given.earlier, given.later, given.out, given.share)
    print(f"the average is in {given.out}")
