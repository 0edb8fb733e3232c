"""The first hour, as its page tells it: what stands in its blocks runs, in one folder, one block after the other."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "first-hour.md"
BLOCK = re.compile(r"(?P<before>[^\n]*)\n```bash\n(?P<code>.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.mark.slow
def test_the_first_hour_goes_as_its_page_says(tmp_path: Path) -> None:
    """With a scripted policy in the place of the built-in model, which would have to be fetched."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "r1router"
    program.write_text(f"#!{sys.executable}\nfrom r1router.cli import main\nmain()\n")
    program.chmod(0o755)
    replies = [
        {"when": "Bergen?", "reply": "<answer>291940</answer>"},
        {"when": "Oslo is the capital", "reply": "<answer>Oslo</answer>"},
        {
            "when": "What was learned",
            "reply": "<think>It is known.</think>\n<sub-question>None</sub-question>\n<ret>None</ret>",
        },
        {"when": "", "reply": "<answer>Oslo</answer>"},
    ]
    (tmp_path / "replies.jsonl").write_text("".join(json.dumps(reply) + "\n" for reply in replies))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("R1ROUTER_")} | {
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "R1ROUTER_POLICY": f"scripted:{tmp_path / 'replies.jsonl'}",
        "R1ROUTER_METHOD": "vanilla_rag",
    }
    blocks = [
        found for found in BLOCK.finditer(PAGE.read_text(encoding="utf-8")) if "<!-- no-run" not in found["before"]
    ]
    assert len(blocks) >= 4
    said = ""
    for block in blocks:
        done = subprocess.run(
            ["bash", "-e", "-c", block["code"]],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=250,
        )
        assert done.returncode == 0, f"{block['code']}\n{done.stdout}\n{done.stderr}"
        said += done.stdout
    assert "Oslo is the capital of Norway" in said
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "2 of 2 questions have gold steps" in said
    assert (tmp_path / "steps.jsonl").is_file()
