"""What settings say about brightness becomes places and levels, or a mistake with its cure."""

import numpy as np
import pytest

from span_train.contract.errors import LayoutError
from span_train.contract.layout_settings import IntensitySettings
from span_train.data.layout_brightness import brightness_of

SIDE_PX = 32
IMAGE = np.full((1, SIDE_PX, SIDE_PX, 3), 50, np.uint8)
IMAGE[:, 8:16, 8:16] = 200
PIN = np.zeros((SIDE_PX, SIDE_PX), np.float32)
PIN[8:16, 8:16] = 1
HOLE = np.zeros((SIDE_PX, SIDE_PX), np.float32)
HOLE[20:28, 20:28] = 1


def test_what_is_left_open_is_as_on_the_exemplar() -> None:
    found = brightness_of({}, {"pin": PIN}, IMAGE, reach_px=4)
    assert found.names == ("pin",)
    (light,) = found.lights
    assert (light.bright, light.tau, light.temperature) == (True, None, 10.0)
    assert found.coarse_kss[0, 12, 4:20].min() == 1
    assert not found.coarse_kss[0, :, 21:].any()


def test_what_is_said_goes_before_the_exemplar() -> None:
    said = IntensitySettings(shade="dark", tau=90.0, temperature=5.0)
    (light,) = brightness_of({"pin": said}, {"pin": PIN}, IMAGE, 4).lights
    assert (light.bright, light.tau, light.temperature) == (False, 90.0, 5.0)


def test_boxes_add_parts_and_replace_places() -> None:
    box = IntensitySettings(shade="bright", box=(0.5, 0.0, 1.0, 0.25))
    found = brightness_of({"pin": box, "area": box}, {"pin": PIN, "hole": HOLE}, IMAGE, 0)
    assert found.names == ("area", "hole", "pin")
    for place in (0, 2):
        assert found.coarse_kss[place, :8, 16:].min() == 1
        assert found.coarse_kss[place].sum() == 8 * 16
    assert np.array_equal(found.coarse_kss[1], HOLE)


def test_boxes_alone_are_enough() -> None:
    box = IntensitySettings(shade="bright", box=(0.25, 0.25, 0.5, 0.5))
    found = brightness_of({"pin": box}, {}, IMAGE[:0], 8)
    layout = found.layout(IMAGE, patch_px=8)
    assert layout.source == "intensity"
    assert layout.masks_khw.shape == (1, SIDE_PX, SIDE_PX)
    assert found.masks_of(IMAGE).shape == (1, 1, SIDE_PX, SIDE_PX)


def test_the_layout_is_the_mean_and_says_what_it_did() -> None:
    images = np.concatenate([IMAGE, np.full_like(IMAGE, 50)])
    said = IntensitySettings(shade="bright", tau=120.0, temperature=2.0)
    layout = brightness_of({"pin": said}, {"pin": PIN}, IMAGE, 2).layout(images, patch_px=4)
    assert layout.masks_khw[0, 8:16, 8:16] == pytest.approx(0.5, abs=1e-3)
    assert layout.masks_khw[0, :8].max() < 1e-3
    assert layout.remarks == (
        "part pin is told by being brighter than what surrounds it, at 120.0",
        "part pin covers less than one patch in 1 of 2 images",
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [("pim", "did you mean pin"), ("xyz", "drawn: hole, pin; or give it a box")],
)
def test_a_part_that_is_nowhere_is_refused(name: str, expected: str) -> None:
    with pytest.raises(LayoutError, match=rf"layout\.intensity\.{name}: no part .*{expected}"):
        brightness_of({name: IntensitySettings()}, {"pin": PIN, "hole": HOLE}, IMAGE, 2)


def test_a_box_may_not_have_the_name_of_no_part() -> None:
    box = IntensitySettings(shade="bright", box=(0.0, 0.0, 1.0, 1.0))
    with pytest.raises(LayoutError, match=r"layout\.intensity: a part may not be called free"):
        brightness_of({"free": box}, {}, IMAGE, 2)
