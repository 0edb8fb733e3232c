"""Loads rewards by their names: `--reward route=0.5` is `rewards/route.py`, `package.module:name` is anybody's.

A reward is a pure function over the outcomes of a batch, so that one with a model runs it once

    reward(outcomes: Sequence[Outcome], *, option=default, …) -> list[float | None]

with one value for each outcome; None means that it does not apply to this step, which is not the same as 0. A
malformed reply is 0 for every reward that applies. Options stand in the spec: `answer?score=length_aware`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from r1router.errors import InputError
from r1router.registry import bind, list_entries, load, split_options
from r1router.train.rewards._outcomes import Outcome

Values = list[float | None]
Reward = Callable[[Sequence[Outcome]], Values]

PUBLISHED: Mapping[str, float] = MappingProxyType({"published": 1.0})
"""The paper's: half similarity, half route; answers by recall; 0 when malformed."""


@dataclass(frozen=True, slots=True)
class Weighted:
    name: str
    """The spec that named it."""
    reward: Reward
    weight: float

    @property
    def base(self) -> str:
        """The spec without its options."""
        return split_options(self.name)[0]


def names() -> list[str]:
    """The rewards that come with the package."""
    return list_entries(__file__)


def load_reward(spec: str) -> Reward:
    """The reward that `spec` names, its options bound. Raises `UnknownName`, `InputError`."""
    name, options = split_options(spec)
    reward = load("reward", name, package=__name__, known=names(), attribute=name)
    if not callable(reward):
        raise InputError(f"reward {name!r} is not a function over outcomes")
    return partial(reward, **bind(f"reward {name}", reward, options))


def load_rewards(weights: Mapping[str, float]) -> tuple[Weighted, ...]:
    """The rewards of a run, in order. Raises as `load_reward`."""
    if not weights:
        raise InputError(f"training takes at least one reward; known: {', '.join(names())}")
    return tuple(Weighted(spec, load_reward(spec), weight) for spec, weight in weights.items())


def parse_weights(written: Iterable[str]) -> dict[str, float]:
    """What stands on a command line, `SPEC=WEIGHT` each, to spec → weight. Raises `InputError`.

    >>> parse_weights(["route=0.5", "answer?score=length_aware=1"])
    {'route': 0.5, 'answer?score=length_aware': 1.0}
    """
    weights: dict[str, float] = {}
    for one in written:
        spec, _, weight = one.rpartition("=")
        try:
            value = float(weight)
        except ValueError:
            spec = ""
        if not spec:
            raise InputError(f"a reward is written NAME=WEIGHT, such as route=0.5, not {one!r}")
        if spec in weights:
            raise InputError(f"the reward {spec!r} is given twice")
        weights[spec] = value
    return weights


def sum_rewards(outcomes: Sequence[Outcome], rewards: Sequence[Weighted]) -> Values:
    """The weighted sum over the rewards that apply, for each outcome; None where none does."""
    return sum_parts([one.reward(outcomes) for one in rewards], rewards)


def sum_parts(columns: Sequence[Sequence[float | None]], rewards: Sequence[Weighted]) -> Values:
    """The same of what each reward gave, a column of values for each of them."""
    sums: Values = []
    for row in zip(*columns, strict=True):
        parts = [one.weight * value for one, value in zip(rewards, row, strict=True) if value is not None]
        sums.append(sum(parts) if parts else None)
    return sums
