"""Parts told by brightness follow the formula in each image, and fill the array that is given."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from span_train.data.layout_intensity import (
    PartLight,
    intensity_masks,
    is_brighter,
    mean_intensity_masks,
    widened,
)

SIDE_PX = 16
EVERYWHERE = np.ones((1, SIDE_PX, SIDE_PX), np.float32)
DARK = PartLight(bright=False, tau=100.0, temperature=10.0)


def grey(*levels: int) -> npt.NDArray[np.uint8]:
    """One even grey image a level."""
    return np.stack([np.full((SIDE_PX, SIDE_PX, 3), level, np.uint8) for level in levels])


def bar(left: int, inside: int = 200, outside: int = 40) -> npt.NDArray[np.uint8]:
    """An image with an upright bar of 4 px."""
    image = np.full((SIDE_PX, SIDE_PX, 3), outside, np.uint8)
    image[:, left : left + 4] = inside
    return image


def test_the_mask_is_the_sigmoid_of_the_design() -> None:
    levels = (0, 80, 100, 110, 255)
    masks = intensity_masks(grey(*levels), EVERYWHERE, [DARK])
    for mask, level in zip(masks, levels, strict=True):
        expected = 255 / (1 + np.exp(-(100 - level) / 10))
        assert np.abs(mask - expected).max() <= 0.51


def test_a_bright_part_is_the_other_way_round() -> None:
    bright = PartLight(bright=True, tau=100.0, temperature=10.0)
    images = grey(20, 95, 130)
    dark_mkss, bright_mkss = (intensity_masks(images, EVERYWHERE, [one]) for one in (DARK, bright))
    assert np.abs(dark_mkss.astype(int) + bright_mkss - 255).max() <= 1


def test_colours_count_by_how_bright_they_look() -> None:
    green, blue = np.zeros((2, 1, SIDE_PX, SIDE_PX, 3), np.uint8)
    green[..., 1], blue[..., 2] = 255, 255
    masks = intensity_masks(np.concatenate([green, blue]), EVERYWHERE, [DARK])
    assert masks[0].max() < 20
    assert masks[1].min() > 235


def test_the_coarse_place_weighs_the_mask() -> None:
    coarse = np.zeros((2, SIDE_PX, SIDE_PX), np.float32)
    coarse[0, :, :8], coarse[1, :, 8:] = 1.0, 0.5
    masks = intensity_masks(grey(0), coarse, [DARK, DARK])[0]
    assert masks[0, :, :8].min() == 255
    assert not masks[0, :, 8:].any()
    assert np.unique(masks[1, :, 8:]).tolist() == [127]


def test_each_image_finds_its_own_level() -> None:
    images = np.stack([bar(2, 200, 40), bar(9, 110, 70), bar(6, 250, 180)])
    light = PartLight(bright=True, tau=None, temperature=3.0)
    masks = intensity_masks(images, EVERYWHERE, [light])[:, 0]
    for mask, left in zip(masks, (2, 9, 6), strict=True):
        assert mask[:, left : left + 4].min() > 200
        assert np.delete(mask, np.s_[left : left + 4], axis=1).max() < 130


def test_an_even_place_and_an_empty_one_give_no_error() -> None:
    light = PartLight(bright=False, tau=None, temperature=10.0)
    coarse = np.stack([EVERYWHERE[0], np.zeros_like(EVERYWHERE[0])])
    masks = intensity_masks(grey(90), coarse, [light, light])
    assert np.isfinite(masks).all()
    assert not masks[0, 1].any()


def test_many_images_are_written_into_a_memory_map(tmp_path: Path) -> None:
    images = grey(*range(0, 200))
    out = np.lib.format.open_memmap(
        tmp_path / "masks.npy", "w+", np.uint8, (200, 1, SIDE_PX, SIDE_PX)
    )
    assert intensity_masks(images, EVERYWHERE, [DARK], out) is out
    assert np.array_equal(out, intensity_masks(images, EVERYWHERE, [DARK]))
    assert out[199].max() < out[0].min()


def test_the_mean_is_that_of_the_masks_and_areas_are_in_pixels() -> None:
    images = grey(*range(0, 200))
    mean, areas = mean_intensity_masks(images, EVERYWHERE, [DARK])
    masks = intensity_masks(images, EVERYWHERE, [DARK])
    assert np.abs(mean - masks.mean(axis=0) / 255).max() < 0.003
    assert areas[0, 0] == pytest.approx(SIDE_PX**2, rel=1e-4)
    assert areas[100, 0] == pytest.approx(SIDE_PX**2 / 2)


def test_a_place_reaches_beyond_its_mask() -> None:
    mask = np.zeros((1, SIDE_PX, SIDE_PX), np.float32)
    mask[0, 8, 8] = 0.2
    assert np.array_equal(widened(mask, 0.0), mask > 0)
    wide = widened(mask, 3.0)[0]
    assert wide[8, 5:12].min() == 1
    assert not wide[8, :5].any()
    assert not wide[5, 5]


def test_the_exemplar_tells_whether_a_part_is_brighter() -> None:
    mask = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    mask[:, 6:10] = 1
    place = widened(mask[None], 2.0)[0]
    assert is_brighter(bar(6)[None], mask, place)
    assert not is_brighter(bar(6, inside=20)[None], mask, place)
    assert is_brighter(bar(6)[None], mask, mask)  # a place without surroundings


def test_shapes_that_do_not_fit_are_an_error() -> None:
    with pytest.raises(ValueError, match="do not fit each other"):
        intensity_masks(grey(1), np.ones((1, 8, 8), np.float32), [DARK])
    with pytest.raises(ValueError, match="and 2 parts do not fit"):
        intensity_masks(grey(1), EVERYWHERE, [DARK, DARK])
    with pytest.raises(ValueError, match=r"masks go into \(1, 1, 16, 16\) uint8, not"):
        intensity_masks(grey(1), EVERYWHERE, [DARK], np.zeros((2, 1, 16, 16), np.uint8))
    with pytest.raises(ValueError, match="needs at least one"):
        mean_intensity_masks(grey(1)[:0], EVERYWHERE, [DARK])
