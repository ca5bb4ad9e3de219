"""Two pictures are of one scene when their fine detail agrees, not when their outlines do."""

import cv2
import numpy as np

from span_train.data.same_scene import AGREES, SIDE_PX, detail_agreement
from tests.drawn_plates import Grey, Plate


def fitted(picture: Grey) -> Grey:
    return np.asarray(cv2.resize(picture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA))


def test_a_moved_and_tilted_copy_is_the_same_scene(plate: Plate) -> None:
    one = plate(3)
    warp = np.array([[1.02, 0.03, 2.0], [-0.02, 0.99, -1.5]], np.float32)
    moved = np.asarray(cv2.warpAffine(one, warp, one.shape, flags=cv2.INTER_CUBIC))
    assert detail_agreement(fitted(one), fitted(moved)) >= AGREES


def test_another_part_of_the_same_shape_is_not(plate: Plate) -> None:
    assert detail_agreement(fitted(plate(3)), fitted(plate(4))) < 0.8


def test_pictures_without_detail_show_nothing() -> None:
    flat = np.full((SIDE_PX, SIDE_PX), 90, np.uint8)
    assert detail_agreement(flat, flat) == 0.0
