"""Fine-tunes an adapter to imitate steps, on TRL and PEFT: the stage before Step-GRPO.

The loss is on the reply alone. What is trained is a LoRA on all linear layers, of the upper `layers` where those are
given: below the lowest of them nothing has to be propagated back, which a CPU feels. How it is computed at less cost is
in `train.fast`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
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
from r1router.train.fast.sft import make_trainer_class
from r1router.train.settings import SftSettings
from r1router.train.steps.render import RenderedStep, open_pictures, render_varied, shows_answer
from r1router.train.steps.step_file import TrainingStep, read_steps
from r1router.train.weights.adapter import prepare
from r1router.train.weights.load import check_pictures, count_tokens, load_model, sees_pictures

log = logging.getLogger(__name__)


DEFAULTS = SftSettings()


def run(files: Sequence[Path], out: Path, settings: SftSettings = DEFAULTS, *, pictures: Path | None = None) -> Path:
    """The folder of the trained adapter (or model, for `lora=0`). Goes on from the last checkpoint in `out`.

    `pictures` is the folder that the steps' pictures are in, for models that see; without it none is shown.
    Raises `InputError` for steps or settings that cannot be trained with or an `out` that holds another run,
    `MissingExtra`.
    """
    try:
        import peft  # noqa: F401
        import trl  # noqa: F401
    except ImportError as error:
        raise MissingExtra(error.name or "trl", "train", "training") from error
    processes = launch.check_processes()
    launch.check_batch(settings.batch, "rows", accumulate=settings.accumulate, processes=processes)
    with launch.find_state().main_process_first():
        run_folder.open_run(out, method="sft", settings=settings, files=files)
    if not run_folder.is_trained(out):
        _train(files, out, settings, pictures, processes)
    with launch.find_state().main_process_first():
        if trained := run_folder.find_result(out):
            return trained
        return run_folder.keep_result(run_folder.find_last_checkpoint(out), Path(settings.prompts), out)


def _train(files: Sequence[Path], out: Path, settings: SftSettings, pictures: Path | None, processes: int) -> None:
    import torch
    import transformers
    from trl import SFTConfig

    transformers.set_seed(settings.seed)
    use_free_threads()
    keep_freed_memory()
    dtype = measure_fastest_dtype() if settings.lora or settings.adapter else None  # all weights are trained in float32
    weights, tokenizer = load_model(settings.base, dtype=dtype)
    check_pictures(tokenizer, pictures)
    sees = sees_pictures(tokenizer)
    rows = list(_rows(read_steps(*files), settings, pictures))
    dataset = _dataset(rows, tokenizer, settings.max_tokens, shown=pictures is not None)
    model, new_lora = prepare(weights, settings.adapter, rank=settings.lora, layers=settings.layers)
    on_gpu = torch.cuda.is_available()
    trainer = make_trainer_class(tokens=0 if on_gpu else settings.tokens)(
        model=model,
        processing_class=tokenizer,
        train_dataset=dataset,
        peft_config=new_lora,
        callbacks=[save_by_time(settings.save_minutes, Path(settings.prompts))],
        args=SFTConfig(
            completion_only_loss=True,
            train_sampling_strategy="random" if sees else "group_by_length",
            logging_steps=5,
            ddp_find_unused_parameters=sees,
            **make_arguments(out, settings, processes=processes, on_gpu=on_gpu),
        ),
    )
    last = run_folder.find_last_checkpoint(out)
    trainer.train(resume_from_checkpoint=str(last) if last else None)


def _rows(steps: Sequence[TrainingStep], settings: SftSettings, pictures: Path | None) -> Iterator[RenderedStep]:
    """The steps as rows to imitate, those left out counted by reason."""
    prompts = Prompts(settings.prompts)
    left_out: Counter[str] = Counter()
    for row in render_varied(steps, prompts, seed=settings.seed, vary=settings.vary_cards, pictures=pictures):
        if not row.reply:
            left_out["no gold reply"] += 1
        elif row.step.kind == "answer" and not shows_answer(row):
            left_out["the answer is not in what the prompt shows"] += 1
        else:
            yield row
    for reason, count in left_out.items():
        log.warning("%d of %d steps left out: %s", count, len(steps), reason)


def _dataset(rows: Sequence[RenderedStep], tokenizer: Any, max_tokens: int, *, shown: bool) -> Any:
    from datasets import Dataset

    examples, too_long = [], 0
    for row in rows:
        prompt = write_chat_json(row.ask.messages, pictures=False)
        reply = [{"role": "assistant", "content": row.reply}]
        if count_tokens(tokenizer, [*prompt, *reply]) > max_tokens:
            too_long += 1
            continue
        example: dict[str, Any] = {"prompt": prompt, "completion": reply}
        examples.append(example | {"images": open_pictures(row)} if shown else example)
    if too_long:
        log.warning("%d of %d rows left out: longer than %d tokens", too_long, len(rows), max_tokens)
    if not examples:
        raise InputError("no step is left to train on; see the reasons above")
    return Dataset.from_list(examples)
