"""Clopper and Pearson's one-sided bound against values worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from span_train.policy.bounds import most_allowed, needed_parts, upper_bound


def test_299_parts_without_a_miss_show_one_percent_and_298_do_not() -> None:
    assert upper_bound(0, 299, 0.95) == pytest.approx(1 - 0.05 ** (1 / 299))
    assert upper_bound(0, 299, 0.95) < 0.01 < upper_bound(0, 298, 0.95)


def test_one_miss_among_two_has_the_bound_worked_out_by_hand() -> None:
    # At most 1 of 2: 1 - p^2 = 0.05, so p = sqrt(0.95).
    assert upper_bound(1, 2, 0.95) == pytest.approx(0.95**0.5)


def test_nothing_is_excluded_when_all_miss_or_none_was_seen() -> None:
    assert upper_bound(3, 3, 0.95) == 1.0
    assert upper_bound(0, 0, 0.95) == 1.0


@pytest.mark.parametrize(
    ("goal", "confidence", "parts"),
    [(0.01, 0.95, 299), (0.1, 0.975, 36), (0.1, 0.95, 29), (0.05, 0.95, 59), (0.5, 0.75, 2)],
)
def test_the_parts_needed_are_the_known_ones(goal: float, confidence: float, parts: int) -> None:
    assert needed_parts(goal, confidence) == parts


def test_a_goal_just_below_what_ten_parts_show_needs_an_eleventh() -> None:
    shown = upper_bound(0, 10, 0.95)
    assert needed_parts(shown, 0.95) == 10
    assert needed_parts(shown - 1e-12, 0.95) == 11


@given(st.integers(0, 400), st.floats(0.002, 0.6), st.floats(0.5, 0.999))
def test_the_most_allowed_misses_meet_the_goal_and_one_more_does_not(
    of: int, goal: float, confidence: float
) -> None:
    allowed = most_allowed(of, goal, confidence)
    if allowed is None:
        assert of < needed_parts(goal, confidence)
        return
    assert upper_bound(allowed, of, confidence) <= goal < upper_bound(allowed + 1, of, confidence)


@given(st.integers(1, 200), st.data())
def test_the_bound_is_where_so_few_misses_become_unlikely(of: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, of - 1))
    share = upper_bound(count, of, 0.95)
    assert stats.binom.cdf(count, of, share) == pytest.approx(0.05)
