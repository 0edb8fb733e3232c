"""Fills a folder with sampled groups, steps and pairs, and continues where it was interrupted.

FOLDER/run.json       settings, digests of the data, versions of the packages
FOLDER/groups.jsonl   every decision with its replies and what each earned, written as they come
FOLDER/best.jsonl     steps whose best reply is what is right: `r1router train sft` imitates them
FOLDER/pairs.jsonl    a better and a worse reply to one decision: `r1router train dpo` prefers the better ones
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from r1router.errors import InputError
from r1router.kb.collections import Collections, open_collections
from r1router.methods import load_method
from r1router.prompts import Prompts
from r1router.train import run_folder
from r1router.train.grpo.rollout_pool import Generate, Pool
from r1router.train.grpo.served_policy import make_generate
from r1router.train.rewards import Weighted, load_rewards
from r1router.train.sampled.choose import choose_best, choose_pairs
from r1router.train.sampled.group_file import Group, read_groups
from r1router.train.sampled.sample import sample_questions, sample_steps
from r1router.train.sampled.settings import DEFAULTS, SampleSettings
from r1router.train.steps.question_tasks import read_tasks
from r1router.train.steps.render import render_varied
from r1router.train.steps.step_file import read_steps, write_line, write_lines, write_steps
from r1router.types import KnowledgeBase, Policy

GROUPS, BEST, PAIRS = "groups.jsonl", "best.jsonl", "pairs.jsonl"
IN_FLIGHT = 64
"""Replies asked for at once."""
Tell = Callable[[int, int], None]
T = TypeVar("T")


def run(
    files: Sequence[Path],
    out: Path,
    settings: SampleSettings = DEFAULTS,
    *,
    policy: Policy,
    prompts: Prompts,
    kbs: Mapping[str, KnowledgeBase] | None = None,
    pictures: Path | None = None,
    at_least: float = 0.5,
    gap: float = 0.1,
    pairs: int = 2,
    tell: Tell | None = None,
) -> tuple[list[Group], int, int]:
    """(all groups, how many steps to imitate, how many pairs); see `sampled.choose` for `at_least`, `gap` and `pairs`.

    Goes on after the questions, or steps, that are in `out` already. `prompts` are those of `policy` or of the
    settings; `kbs` stands for the opened `settings.kbs`; `pictures` is the folder that pictures start from. Raises
    `InputError` for what cannot be sampled, or an `out` that holds something else.
    """
    file = out / GROUPS
    run_folder.open_run(out, method="sample", settings=settings, files=files, begun=file.exists())
    rewards = load_rewards(dict(settings.rewards))
    if any(one.base == "answer_gain" for one in rewards):
        raise InputError("answer_gain is measured by a policy in training: `r1router train grpo --online`")
    _drop_half_a_line(file)
    done = read_groups(file) if file.exists() else []
    collections = {"": kbs} if kbs is not None else open_collections(settings.kbs) if settings.kbs else None
    generate = make_generate(
        policy,
        samples=settings.samples,
        temperature=settings.temperature,
        seed=settings.seed + len(done) * settings.samples,
        concurrency=IN_FLIGHT,
        greedy=settings.greedy,
    )
    if collections is None:
        new = _sample_steps(files, settings, done, generate, prompts, rewards, pictures, tell)
    else:
        new = _sample_questions(files, settings, done, generate, prompts, rewards, collections, pictures, tell)
    with file.open("a", encoding="utf-8") as written:
        for groups in new:
            written.write("".join(map(write_line, groups)))
            written.flush()
            done += groups
    best = write_steps(choose_best(done, prompts, dict(settings.rewards), at_least=at_least), out / BEST)
    return done, best, write_lines(choose_pairs(done, gap=gap, most=pairs), out / PAIRS)


def read_sampled(folder: Path) -> tuple[list[Group], bool, dict[str, float]]:
    """(the groups in a folder, whether they begin with the greedy reply, the weights of their rewards). Raises
    `InputError` where nothing was sampled."""
    groups = read_groups(folder / GROUPS)
    settings = json.loads((folder / "run.json").read_text(encoding="utf-8"))["settings"]
    return groups, settings["greedy"], dict(settings["rewards"])


def _drop_half_a_line(file: Path) -> None:
    """What a kill has left after the last whole line."""
    if file.exists() and (written := file.read_bytes()) and not written.endswith(b"\n"):
        with file.open("r+b") as opened:
            opened.truncate(written.rfind(b"\n") + 1)


def _sample_steps(
    files: Sequence[Path],
    settings: SampleSettings,
    done: Sequence[Group],
    generate: Generate,
    prompts: Prompts,
    rewards: Sequence[Weighted],
    pictures: Path | None,
    tell: Tell | None,
) -> Iterator[list[Group]]:
    """The groups of the steps that are not done yet."""
    steps = _draw(read_steps(*files), settings)
    rows = list(render_varied(steps, prompts, seed=settings.seed, vary=settings.vary_cards, pictures=pictures))
    made = {group.step.id for group in done}
    left = [row for row in rows if row.step.id not in made]
    count = len(rows) - len(left)
    for groups in sample_steps(left, generate, prompts, rewards, together=settings.together):
        yield groups
        count += len(groups)
        if tell:
            tell(count, len(rows))


def _sample_questions(
    files: Sequence[Path],
    settings: SampleSettings,
    done: Sequence[Group],
    generate: Generate,
    prompts: Prompts,
    rewards: Sequence[Weighted],
    collections: Collections,
    pictures: Path | None,
    tell: Tell | None,
) -> Iterator[list[Group]]:
    """The groups of the questions that are not done yet, a question at a time."""
    tasks = read_tasks(files, collections)
    wanted = _draw(list(tasks), settings)
    made = {group.task for group in done}
    left = [name for name in wanted if name not in made]
    pool = Pool(
        tasks,
        collections,
        method=load_method("r1_router", max_steps=settings.steps_per_question, k=settings.k),
        prompts=prompts,
        rewards=rewards,
        pictures=pictures,
        k=settings.k,
        reach=settings.reach,
        best=settings.best,
        anywhere=settings.anywhere,
        vary_cards=settings.vary_cards,
        seed=settings.seed + len(made),
    )
    count = len(wanted) - len(left)
    with closing(pool):
        for groups in sample_questions(pool, left, generate, prompts, together=settings.together):
            yield groups
            count += 1
            if tell:
                tell(count, len(wanted))


def _draw(all_: Sequence[T], settings: SampleSettings) -> list[T]:
    """So many of them, in an order that the seed decides."""
    if not all_:
        raise InputError("there is nothing to sample: no question has a known answer or needed evidence")
    return random.Random(settings.seed).sample(all_, min(settings.limit or len(all_), len(all_)))
