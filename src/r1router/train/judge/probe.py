"""Scores the floors, because a router must beat baselines that need no language model.

*majority*: always the most frequent route. *probe*: a linear classifier on the sentence embedding of the question
with its history. *copy*: the question itself as the sub-question.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from r1router.errors import InputError
from r1router.parse import NO_ROUTE
from r1router.train.judge.scores import StepScores, score_routes, score_sub_questions
from r1router.train.steps.step_file import TrainingStep
from r1router.types import TextEmbedder

Matrix = NDArray[np.float64]

L2 = 1.0
"""Strength of the penalty on the weights, against the sum of the losses."""
ITERATIONS = 500


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """Multinomial logistic regression: P(route) = softmax(features @ weights)."""

    routes: tuple[str, ...]
    """Names of the columns, sorted; `NO_ROUTE` for a stop."""
    weights: Matrix
    """(dim + 3, routes): embedding, picture or not, steps so far, constant."""


def score_floors(
    steps: Sequence[TrainingStep], *, train: Sequence[TrainingStep] = (), embedder: TextEmbedder | None = None
) -> dict[str, StepScores]:
    """The scores of each floor on these steps, as far as it can be had: the probe needs `train`, and as copying the
    question an `embedder`. Without `train` the most frequent route is that of these steps themselves."""
    found = {"majority": score_routes(steps, [find_majority(train or steps)] * len(steps))}
    if embedder is not None:
        if len(_routed(train)):
            probe = fit(train, embedder)
            found["probe"] = score_routes(steps, choose_routes(probe, steps, embedder))
        found["copy"] = score_sub_questions(steps, [step.question for step in steps], embedder)
    return {name: scores for name, scores in found.items() if scores.scores}


def find_majority(steps: Sequence[TrainingStep]) -> str | None:
    """The most frequent gold route, the first by name among equals; None where none is known."""
    counts = Counter(step.gold.route for step in _routed(steps))
    return min(counts, key=lambda route: (-counts[route], route)) if counts else None


def fit(steps: Sequence[TrainingStep], embedder: TextEmbedder, *, l2: float = L2) -> Probe:
    """The probe of the plans whose gold route is known. Deterministic. Raises `InputError` where there are none."""
    known = _routed(steps)
    if not known:
        raise InputError("a probe is trained on plan steps with a gold route, and there are none")
    routes = tuple(sorted({step.gold.route for step in known}))
    gold = np.array([[step.gold.route == route for route in routes] for step in known], np.float64)
    return Probe(routes, _logistic(_features(known, embedder), gold, l2))


def predict_probabilities(
    probe: Probe, steps: Sequence[TrainingStep], embedder: TextEmbedder
) -> list[dict[str, float]]:
    """The probability of each route for each step, over those that the step has; one that the probe has not been
    trained on is not among them. {} where it knows none of them."""
    found = []
    for step, row in zip(steps, _softmax(_features(steps, embedder) @ probe.weights), strict=True):
        open_ = {NO_ROUTE, *(card.name for card in step.kbs)}
        shares = {route: float(p) for route, p in zip(probe.routes, row, strict=True) if route in open_}
        total = sum(shares.values())
        found.append({route: p / total for route, p in shares.items()} if total > 0 else {})
    return found


def choose_routes(probe: Probe, steps: Sequence[TrainingStep], embedder: TextEmbedder) -> list[str | None]:
    """The most probable route of each step; None where the probe knows none of its routes."""
    found = predict_probabilities(probe, steps, embedder)
    return [max(of, key=lambda route: of[route]) if of else None for of in found]


def _routed(steps: Sequence[TrainingStep]) -> list[TrainingStep]:
    return [step for step in steps if step.kind == "plan" and step.gold.route]


def _features(steps: Sequence[TrainingStep], embedder: TextEmbedder) -> Matrix:
    """(steps, dim + 3)."""
    texts = [
        "\n".join([step.question, *(f"{past.sub_question} {past.answer}" for past in step.history)]) for step in steps
    ]
    known = [[bool(step.picture), len(step.history), 1.0] for step in steps]
    vectors = np.asarray(embedder.embed_texts(texts), np.float64).reshape(len(steps), embedder.dim)
    return np.hstack([vectors, np.array(known, np.float64).reshape(len(steps), 3)])


def _logistic(x: Matrix, gold: Matrix, l2: float) -> Matrix:
    """The weights of least cross-entropy plus l2/2 · |weights|², the constant's free but for a trace.

    Newton's method with the fixed bound of Böhning (1992) in the place of the Hessian: one matrix is factored once,
    every step lowers the loss, and nothing is drawn at random.
    """
    penalty = np.full((x.shape[1], 1), l2)
    penalty[-1] = 1e-6
    inverse = np.linalg.inv(x.T @ x / 2 + np.diagflat(penalty))
    weights = np.zeros((x.shape[1], gold.shape[1]))
    for _ in range(ITERATIONS):
        move = inverse @ (x.T @ (_softmax(x @ weights) - gold) + penalty * weights)
        weights -= move
        if np.abs(move).max() < 1e-6:
            break
    return weights


def _softmax(logits: Matrix) -> Matrix:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Matrix = raised / raised.sum(axis=1, keepdims=True)
    return shares
