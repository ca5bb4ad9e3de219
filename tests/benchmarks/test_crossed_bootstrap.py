"""Intervals over exemplars, seeds and images are as wide as the widest of the three asks for."""

import numpy as np
import pytest
from crossed_bootstrap import Runs, estimate

RANDOM = np.random.default_rng(0)


def runs(exemplar_sd: float = 0.0, seed_sd: float = 0.0, image_sd: float = 0.0) -> Runs:
    image = RANDOM.normal(0, image_sd, (50, 1))
    return {
        f"e{number}": [
            0.5 + offset + RANDOM.normal(0, seed_sd) + image + np.zeros((50, 3)) for _ in range(3)
        ]
        for number, offset in enumerate(RANDOM.normal(0, exemplar_sd, 3))
    }


def test_the_value_is_the_mean_over_exemplars_of_means_over_seeds() -> None:
    one = {"a": [np.full((4, 2), 0.2), np.full((4, 2), 0.4)], "b": [np.full((4, 2), 0.9)]}
    assert estimate(one).value == pytest.approx(0.6)


def test_identical_values_leave_nothing_open() -> None:
    assert estimate(runs()) == pytest.approx((0.5, 0.5, 0.5))


@pytest.mark.parametrize("kind", ["exemplar_sd", "seed_sd", "image_sd"])
def test_each_kind_of_spread_widens_the_interval(kind: str) -> None:
    found = estimate(runs(**{kind: 0.1}))
    assert found.low < found.value < found.high
    assert found.high - found.low > 0.01


def test_spread_over_images_shrinks_as_for_the_images_at_hand_not_for_all_values() -> None:
    found = estimate(runs(image_sd=0.1))
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.1 / np.sqrt(50), rel=0.4)


def test_a_difference_on_the_same_images_loses_what_the_images_share() -> None:
    image = RANDOM.normal(0, 0.2, (50, 1)) + np.zeros((50, 3))
    better = {"a": [image + 0.6, image + 0.62], "b": [image + 0.61]}
    found = estimate(better, less={"": [image + 0.5, image + 0.52]})
    assert found.value == pytest.approx(0.61 - 0.51)
    assert found.high - found.low < 0.05 < estimate(better).high - estimate(better).low


def test_parts_that_images_lack_are_left_out() -> None:
    values = np.array([[0.2, np.nan], [0.4, 0.9]])
    assert estimate({"a": [values]}).value == pytest.approx((0.3 + 0.9) / 2)


def test_runs_over_different_images_or_none_are_refused() -> None:
    with pytest.raises(ValueError, match="the same images"):
        estimate({"a": [np.zeros((4, 2))]}, less={"b": [np.zeros((5, 2))]})
    with pytest.raises(ValueError, match="none"):
        estimate({})
    with pytest.raises(ValueError, match="expected runs"):
        estimate({"a": [np.zeros((4, 2))], "b": []})
