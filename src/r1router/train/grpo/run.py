"""Reinforces an adapter by Step-GRPO on TRL and PEFT, offline on gold histories or online with live searches.

Offline is the paper's form (section 3.2): every step is a prompt of its own with its gold history, its own group of
samples, and advantages within that group. Online, the groups come from questions that the policy itself works on;
see `train.grpo.rollout_pool`. The trainer is TRL's; what is added is what a group is, what it earns, and when to stop.
"""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from r1router.drive.many import IN_FLIGHT
from r1router.errors import InputError, MissingExtra, UnknownName
from r1router.kb.collections import Collections, open_collections
from r1router.methods import load_method
from r1router.policies import open_policy
from r1router.policies._chat import write_chat_json
from r1router.prompts import Prompts
from r1router.train import launch, rewards, run_folder
from r1router.train.fast.grpo import make_trainer_class
from r1router.train.fast.memory import keep_freed_memory
from r1router.train.fast.numbers import measure_fastest_dtype, use_free_threads
from r1router.train.fast.saving import save_by_time
from r1router.train.grpo import collapse, rehearsal, reward_functions, rollout_function, validation
from r1router.train.grpo.rollout_pool import DECISIONS, Generate, Pool
from r1router.train.grpo.served_policy import make_generate
from r1router.train.grpo.settings import DEFAULTS, LABELS, LOSSES, SCALES, GrpoSettings
from r1router.train.judge.profile import is_in_reach, read_profiles
from r1router.train.steps.question_tasks import read_tasks
from r1router.train.steps.render import RenderedStep, open_pictures, render, render_varied, shows_answer
from r1router.train.steps.step_file import TrainingStep, read_steps
from r1router.train.steps.tasks import Task
from r1router.train.weights.adapter import prepare
from r1router.train.weights.load import check_pictures, count_tokens, find_gguf_file, load_model, sees_pictures
from r1router.types import KnowledgeBase

log = logging.getLogger(__name__)


def run(
    files: Sequence[Path],
    out: Path,
    settings: GrpoSettings = DEFAULTS,
    *,
    dev_files: Sequence[Path] = (),
    pictures: Path | None = None,
    kbs: Mapping[str, KnowledgeBase] | None = None,
) -> Path:
    """The folder of the trained adapter (or model, for `lora=0`). Goes on from the last checkpoint in `out`.

    With `dev_files` or `settings.watch` the checkpoint with the best score on their steps is what comes out, else the
    last one that is sound. `pictures` is the folder that the steps' pictures start from. `kbs` stands for the opened
    `settings.kbs`.
    Raises `InputError` for steps or settings that cannot be trained with, or an `out` that holds another run;
    `MissingExtra`; `R1RouterError` where the training collapsed before there was anything to keep.
    """
    try:
        import peft  # noqa: F401
        import trl  # noqa: F401
    except ImportError as error:
        raise MissingExtra(error.name or "trl", "train", "training") from error
    if settings.loss not in LOSSES:
        raise UnknownName("loss", settings.loss, LOSSES)
    if settings.scale not in SCALES:
        raise UnknownName("scale of rewards", settings.scale, SCALES)
    _check_labels(settings)
    if unknown := next((one for one in settings.decisions if one not in DECISIONS), ""):
        raise UnknownName("decision", unknown, DECISIONS)
    sizes = _sizes(settings, launch.check_processes(processes=settings.processes, sharding=settings.sharding))
    others = [Path(name) for name, _ in (*settings.rehearse, *settings.watch)]
    with launch.find_state().main_process_first():
        run_folder.open_run(out, method="grpo", settings=settings, files=[*files, *dev_files, *others])
    watch = collapse.Watch(collapse.Bounds(format_valid=settings.format_valid))
    watch.recall(run_folder.read_logs(out))
    if not (watch.reason or run_folder.is_trained(out)):
        _train(files, out, settings, watch, sizes, dev_files, pictures, kbs)
    with launch.find_state().main_process_first():
        if adapter := run_folder.find_result(out):
            return adapter
        kept = run_folder.find_best_checkpoint(out) or watch.last_sound(out)
        return run_folder.keep_result(kept, Path(settings.prompts), out)


