"""Curves from the logs of runs, by the command that draws them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from r1router.cli import app
from r1router.errors import InputError
from r1router.train.judge.curves import draw_curves, read_curves

LOGS = [
    {"step": 1, "reward": 0.0, "ties": 1.0, "rewards/route/plan": 0.0, "rewards/route/mean": 0.0, "entropy": 1.0},
    {"step": 2, "reward": 1.0, "ties": 0.5, "rewards/route/plan": 1.0, "entropy": float("nan")},
    {"step": 2, "eval_score": 0.25, "eval_other/score": 0.5, "loss": "no number"},
    {"step": 4, "reward": 0.5, "ties": 0.0},
]  # fmt: skip


def run_of(folder: Path, logs=LOGS) -> Path:
    checkpoint = folder / "checkpoint-4"
    checkpoint.mkdir(parents=True)
    (checkpoint / "trainer_state.json").write_text(json.dumps({"log_history": logs}))
    return folder


def test_a_point_of_training_is_the_mean_of_the_last_logs_and_a_dev_score_is_as_it_was():
    figures = {figure.title: figure for figure in draw_curves({"a": LOGS}, window=2)}
    (reward,) = figures["Reward"].traces
    assert (reward["x"], reward["y"]) == ([1.0, 2.0, 4.0], [0.0, 0.5, 0.75])
    (score,) = figures["Score on dev"].traces
    assert (score["x"], score["y"]) == ([2.0], [0.25])
    assert [trace["name"] for trace in figures["Rewards by kind of step"].traces] == ["route/plan"]
    assert [trace["name"] for trace in figures["Scores on dev"].traces] == ["other/score"]
    assert figures["Entropy"].traces[0]["y"] == [1.0]
    assert "Loss" not in figures


def test_the_command_writes_one_page_of_several_runs(tmp_path):
    runs = [run_of(tmp_path / name) for name in ("one", "two")]
    page, points = tmp_path / "curves.html", tmp_path / "curves.json"
    told = CliRunner().invoke(app, ["train", "plot", *map(str, runs), "--out", str(page), "--json", str(points)])
    assert told.exit_code == 0, told.output
    text = page.read_text(encoding="utf-8")
    assert text.count("<figure") == 8  # four with a line for each run, two of each run
    assert '"name": "two"' in text
    assert json.loads(points.read_text())["one"][0]["reward"] == 0.0


def test_a_folder_without_a_checkpoint_is_said_to_be_none(tmp_path):
    with pytest.raises(InputError, match="no training run with a checkpoint"):
        read_curves(tmp_path)
