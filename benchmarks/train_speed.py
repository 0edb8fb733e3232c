"""What an optimizer step of SFT and of Step-GRPO costs, ours beside plain TRL, in one process and in CPU-seconds.

    OMP_NUM_THREADS=1 python benchmarks/train_speed.py [sft] [grpo] [--base MODEL] [--groups 4] [--samples 8] …

Rows are random tokens of the sizes asked for, which cost what real ones cost. CPU-seconds are of the whole process, so
that other work on the machine changes them little; seconds by the clock stand beside them. Each variant of SFT has a
first step of two rows to warm up, those of GRPO have none. Variants take turns over `--rounds`. For what each part
brings, `--parts` adds plain TRL with one part after another.

SFT: 16 rows of 150 to 450 tokens of prompt and 20 to 60 of reply, LoRA of rank 32 on the upper 20 layers.
GRPO: groups × samples replies of `--reply` tokens to prompts of `--prompt`, sampling included; rewards are random, so
that no group ties. Plain TRL samples by `generate` and takes `--batch` replies in a pass, which bounds its
memory (10 GB for 8) and hardly changes its cost. What is not begun within `--minutes` is left out and named.
"""

from __future__ import annotations

import argparse
import gc
import random
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from r1router.train.fast import attention, head, lora
from r1router.train.fast.grpo import make_trainer_class as make_grpo_class
from r1router.train.fast.numbers import measure_fastest_dtype
from r1router.train.fast.sft import make_trainer_class as make_sft_class
from r1router.train.grpo.rollout_function import sample_prompts
from r1router.train.weights.adapter import prepare
from r1router.train.weights.load import load_model

LAYERS, RANK, ROWS = 20, 32, 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", help="sft, grpo; both where none is named")
    parser.add_argument("--base", default="")
    parser.add_argument("--groups", type=int, default=4)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--prompt", type=int, default=300)
    parser.add_argument("--reply", type=int, default=40)
    parser.add_argument("--batch", type=int, default=4, help="replies in a pass of plain TRL")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--parts", action="store_true")
    parser.add_argument("--minutes", type=float, default=60.0, help="by the clock; no variant is begun after them")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    until = time.monotonic() + 60 * given.minutes
    with tempfile.TemporaryDirectory() as folder:
        for stage in given.stages or ("sft", "grpo"):
            variants = {"sft": sft_variants, "grpo": grpo_variants}[stage](given, Path(folder))
            replies = {"sft": ROWS, "grpo": given.groups * given.samples}[stage]
            report(stage, variants, given.rounds, replies=replies, until=until)


def report(
    stage: str, variants: dict[str, Callable[[], Callable[[], float]]], rounds: int, *, replies: int, until: float
) -> None:
    """Prints each variant's median, how many times less it is than the first one's, and replies (or rows) a minute.

    A variant is loaded for its turn alone, so that none needs the memory of another.
    """
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, load in variants.items():
            if time.monotonic() > until:
                print(f"  {stage}, {name}: left out, the minutes are over", flush=True)
                continue
            step = load()
            began = time.monotonic()
            seconds[name].append(step())
            wall = time.monotonic() - began
            print(f"  {stage}, {name}: {seconds[name][-1]:.1f} CPU-s, {wall:.1f} s by the clock", flush=True)
            del step
            gc.collect()
    first = next(iter(seconds.values()))
    for name, measured in seconds.items():
        if measured:
            cost = median(measured)
            told = f"{cost:.1f} CPU-s a step, {median(first) / cost:.2f} × faster, {60 * replies / cost:.0f} a minute"
            print(f"{stage}, {name}: {told}", flush=True)


def loaded(base: str, dtype: Any) -> tuple[Any, Any, Any]:
    """(model, tokenizer, the settings of a new LoRA)."""
    model, tokenizer = load_model(base, device="cpu", dtype=dtype)
    layers = min(LAYERS, model.config.num_hidden_layers)
    return model, tokenizer, prepare(model, "", rank=RANK, layers=layers)[1]


def cpu_seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


# ── SFT ────────────────────────────────────────────────────────────────────────────────────────


