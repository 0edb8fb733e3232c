"""What our training costs beside plain TRL, and what a pool of questions gains over one question at a time.

    python benchmarks/train_speed.py STEPS.jsonl [--kbs DIR] [--base MODEL] [--steps 4] [--groups 2] [--samples 4]

Offline: seconds per optimizer step of `r1router train grpo` and of TRL's GRPOTrainer on the same prompts, with the same
sizes and a learning rate of 0, so that both sample the same replies; the first step of each, which warms up, is left
out. TRL's reward there is a constant 0: what ours costs more is what reading and judging the replies costs.
Online (with --kbs): decisions sampled, judged and searched a minute, `--groups` questions at a time and one at a time;
a decision is one group of `--samples` replies. Nothing is trained there.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from r1router.kb import open_kbs
from r1router.methods import load_method
from r1router.prompts import Prompts
from r1router.train import rewards
from r1router.train.grpo.live_policy import generate
from r1router.train.grpo.rollout_pool import Pool
from r1router.train.grpo.run import run
from r1router.train.grpo.settings import GrpoSettings
from r1router.train.steps.rows import render
from r1router.train.steps.step_file import read_steps
from r1router.train.steps.tasks import gather_tasks
from r1router.train.weights.adapter import make_lora
from r1router.train.weights.load import load_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("steps_file", type=Path)
    parser.add_argument("--kbs", default="")
    parser.add_argument("--base", default="")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--groups", type=int, default=2)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--max-tokens", type=int, default=96)
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    settings = GrpoSettings(
        base=given.base, learning_rate=0.0, samples=given.samples, groups=given.groups, max_steps=given.steps,
        max_tokens=given.max_tokens, save_every=given.steps, vary_cards=False, format_valid=0.0,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        ours = offline(given.steps_file, settings, Path(folder) / "ours")
        plain = plain_trl(given.steps_file, settings, Path(folder) / "plain")
    print(f"offline, seconds per optimizer step: ours {ours:.2f}, plain TRL {plain:.2f}, ratio {ours / plain:.2f}")
    if given.kbs:
        pooled, alone = (online(given.steps_file, given.kbs, settings, places) for places in (given.groups, 1))
        print(
            f"online, decisions a minute: {given.groups} questions at a time {pooled:.1f}, one at a time {alone:.1f}, "
            f"ratio {pooled / alone:.2f}"
        )


def offline(file: Path, settings: GrpoSettings, out: Path) -> float:
    run([file], out, settings)
    state = out / f"checkpoint-{settings.max_steps}" / "trainer_state.json"
    return per_step(json.loads(state.read_text())["log_history"])


def plain_trl(file: Path, settings: GrpoSettings, out: Path) -> float:
    import torch
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    weights, tokenizer = load_model(settings.base)
    prompts = Prompts(settings.prompts)
    asks = [render(step, prompts).ask for step in read_steps(file)]
    examples = [{"prompt": [{"role": m.role, "content": m.content} for m in ask.messages]} for ask in asks]
    on_gpu = torch.cuda.is_available()
    trainer = GRPOTrainer(
        model=weights,
        processing_class=tokenizer,
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        train_dataset=Dataset.from_list(examples),
        peft_config=make_lora(weights, rank=settings.lora, layers=settings.layers),
        args=GRPOConfig(
            output_dir=str(out), learning_rate=0.0, num_generations=settings.samples, loss_type=settings.loss,
            per_device_train_batch_size=settings.samples, gradient_accumulation_steps=settings.groups,
            beta=settings.beta, temperature=settings.temperature, max_steps=settings.max_steps, logging_steps=1,
            max_completion_length=settings.max_tokens, save_strategy="no", report_to="none", seed=settings.seed,
            use_cpu=not on_gpu, bf16=on_gpu, activation_checkpointing=on_gpu, dataloader_pin_memory=on_gpu,
        ),
    )  # fmt: skip
    trainer.train()
    return per_step(trainer.state.log_history)


def per_step(logs: list[dict[str, Any]]) -> float:
    seconds = [log["step_time"] for log in logs if "step_time" in log][1:]
    return sum(seconds) / len(seconds)


def online(file: Path, kbs: str, settings: GrpoSettings, places: int) -> float:
    import torch

    weights, tokenizer = load_model(settings.base)
    if torch.cuda.is_available():
        weights = weights.cuda()
    torch.manual_seed(settings.seed)
    questions = gather_tasks(read_steps(file))
    pool = Pool(
        questions,
        open_kbs(kbs),
        method=load_method("r1_router"),
        prompts=Prompts(settings.prompts),
        rewards=rewards.load_rewards({"route": 1.0, "evidence": 1.0, "answer": 1.0}),
        seed=settings.seed,
    )
    say = partial(generate, weights, tokenizer, temperature=settings.temperature, max_tokens=settings.max_tokens)

    def groups(asks: Any) -> Any:
        replies = say([ask for ask in asks for _ in range(settings.samples)])
        return [replies[start : start + settings.samples] for start in range(0, len(replies), settings.samples)]

    ids = list(questions)
    decisions, seconds = 0, 0.0
    for turn in range(settings.max_steps * settings.groups // places + 1):
        began = time.perf_counter()
        pool.next_groups([ids[(turn * places + place) % len(ids)] for place in range(places)], groups)
        if turn:  # the first round warms up
            decisions, seconds = decisions + places, seconds + time.perf_counter() - began
    pool.close()
    return 60 * decisions / seconds


if __name__ == "__main__":
    main()