def _train(
    files: Sequence[Path],
    out: Path,
    settings: GrpoSettings,
    watch: collapse.Watch,
    sizes: tuple[int, int],
    dev_files: Sequence[Path],
    pictures: Path | None,
    kbs: Mapping[str, KnowledgeBase] | None,
) -> None:
    import torch
    import transformers
    from trl.trainer.grpo_config import GRPOConfig

    transformers.set_seed(settings.seed)
    if settings.beta and not (settings.lora or settings.adapter) and find_gguf_file(settings.base):
        raise InputError("the KL of all weights takes them twice, and TRL reads no GGUF file; take --beta 0")
    use_free_threads()
    keep_freed_memory()
    dtype = measure_fastest_dtype() if settings.lora or settings.adapter else None  # all weights are trained in float32
    weights, tokenizer = load_model(settings.base, dtype=dtype)
    sees = sees_pictures(tokenizer)
    weighted = rewards.load_rewards(dict(settings.rewards))
    prompts = Prompts(settings.prompts)
    collections = _open_collections(settings, kbs)
    steps = [] if collections else read_steps(*files)
    held_out = _held_out(settings, dev_files, prompts)
    if held_out and sees:
        raise InputError("dev steps are judged without pictures; judge the checkpoints with `r1router train evaluate`")
    pool = _pool(files, settings, weighted, prompts, pictures, collections, sees=sees) if collections else None
    outcomes_of: reward_functions.OutcomesOf
    if pool:
        reward_functions.silence_unjudged()
        data, outcomes_of = _questions(pool.tasks), reward_functions.take_outcomes
    else:
        check_pictures(tokenizer, pictures)
        rows = _rows(steps, settings, weighted, prompts, tokenizer, pictures)
        data, outcomes_of = _dataset(rows, shown=pictures is not None), reward_functions.look_up_outcomes(rows, prompts)
    if len(data) < settings.groups:
        raise InputError(f"{len(data)} steps are not enough for {settings.groups} groups; lower the groups")
    share, batch = sizes
    model, new_lora = prepare(weights, settings.adapter, rank=settings.lora, layers=settings.layers)
    on_gpu = torch.cuda.is_available()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="You are using 'rollout_func'", category=UserWarning)
        judging = validation.make_trainer_class(held_out, max_tokens=settings.max_tokens)
        trainer = make_trainer_class(judging, redraws=settings.redraws, **_rehearsing(settings, prompts, tokenizer))(
            model=model,
            processing_class=tokenizer,
            reward_funcs=reward_functions.make_reward_functions(weighted, outcomes_of),
            train_dataset=data,
            eval_dataset=data.select([0]) if held_out else None,
            peft_config=new_lora,
            rollout_func=None if sees else _rollout(pool),
            callbacks=[collapse.make_callback(watch), save_by_time(settings.save_minutes, Path(settings.prompts))],
            args=GRPOConfig(
                output_dir=str(out),
                reward_weights=[one.weight for one in weighted],
                num_generations=settings.samples,
                num_generations_eval=1,
                per_device_train_batch_size=batch,
                gradient_accumulation_steps=share // batch,
                temperature=settings.temperature,
                learning_rate=settings.learning_rate,
                lr_scheduler_type="constant",
                beta=settings.beta,
                scale_rewards=settings.scale,
                loss_type=settings.loss,
                max_steps=settings.optimizer_steps,
                max_completion_length=settings.max_tokens,
                save_steps=settings.save_every,
                save_total_limit=2 + watch.window // settings.save_every,  # one from before any collapse
                **(_choosing(settings.save_every) if held_out else {}),
                logging_steps=1,
                report_to=settings.report_to,
                seed=settings.seed,
                use_vllm=settings.vllm,
                use_cpu=not on_gpu,
                bf16=on_gpu,
                activation_checkpointing=on_gpu,
                dataloader_pin_memory=on_gpu,
                ddp_find_unused_parameters=sees,
            ),
        )
    launch.check_sharding(trainer.accelerator, settings.sharding)
    try:
        last = run_folder.find_last_checkpoint(out)
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    finally:
        if pool:
            pool.close()


