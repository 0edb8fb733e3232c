from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1router.evidence.fuse import RANK_OFFSET, fuse, fuse_by_rank
from r1router.types import Evidence


def item(id: str, kb: str = "text", score: float = 0.0) -> Evidence:
    return Evidence(kb, id, f"text of {id}", score)


def test_an_item_that_two_rankings_have_beats_one_that_is_first_in_one_of_them() -> None:
    fused = fuse([[item("a"), item("b")], [item("c"), item("b")]], 3)
    assert [e.id for e in fused] == ["b", "a", "c"]
    assert fused[0].score == pytest.approx(2 / (RANK_OFFSET + 2))


def test_a_weight_counts_a_ranking_more() -> None:
    rankings = [[item("a")], [item("b")]]
    assert [e.id for e in fuse(rankings, 2)] == ["a", "b"]
    assert [e.id for e in fuse(rankings, 2, [1.0, 2.0])] == ["b", "a"]


@pytest.mark.parametrize(("weights", "shares"), [((0.59, 0.38), "ababa"), ((0.8, 0.2), "aabaa"), ((0.5, 0.5), "ababa")])
def test_rankings_with_weights_share_the_places(weights: tuple[float, float], shares: str) -> None:
    rankings = [[item(f"{name}{rank}", name) for rank in range(9)] for name in "ab"]
    assert "".join(e.kb for e in fuse(rankings, 5, weights)) == shares


def test_a_smaller_offset_counts_the_first_places_of_a_ranking_more() -> None:
    assert [item for item, _ in fuse_by_rank([["a", "b"], ["b", "a"]], offsets=[60, 1])] == ["b", "a"]
    assert [item for item, _ in fuse_by_rank([["a", "b"], ["b", "a"]], offsets=[1, 60])] == ["a", "b"]


def test_entries_of_two_knowledge_bases_with_the_same_id_are_two() -> None:
    assert {e.kb for e in fuse([[item("1", "text")], [item("1", "table")]], 5)} == {"text", "table"}


def test_only_ranks_count_and_not_the_scores_of_the_rankings() -> None:
    loud = [item("a", score=900.0), item("b", score=800.0)]
    quiet = [item("b", score=0.2), item("c", score=0.1)]
    assert [e.id for e in fuse([loud, quiet], 1)] == ["b"]


def test_nothing_fused_is_nothing() -> None:
    assert fuse([], 5) == []
    assert fuse([[], []], 5) == []


def test_a_weight_is_needed_for_each_ranking() -> None:
    with pytest.raises(ValueError, match="zip"):
        fuse([[item("a")], [item("b")]], 2, [1.0])


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 20), unique=True), max_size=4))
def test_every_item_comes_out_once_and_best_first(rankings: list[list[int]]) -> None:
    fused = fuse_by_rank(rankings)
    assert sorted(item for item, _ in fused) == sorted({item for ranking in rankings for item in ranking})
    scores = [score for _, score in fused]
    assert scores == sorted(scores, reverse=True)


def test_of_the_first_entries_of_several_knowledge_bases_the_more_similar_comes_first():
    one, other = Evidence("text", "1", "far", similarity=0.2), Evidence("table", "1", "near", similarity=0.7)
    assert [e.text for e in fuse([[one], [other]], 2)] == ["near", "far"]
    assert [e.text for e in fuse([[other], [one]], 2)] == ["near", "far"]