def sft_variants(given: Any, folder: Path) -> dict[str, Callable[[], Callable[[], float]]]:
    import torch
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    drawn = random.Random(0)

    def row(prompt: int, reply: int) -> dict[str, list[int]]:
        ids = [drawn.randrange(300, 40_000) for _ in range(prompt + reply)]
        return {"input_ids": ids, "labels": [-100] * prompt + ids[prompt:]}

    rows = [row(drawn.randint(150, 450), drawn.randint(20, 60)) for _ in range(ROWS)]

    def variant(trainer_class: Any, dtype: Any, passes: int) -> Callable[[], float]:
        model, tokenizer, new = loaded(given.base, dtype)
        trainer = trainer_class(
            model=model,
            processing_class=tokenizer,
            train_dataset=Dataset.from_list(rows),
            peft_config=new,
            args=SFTConfig(
                output_dir=str(folder), per_device_train_batch_size=ROWS, max_length=None, use_cpu=True, bf16=False,
                gradient_checkpointing=False, dataloader_pin_memory=False, save_strategy="no", report_to="none",
                disable_tqdm=True,
            ),
        )  # fmt: skip
        trainer.create_optimizer()
        (batch,) = trainer.get_train_dataloader()
        counted = (batch["labels"][:, 1:] != -100).sum()
        size = ROWS // passes

        def step(count: int = ROWS) -> None:
            trainer.model.train()
            for start in range(0, count, size):
                part = {name: values[start : start + min(size, count)] for name, values in batch.items()}
                trainer.training_step(trainer.model, part, counted)
            trainer.optimizer.step()
            trainer.optimizer.zero_grad()

        step(2)
        return lambda: cpu_seconds(step)

    trainer_classes = {
        "plain TRL, float32, two passes": (SFTTrainer, torch.float32, 2),
        "ours": (make_sft_class(tokens=2048), measure_fastest_dtype(device="cpu"), 1),
    }
    if given.parts:
        trainer_classes["plain TRL, bfloat16, two passes"] = (SFTTrainer, torch.bfloat16, 2)
        trainer_classes["ours, float32"] = (make_sft_class(tokens=2048), torch.float32, 1)
    return {name: partial(variant, *of) for name, of in trainer_classes.items()}


# ── GRPO ───────────────────────────────────────────────────────────────────────────────────────


def grpo_variants(given: Any, folder: Path) -> dict[str, Callable[[], Callable[[], float]]]:
    import torch
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    drawn = random.Random(0)

    def reward(completions: Any, **_: Any) -> list[float]:
        return [drawn.random() for _ in completions]

    def variant(
        trainer_class: Any,
        dtype: Any,
        rollout: Any = None,
        make_faster: Callable[[Any], object] | None = None,
        whole: bool = False,
    ) -> Callable[[], float]:
        model, tokenizer, new = loaded(given.base, dtype)
        batch = given.samples if rollout or whole else given.batch
        text = tokenizer.decode([drawn.randrange(300, 40_000) for _ in range(4 * given.prompt)])
        words = tokenizer(text, add_special_tokens=False).input_ids
        room = given.prompt - len(tokenizer.apply_chat_template([{"role": "user", "content": ""}], return_dict=True,
                                                                add_generation_prompt=True)["input_ids"])  # fmt: skip
        prompts = [tokenizer.decode(words[place : place + room]) for place in range(given.groups)]
        trainer = trainer_class(
            model=model,
            processing_class=tokenizer,
            reward_funcs=reward,
            rollout_func=rollout,
            peft_config=new,
            train_dataset=Dataset.from_list([{"prompt": [{"role": "user", "content": p}]} for p in prompts]),
            args=GRPOConfig(
                output_dir=str(folder), num_generations=given.samples, per_device_train_batch_size=batch,
                gradient_accumulation_steps=given.groups * given.samples // batch, max_completion_length=given.reply,
                beta=0.0,
                loss_type="dr_grpo", scale_rewards="none", learning_rate=0.0, max_steps=1, use_cpu=True, bf16=False,
                gradient_checkpointing=False, dataloader_pin_memory=False, save_strategy="no", report_to="none",
                disable_tqdm=True, logging_steps=1,
            ),
        )  # fmt: skip
        if make_faster:
            make_faster(trainer.model)
        return lambda: cpu_seconds(trainer.train)

    def base_of(model: Any) -> Any:
        return model.get_base_model()

    fastest = measure_fastest_dtype(device="cpu")
    found = {
        "plain TRL": partial(variant, GRPOTrainer, torch.float32),
        "ours": partial(variant, make_grpo_class(GRPOTrainer), fastest, sample_prompts),
    }
    if given.parts:
        found |= {
            f"plain TRL in {fastest}": partial(variant, GRPOTrainer, fastest),
            "… and the head on replies alone": partial(
                variant, GRPOTrainer, fastest, None, lambda model: head.score_labels_only(base_of(model))
            ),
            "… and LoRA and attention in one": partial(
                variant,
                GRPOTrainer,
                fastest,
                None,
                lambda model: (
                    head.score_labels_only(base_of(model)),
                    lora.compute_in_one(model),
                    attention.use_products(base_of(model)),
                ),
            ),
            "… and a group in one row": partial(variant, make_grpo_class(GRPOTrainer), fastest, None, whole=True),
        }
    return found


if __name__ == "__main__":
    main()