def _held_out(settings: GrpoSettings, dev_files: Sequence[Path], prompts: Prompts) -> list[validation.Watched]:
    """What every checkpoint is scored on: the dev steps, and what else is not to be forgotten."""
    if any(weight <= 0 for _, weight in settings.watch):
        raise InputError("the weight of a watched file is above 0")
    files = [("", dev_files, 1.0)] if dev_files else []
    files += [(Path(name).stem, [Path(name)], weight) for name, weight in settings.watch]
    return [
        validation.Watched(name, [render(step, prompts) for step in read_steps(*of)], weight)
        for name, of, weight in files
    ]


def _rehearsing(settings: GrpoSettings, prompts: Prompts, tokenizer: Any) -> dict[str, Any]:
    """The options of the trainer that rehearse the files of the settings, each file's cards varied anew."""
    if not settings.rehearse:
        return {}
    shares = dict(settings.rehearse)
    files = {
        name: list(render_varied(read_steps(Path(name)), prompts, seed=settings.seed, vary=settings.vary_cards))
        for name in shares
    }
    made = rehearsal.make_rehearsal(
        files,
        shares,
        tokenizer,
        replies=settings.samples * settings.groups,
        longest=settings.max_prompt,
        seed=settings.seed,
    )
    return {
        "rehearse": lambda step: rehearsal.pack_rows(made.draw(step), pad=tokenizer.pad_token_id),
        "weight": made.weight,
    }


def _rollout(pool: Pool | None) -> Callable[[Any, Any], dict[str, list[Any]]]:
    return rollout_function.make_rollout_function(pool) if pool else rollout_function.sample_prompts


def _sizes(settings: GrpoSettings, processes: int) -> tuple[int, int]:
    """(replies of an optimizer step on one process, replies of one pass). Raises `InputError` where these do not fit.

    Groups are whole on their process: TRL finds them by their place alone.
    """
    if settings.samples < 2:
        raise InputError("a group takes at least 2 samples: an advantage is relative to the others")
    if settings.groups % processes:
        raise InputError(f"{settings.groups} groups cannot be shared by {processes} processes")
    share = settings.groups // processes * settings.samples
    batch = settings.batch or settings.samples
    if share % batch:
        raise InputError(f"a batch of {batch} does not divide the {share} replies of a process")
    return share, batch


def _check_labels(settings: GrpoSettings) -> None:
    """Raises `UnknownName`, and `InputError` where the expectation over labels would not be exact."""
    if settings.labels not in LABELS:
        raise UnknownName("way to train labels", settings.labels, LABELS)
    if settings.labels == "sampled":
        return
    if settings.loss != "dr_grpo" or settings.scale != "none":
        raise InputError("--labels expected is exact for --loss dr_grpo --scale none; take those, or --labels sampled")
    if (settings.batch or settings.samples) % settings.samples:
        raise InputError("--labels expected takes whole groups in a pass: make --batch a multiple of --samples")


def _choosing(every: int) -> dict[str, Any]:
    """Trainer options that evaluate at every checkpoint and remember the best one."""
    return {
        "eval_strategy": "steps",
        "eval_steps": every,
        "metric_for_best_model": validation.SCORE,
        "greater_is_better": True,
    }


# ── data ───────────────────────────────────────────────────────────────────────────────────────


