"""Scores routes: the share of gold steps that were sent to the right knowledge base.

*dataset:* those with gold steps (our jsonl). *metric:* accuracy per gold step, in all and per gold route.
*pattern:* the i-th search of the trajectory is compared with the i-th gold step.

Alignment is by position, nothing else: a gold step that the policy did not reach is wrong, and a search beyond the
last gold step is no step's error. Instead, the route "none" is judged on its own: did the policy stop by itself
once it had made as many searches as there are gold steps? (Not judged where it stopped earlier, or a budget
stopped it.) A search sent to n knowledge bases of which one is right counts 1/n, so that searching everything is
not the best router. A route is right when it is the gold one or of the gold kind (`kinds`: name → kind).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType

from r1router.evals import gold
from r1router.types import Example, Trajectory

NONE = "none"
_OWN_STOPS = frozenset(("enough", "repeated"))


def route_accuracy(
    trajectory: Trajectory, example: Example, *, kinds: Mapping[str, str] = MappingProxyType({})
) -> dict[str, float] | None:
    """`route_accuracy` over the gold steps, and `route_accuracy/KB` for each gold route here and for "none".

    The macro average of a run is the mean of the means of the `route_accuracy/KB`.
    """
    wanted = gold.read_routes(example)
    if not wanted:
        return None
    searches = [step.routes for step in trajectory.steps if step.routes]
    by_route: dict[str, list[float]] = defaultdict(list)
    for position, route in enumerate(wanted):
        taken = searches[position] if position < len(searches) else ()
        by_route[route].append(_share(taken, route, kinds))
    scores = {"route_accuracy": sum(map(sum, by_route.values())) / len(wanted)}
    scores |= {f"route_accuracy/{route}": sum(right) / len(right) for route, right in by_route.items()}
    if len(searches) > len(wanted):
        scores[f"route_accuracy/{NONE}"] = 0.0
    elif len(searches) == len(wanted) and trajectory.stop in _OWN_STOPS:
        scores[f"route_accuracy/{NONE}"] = 1.0
    return scores


def list_confidences(
    trajectory: Trajectory, example: Example, kinds: Mapping[str, str] = MappingProxyType({})
) -> list[tuple[float, bool]]:
    """(probability of the route taken, whether it was the gold one) of the gold steps that were searched in one place,
    where the policy gave a probability."""
    searches = [step for step in trajectory.steps if step.routes]
    return [
        (step.probabilities[step.routes[0]], _share(step.routes, route, kinds) == 1.0)
        for step, route in zip(searches, gold.read_routes(example), strict=False)
        if len(step.routes) == 1 and step.routes[0] in step.probabilities
    ]


def count_routes(
    trajectory: Trajectory, example: Example, *, kinds: Mapping[str, str] = MappingProxyType({})
) -> list[tuple[str, str]]:
    """(gold route, taken route) per gold step, for a confusion matrix; "none" where the policy had stopped.

    The taken route is written as its kind where the gold one is a kind; the first one of a search of several.
    """
    searches = [step.routes for step in trajectory.steps if step.routes]
    pairs = []
    for position, route in enumerate(gold.read_routes(example)):
        taken = searches[position][0] if position < len(searches) else NONE
        pairs.append((route, taken if taken == route else kinds.get(taken, taken)))
    return pairs


def _share(taken: tuple[str, ...], wanted: str, kinds: Mapping[str, str]) -> float:
    right = any(route == wanted or kinds.get(route) == wanted for route in taken)
    return right / len(taken) if taken else 0.0
