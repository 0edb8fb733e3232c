"""Samples replies to training steps and says where there is something to learn, before hours go into training.

Where all replies to a step earn the same, nothing is learned from it; where the best of several is no better than the
greedy one, there is nothing to sharpen. (Training where a part of the replies succeeds: arXiv 2504.03380, 2506.02177.)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from r1router.drive.asks import Wanted, ask_all
from r1router.drive.in_flight import Tell
from r1router.drive.many import IN_FLIGHT
from r1router.errors import InputError
from r1router.prompts import Prompts
from r1router.train.rewards import Weighted, sum_rewards
from r1router.train.rewards._outcomes import read_outcome
from r1router.train.steps.render import RenderedStep
from r1router.types import Policy

TIE = 1e-6
"""Rewards that differ by less are the same."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One step: what its replies earned, as a share of what they could."""

    id: str
    kind: str
    source: str
    greedy: float
    sampled: tuple[float, ...]

    @property
    def mean(self) -> float:
        return sum(self.sampled) / len(self.sampled)

    @property
    def ties(self) -> bool:
        return max(self.sampled) - min(self.sampled) < TIE


async def sample_profiles(
    rows: Sequence[RenderedStep],
    policy: Policy,
    prompts: Prompts,
    rewards: Sequence[Weighted],
    *,
    samples: int = 8,
    temperature: float = 1.0,
    seed: int = 0,
    concurrency: int = IN_FLIGHT,
    tell: Tell | None = None,
) -> list[Profile]:
    """The profile of each row that a reward applies to, in order. Rewards of searches apply to none: nobody searches.

    A reply that the policy fails to give is a malformed one. Raises what it failed with where it gives none at all.
    """
    heats = [0.0, *[temperature] * samples]
    wanted = [
        Wanted(row.ask, f"the step {row.step.id}", heat, seed + number if number else None)
        for row in rows
        for number, heat in enumerate(heats)
    ]
    replies = iter(await ask_all(policy, wanted, in_flight=concurrency, tell=tell))
    outcomes = []
    for row in rows:
        routes = prompts.labels({card.name: card for card in row.step.kbs})
        outcomes += [
            read_outcome(row.step, reply.text, routes=routes, shape=row.ask.shape, tokens=reply.completion_tokens)
            for reply in islice(replies, len(heats))
        ]
    most = sum(one.weight for one in rewards if one.weight > 0)
    earned = [None if value is None else value / most for value in sum_rewards(outcomes, rewards)]
    profiles = []
    for place, row in enumerate(rows):
        greedy, *sampled = earned[place * (samples + 1) : (place + 1) * (samples + 1)]
        known = tuple(value for value in sampled if value is not None)
        if greedy is not None and len(known) == samples:
            profiles.append(Profile(row.step.id, row.step.kind, row.step.source, greedy, known))
    return profiles


def format_profiles(profiles: Sequence[Profile]) -> str:
    """A table with a line for each kind of step and source: greedy, mean, best of the samples, ties, in reach."""
    kinds = sorted({(one.kind, one.source) for one in profiles})
    width = max([len(f"{kind} {source}") for kind, source in kinds] + [4])
    lines = [f"{'':{width}}  steps  greedy   mean   best   ties  20-80 %"]
    for kind, source in kinds:
        of = [one for one in profiles if (one.kind, one.source) == (kind, source)]
        shares = [
            [one.greedy for one in of],
            [one.mean for one in of],
            [max(one.sampled) for one in of],
            [float(one.ties) for one in of],
            [float(is_in_reach(one)) for one in of],
        ]
        greedy, mean, best, ties, reach = (sum(values) / len(values) for values in shares)
        name = f"{kind} {source}".strip()
        lines.append(f"{name:{width}}  {len(of):5}   {greedy:.3f}  {mean:.3f}  {best:.3f}  {ties:.3f}    {reach:.3f}")
    return "\n".join(lines)


def is_in_reach(profile: Profile, *, low: float = 0.2, high: float = 0.8) -> bool:
    """Whether the policy succeeds now and then: neither never nor always."""
    return low <= profile.mean <= high


def write_profiles(profiles: Iterable[Profile], file: Path) -> None:
    """One profile a line, JSON."""
    lines = [
        {"id": p.id, "kind": p.kind, "source": p.source, "greedy": p.greedy, "sampled": p.sampled} for p in profiles
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def read_profiles(file: Path) -> dict[str, Profile]:
    """Step id → profile. Raises `InputError` with file and line for what is none."""
    found = {}
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"the profile cannot be read: {error}; `r1router train profile` writes one") from error
    for number, line in enumerate(lines, 1):
        try:
            one = json.loads(line)
            sampled = tuple(float(value) for value in one["sampled"])
            found[one["id"]] = Profile(one["id"], one["kind"], one["source"], float(one["greedy"]), sampled)
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{file}:{number}: not a step's profile: {error}") from error
    return found
