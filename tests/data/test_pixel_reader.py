"""Pixels read ahead are those that were asked for, in whatever order steps come."""

import numpy as np
import pytest
import torch

from span_train.data.pixel_reader import PixelReader

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 3), np.uint8)


@pytest.mark.parametrize("ahead", [True, False])
def test_each_batch_is_the_one_asked_for(ahead: bool) -> None:
    reader = PixelReader(IMAGES, torch.device("cpu"), ahead)
    order = [np.array(one) for one in ([3, 1], [7, 0], [9, 9], [3, 1], [2, 4])]
    announced = [*order[1:3], np.array([5, 5]), *order[4:], order[0]]  # one step comes otherwise
    for chosen, following in zip(order, announced, strict=True):
        found = reader.read(chosen, following)
        assert np.array_equal(found.numpy(), IMAGES[chosen])


def test_a_memory_map_is_read_as_it_is(tmp_path) -> None:
    np.save(tmp_path / "images.npy", IMAGES)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    found = PixelReader(mapped, torch.device("cpu"), ahead=True).read(np.arange(3), np.arange(3))
    assert np.array_equal(found.numpy(), IMAGES[:3])
