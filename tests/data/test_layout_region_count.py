"""The number of regions is the largest that other images of the product give again."""

import numpy as np
import pytest

from span_train.data.layout_region_count import count_regions
from span_train.data.layout_regions import Greys


def blocks(count: int, images: int = 12, noise: float = 0.05) -> Greys:
    """Images of `count` blocks side by side, of different brightness."""
    random = np.random.default_rng(count)
    levels = np.array([0.0, 3.0, 1.0, 4.0, 2.0, 5.0])[:count]
    steps = np.repeat(levels, -(-24 // count))[:24]
    greys = np.broadcast_to(steps, (images, 24, 24)) + random.normal(0, noise, (images, 24, 24))
    return greys.astype(np.float32)


@pytest.mark.parametrize("count", [3, 4])
def test_clear_blocks_are_found_again(count: int) -> None:
    found = count_regions(blocks(count), most=count)
    assert found.regions == count
    assert found.reproducible
    assert found.overlap > 0.8


def test_no_more_are_chosen_than_allowed() -> None:
    assert count_regions(blocks(5), most=3).regions <= 3


def test_the_same_images_give_the_same_number() -> None:
    assert count_regions(blocks(3), 6) == count_regions(blocks(3), 6)


def test_noise_gives_nothing_that_comes_again() -> None:
    noise = np.random.default_rng(0).normal(size=(8, 24, 24)).astype(np.float32)
    assert not count_regions(noise, 8).reproducible


@pytest.mark.parametrize(("images", "most"), [(3, 4), (8, 1)])
def test_too_few_images_or_regions_are_an_error(images: int, most: int) -> None:
    with pytest.raises(ValueError, match=f"found {images}, {most}"):
        count_regions(blocks(3, images), most)
