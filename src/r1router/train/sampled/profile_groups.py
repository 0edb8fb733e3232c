"""Profiles what was sampled: what greedy and sampled replies earn, and how well each reward tells right answers.

A reward that does not tell which questions were answered right in the end teaches something else: careless rewards of
single turns cost up to 14 points (arXiv 2604.02869).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from r1router.train.judge.profile import Profile
from r1router.train.sampled.group_file import Group, find_most

RIGHT = 0.5
"""What a final answer that counts as right scores at least."""
Aucs = dict[str, dict[str, tuple[float | None, int]]]


def profile_groups(groups: Sequence[Group], weights: Mapping[str, float]) -> list[Profile]:
    """The profile of each group whose first reply is the greedy one, as far as rewards apply to all of its replies;
    values are shares of what these can give, by their `weights`."""
    found = []
    for group in groups:
        most = find_most(group, weights)
        values = [value / most for value in group.values if value is not None]
        if len(values) == len(group.values) > 1:
            found.append(Profile(group.step.id, group.step.kind, group.step.source, values[0], tuple(values[1:])))
    return found


def measure_aucs(groups: Sequence[Group]) -> Aucs:
    """Kind of step → reward → (AUC of the replies that carried their questions on, how many replies).

    The AUC is the probability that a reply of a question that was answered right in the end earned more than one of a
    question that was not, ties half; None where there are not both.
    """
    told: dict[str, dict[str, list[tuple[float, bool]]]] = {}
    for group in groups:
        if group.right is None or group.chosen < 0:
            continue
        for name, column in group.parts.items():
            if (value := column[group.chosen]) is not None:
                told.setdefault(group.step.kind, {}).setdefault(name, []).append((value, group.right >= RIGHT))
    return {kind: {name: (measure_auc(of), len(of)) for name, of in rewards.items()} for kind, rewards in told.items()}


def measure_auc(judged: Sequence[tuple[float, bool]]) -> float | None:
    """Of (value, whether it was right); None where there are not both right and wrong ones.

    >>> measure_auc([(0.9, True), (0.5, True), (0.5, False), (0.1, False)])
    0.875
    """
    right, wrong = ([value for value, was in judged if was is wanted] for wanted in (True, False))
    if not right or not wrong:
        return None
    wins = sum((a > b) + (a == b) / 2 for a in right for b in wrong)
    return wins / (len(right) * len(wrong))


def format_aucs(found: Aucs) -> str:
    """A table of each reward's AUC (columns) for each kind of step (lines), with the number of replies behind it."""
    names = sorted({name for of in found.values() for name in of})
    width = max([len(kind) for kind in found] + [4])
    lines = [" ".join([" " * width, *(f"{name:>20}" for name in names)])]
    for kind, of in sorted(found.items()):
        cells = []
        for name in names:
            auc, count = of.get(name, (None, 0))
            cells.append(f"{'·' if auc is None else f'{auc:.3f} ({count})':>20}")
        lines.append(" ".join([f"{kind:{width}}", *cells]))
    return "\n".join(lines)
