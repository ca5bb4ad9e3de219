"""Regions follow what differs in brightness, in spread, or at edges, in one piece each."""

import numpy as np
import pytest

from span_train.data.layout_regions import find_regions, small_greys


def test_greys_are_small_and_evened_out() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), np.uint8)
    greys = small_greys(images)
    assert greys.shape == (3, 56, 56)
    assert greys.mean(axis=(1, 2)) == pytest.approx([0, 0, 0], abs=1e-5)
    assert greys.std(axis=(1, 2)) == pytest.approx([1, 1, 1], rel=1e-4)


def test_light_does_not_matter() -> None:
    bright = np.random.default_rng(0).integers(0, 126, (3, 32, 32, 3), np.uint8) * 2
    assert np.abs(small_greys(bright) - small_greys(bright // 2)).max() < 0.03


def test_at_most_a_thousand_images_are_looked_at() -> None:
    assert len(small_greys(np.zeros((2500, 8, 8, 3), np.uint8))) == 834


def test_a_region_may_differ_by_its_spread_alone() -> None:
    half = np.random.default_rng(1).normal(0, 0.1, (20, 32, 32))
    half[:, 8:24, 8:24] *= 10
    greys = np.concatenate([half, -half]).astype(np.float32)  # everywhere 0 in the mean
    regions = find_regions(greys, [2])[2]
    inside = regions == regions[16, 16]
    truth = np.zeros((32, 32), bool)
    truth[8:24, 8:24] = True
    assert (inside & truth).sum() / (inside | truth).sum() > 0.7


def test_every_number_asked_for_is_given_and_nested() -> None:
    greys = np.random.default_rng(2).normal(size=(10, 24, 24)).astype(np.float32)
    regions = find_regions(greys, range(1, 6))
    for count, one in regions.items():
        assert np.unique(one).tolist() == list(range(count))
    for few, many in ((2, 3), (3, 4), (4, 5)):
        pairs = np.unique(np.stack([regions[few].ravel(), regions[many].ravel()]), axis=1)
        assert pairs.shape[1] == many
