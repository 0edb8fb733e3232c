"""Checks which dependencies have no wheel for a system, because where one has none the package does not install.

    python recipes/check_wheels.py                 every system of SYSTEMS with each Python of PYTHONS
    python recipes/check_wheels.py windows-x86-64  one system

pip looks for every dependency by itself for that system and Python (`pip install --dry-run --no-deps
--only-binary=:all:`); nothing is installed. Needs a network. docs/install.md has the result.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
SYSTEMS = {
    "linux-x86-64": [f"manylinux_2_{n}_x86_64" for n in (28, 27, 17)] + ["manylinux2014_x86_64"],
    "linux-arm64": [f"manylinux_2_{n}_aarch64" for n in (28, 27, 17)] + ["manylinux2014_aarch64"],
    "alpine-x86-64": ["musllinux_1_2_x86_64", "musllinux_1_1_x86_64"],
    "macos-arm64": [
        *(f"macosx_{n}_0_arm64" for n in (15, 14, 13, 12, 11)),
        *("macosx_11_0_universal2", "macosx_10_13_universal2", "macosx_10_9_universal2"),
    ],
    "macos-intel": [
        *(f"macosx_{n}_0_x86_64" for n in (15, 14, 13, 12, 11)),
        *(f"macosx_10_{n}_x86_64" for n in (15, 13, 12, 9)),
        *("macosx_10_13_universal2", "macosx_10_9_universal2"),
    ],
    "windows-x86-64": ["win_amd64"],
    "windows-arm64": ["win_arm64"],
}
"""The platform tags of wheels that run there."""


def list_dependencies() -> list[str]:
    """What the package needs, to be served too. pip, which is everywhere, is left out."""
    file = Path(__file__).parents[1] / "pyproject.toml"
    project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return [each for each in (*project["dependencies"], *extras["serve"]) if not each.startswith("pip>")]


def find_missing(system: str, python: str) -> list[str]:
    """The dependencies without a wheel; pip names one at a time."""
    left, missing = list_dependencies(), []
    with tempfile.TemporaryDirectory() as nowhere:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps", "--only-binary=:all:"]
        command += ["--target", nowhere, "--implementation", "cp", "--python-version", python]
        command += [part for tag in SYSTEMS[system] for part in ("--platform", tag)]
        while True:
            done = subprocess.run([*command, *left], capture_output=True, text=True)
            if done.returncode == 0:
                return missing
            found = re.search(r"No matching distribution found for ([\w.-]+)", done.stderr)
            if not found:
                raise SystemExit(done.stderr)
            missing.append(found[1])
            left = [each for each in left if re.match(r"[\w.-]+", each)[0].lower() != found[1].lower()]


def main() -> None:
    for system in sys.argv[1:] or SYSTEMS:
        for python in PYTHONS:
            missing = [f"no {name}" for name in find_missing(system, python)]
            print(f"{system}, Python {python}: {', '.join(missing) or 'all'}", flush=True)


if __name__ == "__main__":
    main()
