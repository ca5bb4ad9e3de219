"""Means over images and parts, and their intervals: worked out by hand where that is possible."""

import numpy as np
import pytest

from span_train.evaluate import part_means
from span_train.evaluate.part_means import mean_interval, paired_gain, part_mean

NAN = float("nan")


def test_the_mean_is_over_images_first_and_then_over_parts() -> None:
    # Part 0: 0.5 over two images; part 1: 1.0 over one image. A mean of all values would be 0.667.
    assert part_mean(np.array([[0.2, 1.0], [0.8, NAN]])) == pytest.approx(0.75)


def test_without_any_value_there_is_no_mean_and_no_interval() -> None:
    nothing = np.full((3, 2), NAN)
    assert part_mean(nothing) is None
    assert mean_interval(nothing) is None


def test_the_interval_is_a_bootstrap_over_images() -> None:
    values = np.random.default_rng(0).normal(0.5, 0.1, (200, 1)).repeat(3, axis=1)
    low, high = mean_interval(values) or [0, 0]
    error = values[:, 0].std() / np.sqrt(200)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.3 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.3 * error)
    assert mean_interval(values, seed=0) == [low, high] != mean_interval(values, seed=1)


def test_a_gain_is_paired_image_by_image() -> None:
    random = np.random.default_rng(0)
    hard = 0.5 + random.random((40, 1)) * 0.4
    gain = paired_gain(hard, hard - random.normal(0.05, 0.01, (40, 1)))
    assert 0.04 < gain["interval"][0] < gain["value"] < gain["interval"][1] < 0.06
    assert gain["confidence"] == 0.95


def test_many_images_are_resampled_in_chunks_with_the_same_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = np.random.default_rng(0).random((50, 2))
    at_once = mean_interval(values)
    monkeypatch.setattr(part_means, "_CELLS_A_CHUNK", 3000)
    assert mean_interval(values) == at_once
