"""Trains an adapter to prefer the better of two replies to one decision, because pairs are sampled once.

The trainer is TRL's `DPOTrainer` (DPO, arXiv 2305.18290): the reference is the adapter that the run starts from. How it
is computed at less cost on a CPU is in `train.fast`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from r1router.errors import InputError, MissingExtra
from r1router.policies._chat import write_chat_json
from r1router.prompts import Prompts
from r1router.train import launch, run_folder
from r1router.train.arguments import make_arguments
from r1router.train.fast.memory import keep_freed_memory
from r1router.train.fast.numbers import measure_fastest_dtype, use_free_threads
from r1router.train.fast.saving import save_by_time
from r1router.train.fast.sft import speed_up
from r1router.train.sampled.group_file import Pair, read_pairs
from r1router.train.settings import DpoSettings
from r1router.train.steps.render import render
from r1router.train.weights.adapter import prepare
from r1router.train.weights.load import count_tokens, find_gguf_file, load_model, sees_pictures

log = logging.getLogger(__name__)

DEFAULTS = DpoSettings()


def run(files: Sequence[Path], out: Path, settings: DpoSettings = DEFAULTS) -> Path:
    """The folder of the trained adapter (or model, for `lora=0`). Goes on from the last checkpoint in `out`.

    `files` are of pairs, as `train.sampled` writes them. Raises `InputError` for pairs or settings that cannot be
    trained with or an `out` that holds another run, `MissingExtra`.
    """
    try:
        import peft  # noqa: F401
        import trl  # noqa: F401
    except ImportError as error:
        raise MissingExtra(error.name or "trl", "train", "training") from error
    processes = launch.check_processes()
    launch.check_batch(settings.batch, "pairs", accumulate=settings.accumulate, processes=processes)
    if not (settings.lora or settings.adapter) and find_gguf_file(settings.base):
        raise InputError("preferring with all weights takes them twice, and TRL reads no GGUF file; train a LoRA")
    with launch.find_state().main_process_first():
        run_folder.open_run(out, method="dpo", settings=settings, files=files)
    if not run_folder.is_trained(out):
        _train(read_pairs(*files), out, settings, processes)
    with launch.find_state().main_process_first():
        if trained := run_folder.find_result(out):
            return trained
        return run_folder.keep_result(run_folder.find_last_checkpoint(out), Path(settings.prompts), out)


def _train(pairs: Sequence[Pair], out: Path, settings: DpoSettings, processes: int) -> None:
    import torch
    import transformers
    from trl import DPOConfig, DPOTrainer

    transformers.set_seed(settings.seed)
    use_free_threads()
    keep_freed_memory()
    dtype = measure_fastest_dtype() if settings.lora or settings.adapter else None  # all weights are trained in float32
    weights, tokenizer = load_model(settings.base, dtype=dtype)
    if sees_pictures(tokenizer):
        raise InputError("pairs are read without pictures; take a base that reads text, or `r1router train sft`")
    dataset = _dataset(pairs, tokenizer, settings)
    model, new_lora = prepare(weights, settings.adapter, rank=settings.lora, layers=settings.layers)
    arguments = make_arguments(out, settings, processes=processes, on_gpu=torch.cuda.is_available())
    trainer = DPOTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=dataset,
        peft_config=new_lora,
        callbacks=[save_by_time(settings.save_minutes, Path(settings.prompts))],
        args=DPOConfig(beta=settings.beta, logging_steps=1, **arguments),
    )
    speed_up(trainer.model)
    last = run_folder.find_last_checkpoint(out)
    trainer.train(resume_from_checkpoint=str(last) if last else None)


def _dataset(pairs: Sequence[Pair], tokenizer: Any, settings: DpoSettings) -> Any:
    """The pairs as TRL reads them, too long ones left out and counted."""
    from datasets import Dataset

    prompts, examples = Prompts(settings.prompts), []
    for pair in pairs:
        prompt = write_chat_json(render(pair.step, prompts).ask.messages, pictures=False)
        chosen, rejected = ([{"role": "assistant", "content": reply}] for reply in (pair.chosen, pair.rejected))
        longest = max(count_tokens(tokenizer, [*prompt, *reply]) for reply in (chosen, rejected))
        if longest <= settings.max_tokens:
            examples.append({"prompt": prompt, "chosen": chosen, "rejected": rejected})
    if len(examples) < len(pairs):
        told = len(pairs) - len(examples), len(pairs), settings.max_tokens
        log.warning("%d of %d pairs left out: longer than %d tokens", *told)
    if not examples:
        raise InputError("no pair is left to train on; raise --max-tokens")
    return Dataset.from_list(examples)
