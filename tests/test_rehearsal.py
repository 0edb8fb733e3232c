"""Rehearsal: which rows a step imitates, and that their loss is SFT's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from r1router.errors import InputError
from r1router.parse import NO_ROUTE
from r1router.prompts import Prompts
from r1router.train.settings import SHORT
from r1router.train.steps.render import RenderedStep, render
from r1router.train.steps.step_file import Gold, Past, TrainingStep
from r1router.types import Card
from small_llama import write_small_llama

torch = pytest.importorskip("torch", reason="training is an extra")
pytest.importorskip("trl", reason="training is an extra")

from r1router.train.grpo.rehearsal import encode_row, make_rehearsal, pack_rows  # noqa: E402  # after the skips
from r1router.train.weights.load import load_model  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:You are using 'rollout_func':UserWarning"),
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.* is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.*"),
    pytest.mark.filterwarnings("ignore::FutureWarning:torch.*"),
]
CARDS = (Card("text", "text", "Passages"), Card("table", "table", "Tables"))
PAST = (Past("Where is it?", "Peru", "text"),)


def rows(count: int) -> list[RenderedStep]:
    made = [
        TrainingStep(
            f"q{n}/1/plan", "plan", f"Where is {n}?", history=PAST, kbs=CARDS, gold=Gold("Hm.", None, NO_ROUTE)
        )
        for n in range(count)
    ]
    return [render(step, Prompts(SHORT)) for step in made]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_model(str(write_small_llama(tmp_path_factory.mktemp("small") / "base.gguf")))[1]


def test_a_step_takes_a_share_of_as_many_rows_of_each_file_the_same_ones_again(tokenizer: Any) -> None:
    files, shares = {"a": rows(9), "b": rows(2)}, {"a": 0.2, "b": 0.01}
    made = make_rehearsal(files, shares, tokenizer, replies=20, longest=999, seed=1)
    assert [count for _, count in made.files] == [4, 1]
    assert made.weight == pytest.approx(0.21)
    assert len(made.draw(3)) == 5
    assert made.draw(3) == made.draw(3)
    assert made.draw(3) != made.draw(4)


def test_what_cannot_be_rehearsed_is_refused(tokenizer: Any) -> None:
    with pytest.raises(InputError, match="a has no row to rehearse: none with a gold reply within 5 tokens"):
        make_rehearsal({"a": rows(2)}, {"a": 0.1}, tokenizer, replies=8, longest=5, seed=0)
    with pytest.raises(InputError, match=r"above 0 and at most 1, not 1\.5"):
        make_rehearsal({"a": rows(2)}, {"a": 1.5}, tokenizer, replies=8, longest=999, seed=0)


def test_only_the_reply_is_imitated_with_the_end_of_its_turn(tokenizer: Any) -> None:
    one, other = (encode_row(row, tokenizer) for row in (rows(1)[0], rows(11)[10]))
    assert tokenizer.decode(one.ids[one.replied :]) == f"{rows(1)[0].reply}<|im_end|>\n"
    made = pack_rows([one, other], pad=0)
    assert made["labels"].shape == made["input_ids"].shape == (2, max(len(one.ids), len(other.ids)))
    assert made["labels"][0].ne(-100).sum() == len(one.ids) - one.replied
    assert made["attention_mask"].sum(1).tolist() == [len(one.ids), len(other.ids)]


def test_a_run_rehearses_in_every_step_even_where_the_replies_tie(tmp_path: Path) -> None:
    from r1router.train.grpo.run import run
    from r1router.train.grpo.settings import GrpoSettings
    from r1router.train.run_folder import read_logs
    from r1router.train.steps.step_file import write_steps

    base = write_small_llama(tmp_path / "small" / "base.gguf")
    file = tmp_path / "steps.jsonl"
    write_steps([row.step for row in rows(6)], file)
    settings = GrpoSettings(
        base=str(base), samples=2, groups=2, optimizer_steps=2, max_tokens=4, lora=4, rewards=(("format", 1.0),),
        redraws=0, rehearse=((str(file), 0.5),), save_every=1, format_valid=0.0, learning_rate=0.01, vary_cards=False,
    )  # fmt: skip
    run([file], tmp_path / "run", settings)
    first, second = (log for log in read_logs(tmp_path / "run") if "rehearsal_loss" in log)
    assert first["frac_reward_zero_std"] == 1.0  # nothing was said in form
    assert first["grad_norm"] > 0
    assert second["rehearsal_loss"] < first["rehearsal_loss"]