def _open_collections(settings: GrpoSettings, kbs: Mapping[str, KnowledgeBase] | None) -> Collections | None:
    """What an online run searches; None for an offline one."""
    if kbs is not None:
        return {"": kbs}
    return open_collections(settings.kbs) if settings.kbs else None


def _pool(
    files: Sequence[Path],
    settings: GrpoSettings,
    weighted: Sequence[rewards.Weighted],
    prompts: Prompts,
    pictures: Path | None,
    collections: Collections,
    *,
    sees: bool,
) -> Pool:
    if settings.curriculum:
        raise InputError("a curriculum is for steps; online, the policy makes its own; leave out --curriculum")
    if sees:
        raise InputError("online training is for models that read text; TRL's rollouts carry no pictures")
    return Pool(
        read_tasks(files, collections),
        collections,
        method=load_method("r1_router", max_steps=settings.steps_per_question, k=settings.k),
        prompts=prompts,
        rewards=weighted,
        pictures=pictures,
        k=settings.k,
        reach=settings.reach,
        best=settings.best,
        decisions=settings.decisions or DECISIONS,
        anywhere=settings.anywhere,
        all_labels=settings.labels == "expected",
        vary_cards=settings.vary_cards,
        others=_open_others(settings),
        seed=settings.seed + launch.find_state().process_index,
    )


def _open_others(settings: GrpoSettings) -> Generate | None:
    """What makes the decisions that are not trained on, greedily, where it is not the weights in training."""
    if not settings.others:
        return None
    return make_generate(open_policy(settings.others), samples=1, temperature=0.0, seed=0, concurrency=IN_FLIGHT)


def _questions(tasks: Mapping[str, Task]) -> Any:
    """The tasks' ids, as prompts for the rollout to look up."""
    from datasets import Dataset

    return Dataset.from_list([{"prompt": [{"role": "user", "content": name}]} for name in tasks])


def _rows(
    steps: Sequence[TrainingStep],
    settings: GrpoSettings,
    weighted: Sequence[rewards.Weighted],
    prompts: Prompts,
    tokenizer: Any,
    pictures: Path | None,
) -> list[RenderedStep]:
    """The steps that can be learned from, as prompts; those left out counted by reason."""
    rows = list(render_varied(steps, prompts, seed=settings.seed, vary=settings.vary_cards, pictures=pictures))
    nothing_said = reward_functions.look_up_outcomes(rows, prompts)(
        [""] * len(rows), [()] * len(rows), {"step": [row.step.id for row in rows]}
    )
    reach = None
    if settings.curriculum:
        reach = {name for name, one in read_profiles(Path(settings.curriculum)).items() if is_in_reach(one)}
    kept, left_out = [], Counter[str]()
    for row, judged in zip(rows, rewards.sum_rewards(nothing_said, weighted), strict=True):
        prompt = write_chat_json(row.ask.messages, pictures=False)
        if reach is not None and row.step.id not in reach:
            left_out[f"not in reach by {settings.curriculum}"] += 1
        elif judged is None:
            left_out["no reward applies"] += 1
        elif row.step.kind == "answer" and not shows_answer(row):
            left_out["the answer is not in what the prompt shows"] += 1
        elif count_tokens(tokenizer, prompt, reply_follows=True) > settings.max_prompt:
            left_out[f"longer than {settings.max_prompt} tokens"] += 1
        else:
            kept.append(row)
    for reason, count in left_out.items():
        log.warning("%d of %d steps left out: %s", count, len(steps), reason)
    if not kept:
        raise InputError("no step is left to train on; see the reasons above")
    return kept


def _dataset(rows: Sequence[RenderedStep], *, shown: bool) -> Any:
    from datasets import Dataset

    examples = []
    for row in rows:
        example = {"prompt": write_chat_json(row.ask.messages, pictures=False), "step": row.step.id}
        examples.append(example | {"images": open_pictures(row)} if shown else example)
    return Dataset.from_list(examples)
