"""Removing patches: only what was chosen goes, and a score that rests on one place says so."""

import numpy as np
import pytest

from span_train.evaluate.deletion import (
    Scores,
    Squares,
    deletion_result,
    random_orders,
    removal_drops,
    without,
)


def bright_corner(squares: Squares) -> Scores:
    """A score that rests on the first patch alone."""
    return squares[:, :4, :4].mean((1, 2, 3)) / 10


@pytest.fixture
def squares() -> Squares:
    drawn = np.full((6, 16, 16, 3), 50, np.uint8)
    drawn[:, :4, :4] = 100 + np.arange(6, dtype=np.uint8)[:, None, None, None]
    return drawn


def test_a_removed_patch_is_the_typical_one_and_nothing_else_changes(squares: Squares) -> None:
    typical = np.arange(16 * 16 * 3).reshape(16, 16, 3).astype(np.uint8)
    left = without(squares, typical, np.array([[6]] * 6), grid=4)  # row 1, column 2
    np.testing.assert_array_equal(left[:, 4:8, 8:12], np.stack([typical[4:8, 8:12]] * 6))
    untouched = np.ones((16, 16), bool)
    untouched[4:8, 8:12] = False
    np.testing.assert_array_equal(left[:, untouched], squares[:, untouched])


def test_z_falls_by_what_the_removed_patch_held(squares: Squares) -> None:
    typical = np.full((16, 16, 3), 50, np.uint8)
    first_is_first = np.tile(np.arange(16), (6, 1))
    drops = removal_drops(bright_corner, squares, typical, first_is_first, (1, 3))
    np.testing.assert_allclose(drops[:, 0], (50 + np.arange(6)) / 10)
    np.testing.assert_allclose(drops[:, 1], drops[:, 0])
    first_is_last = first_is_first[:, ::-1]
    np.testing.assert_array_equal(
        removal_drops(bright_corner, squares, typical, first_is_last, (1, 3)), 0.0
    )


def test_random_orders_name_each_patch_once_and_differ() -> None:
    one, other = random_orders((3, 16), draws=2, seed=4)
    np.testing.assert_array_equal(np.sort(one, axis=1), np.tile(np.arange(16), (3, 1)))
    assert (one != other).any()
    assert (one[0] != one[1]).any()
    np.testing.assert_array_equal(random_orders((3, 16), draws=2, seed=4)[0], one)


def test_the_gain_is_paired_and_its_interval_decides() -> None:
    random = np.random.default_rng(0)
    by_evidence = random.normal(2.0, 0.1, (40, 2))
    worse, equal = by_evidence - random.normal(1.0, 0.1, (40, 2)), by_evidence.copy()
    result = deletion_result(by_evidence, {"worse": worse}, None, (1, 2))
    assert result["holds"]
    assert result["gain_over"]["worse"]["value"] == pytest.approx((by_evidence - worse).mean())
    assert result["gain_over"]["worse"]["interval"][0] > 0.9
    assert not deletion_result(by_evidence, {"worse": worse, "equal": equal}, None, (1, 2))["holds"]


def test_images_of_one_part_count_once() -> None:
    drops = np.array([[1.0], [3.0], [10.0]])
    result = deletion_result(drops, {"none": 0 * drops}, ["a", "a", None], (1,))
    assert (result["images"], result["parts"]) == (3, 2)
    assert result["drop"]["evidence"]["mean"]["value"] == pytest.approx(6.0)
