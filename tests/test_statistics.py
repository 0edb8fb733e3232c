"""Intervals, paired tests and corrections against cases whose answer is known."""

import math

import numpy as np
import pytest

from r1router.evals.statistics import (
    compare_paired,
    compute_calibration_error,
    compute_clustered_interval,
    compute_clustered_rate,
    compute_interval,
    compute_macro_interval,
    compute_quantile,
    compute_rate,
    correct_by_holm,
)


def test_the_interval_of_a_constant_is_the_constant():
    assert compute_interval([0.5] * 7) == (0.5, 0.5, 0.5, 7)


def test_the_interval_of_a_share_is_about_that_of_the_normal_approximation():
    scores = [1.0] * 300 + [0.0] * 700
    half = 1.96 * math.sqrt(0.3 * 0.7 / 1000)
    found = compute_interval(scores)
    assert found.mean == pytest.approx(0.3)
    assert found.low == pytest.approx(0.3 - half, abs=0.004)
    assert found.high == pytest.approx(0.3 + half, abs=0.004)


def test_about_95_of_100_intervals_cover_the_true_mean():
    draw = np.random.default_rng(7)
    found = [compute_interval(draw.random(60)) for _ in range(200)]
    assert 0.90 <= np.mean([i.low <= 0.5 <= i.high for i in found]) <= 0.98


def test_the_same_scores_give_the_same_interval_and_the_order_does_not_move_the_mean():
    scores = list(np.random.default_rng(1).random(50))
    assert compute_interval(scores) == compute_interval(scores)
    assert compute_interval(scores).mean == pytest.approx(compute_interval(scores[::-1]).mean)


def test_no_scores_have_no_interval():
    for of in (compute_interval, compute_macro_interval, lambda scores: compute_quantile(scores, 0.5)):
        with pytest.raises(ValueError, match="no scores"):
            of([])


def test_a_macro_mean_weighs_each_key_the_same_however_many_rows_have_it():
    rows = [{"text": 1.0}] * 90 + [{"table": 0.0}] * 10
    found = compute_macro_interval(rows)
    assert found.mean == pytest.approx(0.5)
    assert found.low == found.high == pytest.approx(0.5)
    assert compute_macro_interval([{"text": 1.0, "table": 0.0}, {"text": 0.0}]).mean == pytest.approx(0.25)


def test_a_sign_flip_test_of_few_questions_is_exact():
    assert compare_paired([1] * 5, [0] * 5).p == pytest.approx(2 / 32)
    assert compare_paired([1] * 8 + [0] * 2, [0] * 8 + [1] * 2).p == pytest.approx(112 / 1024)  # 56 of 512 on each side


def test_questions_with_equal_scores_change_the_mean_and_not_the_p():
    alone = compare_paired([1] * 6, [0] * 6)
    among = compare_paired([1] * 6 + [1, 0] * 50, [0] * 6 + [1, 0] * 50)
    assert among.p == alone.p == pytest.approx(2 / 64)
    assert among.mean == pytest.approx(6 / 106)
    assert compare_paired([0.3, 1.0], [0.3, 1.0]) == (0.0, 0.0, 0.0, 1.0, 2)


def test_a_clear_difference_of_many_is_found_and_none_is_not():
    draw = np.random.default_rng(3)
    a, noise = draw.random(400), draw.random(400)
    clear = compare_paired(np.minimum(1, a + 0.2), a)
    assert clear.p < 0.001
    assert 0 < clear.low < clear.mean < clear.high
    assert compare_paired(a, noise).p > 0.05
    swapped = compare_paired(noise, a)
    assert swapped.mean == pytest.approx(-compare_paired(a, noise).mean)


def test_under_no_difference_p_values_below_5_percent_are_about_5_in_100():
    draw = np.random.default_rng(11)
    ps = [compare_paired(draw.random(12), draw.random(12)).p for _ in range(200)]
    assert 0.01 <= np.mean([p < 0.05 for p in ps]) <= 0.10


def test_paired_scores_must_be_of_the_same_questions():
    with pytest.raises(ValueError, match="got 2 and 3"):
        compare_paired([1, 0], [1, 0, 1])


def test_holm_multiplies_the_smallest_by_all_and_never_lets_a_larger_p_pass_a_smaller():
    assert correct_by_holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert correct_by_holm([0.6, 0.7]) == [1.0, 1.0]
    assert correct_by_holm([0.02]) == [0.02]
    assert correct_by_holm([]) == []


def test_quantiles_are_interpolated():
    assert compute_quantile([1, 2, 3, 4], 0.5) == 2.5
    assert compute_quantile(range(101), 0.95) == 95


# ── steps of one question ──────────────────────────────────────────────────────────────────────


def test_steps_that_succeed_together_widen_the_interval_and_single_ones_do_not():
    flags, together = [True] * 20 + [False] * 20, [str(n // 4) for n in range(40)]
    apart = compute_rate(flags)
    assert compute_clustered_rate(flags, [str(n) for n in range(40)]) == pytest.approx(apart)
    wide = compute_clustered_rate(flags, together)
    assert wide.high - wide.low > 1.5 * (apart.high - apart.low)
    assert (wide.mean, wide.n) == (apart.mean, 40)
    scores = [float(flag) for flag in flags]
    resampled, plain = compute_clustered_interval(scores, together), compute_interval(scores)
    assert resampled.high - resampled.low > 1.5 * (plain.high - plain.low)


def test_where_all_steps_are_right_their_questions_count():
    all_right = compute_clustered_rate([True] * 40, [str(n // 10) for n in range(40)])
    assert all_right.low == pytest.approx(compute_rate([True] * 4).low)


def test_calibration_error_is_the_distance_of_confidence_and_share():
    assert compute_calibration_error([]) is None
    assert compute_calibration_error([(0.75, True)] * 3 + [(0.75, False)]) == pytest.approx(0.0)
    assert compute_calibration_error([(1.0, False), (0.05, False)]) == pytest.approx((1.0 + 0.05) / 2)
