"""The part of the comparison with others (benchmarks/peers) that is r1router's own; the others are not in CI."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))

from benchmarks.peers import r1router, r1router_default
from benchmarks.peers.parts import STEPS, Asked, Material, Passage, load


def test_both_methods_take_all_steps_of_all_questions() -> None:
    for answer in (r1router.open_steps(), r1router_default.open_steps()):
        assert answer(["Question 1?", "Question 2?"], 2) == 2 * STEPS


def test_its_searches_find_by_vectors_by_words_and_by_both(tmp_path: Path) -> None:
    passages = [Passage(f"{n}#0", str(n), text) for n, text in enumerate(("the red fox", "a blue whale", "green tea"))]
    vectors = np.eye(3, 8, dtype=np.float32)
    Material(passages, vectors, [Asked("whale", vectors[1], frozenset({"1"}))]).save(tmp_path)
    given = load(tmp_path)
    searches = r1router.open_searches(given.passages, given.vectors, tmp_path / "kbs")
    assert {how: search(given.asked[0])[0] for how, search in searches.items()} == dict.fromkeys(
        ("vectors", "words", "fused"), "1#0"
    )


def test_it_indexes_with_the_encoder_that_it_is_given(tmp_path: Path) -> None:
    take_in = r1router.open_index(lambda texts: np.eye(len(texts), 384, dtype=np.float32), tmp_path)
    take_in([Passage("1", "1", "the red fox"), Passage("2", "2", "a blue whale")])
    assert (tmp_path / "kbs" / "text" / "kb.json").exists()
