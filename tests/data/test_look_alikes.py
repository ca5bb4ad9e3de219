"""Candidates for copies are found among many images, turned and mirrored ones too."""

import numpy as np
import pytest

from span_train.data.look_alikes import WAYS, candidates, turned
from tests.drawn_plates import Plate


@pytest.mark.parametrize("way", range(len(WAYS)))
@pytest.mark.parametrize("count", [10, 80])
def test_a_turned_copy_is_found_in_its_way(plate: Plate, way: int, count: int) -> None:
    pictures = [plate(seed)[::2, ::2] for seed in range(count)]
    copy = turned(pictures[4], way)
    best = candidates(np.stack([*pictures, copy]))[0]
    assert (best.first, best.second) == (4, count)
    # What is said must bring the second to the first.
    assert np.array_equal(turned(copy, best.way), pictures[4])


def test_different_parts_give_few_candidates(plate: Plate) -> None:
    pictures = np.stack([plate(seed)[::2, ::2] for seed in range(80)])
    assert len(candidates(pictures)) < 8


def test_one_image_has_no_pair(plate: Plate) -> None:
    assert candidates(plate(0)[None]) == []
