"""Parts found from statistics are compact, cover the picture once, and come out the same again."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from span_train.contract.layout import check_areas
from span_train.data.drawn_parts import draw_part
from span_train.data.layout_statistics import layout_from_statistics

Images = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def parts_nhwc() -> Images:
    random = np.random.default_rng(0)
    return np.stack([cv2.resize(draw_part(random), (40, 40)) for _ in range(30)])


@pytest.mark.parametrize("parts", [1, 4, 6])
def test_regions_cover_every_pixel_once_in_one_piece(parts_nhwc: Images, parts: int) -> None:
    layout = layout_from_statistics(parts_nhwc, parts)
    assert layout.names == tuple(f"region_{k}" for k in range(1, parts + 1))
    assert layout.source == "statistics"
    assert layout.masks_khw.shape == (parts, 40, 40)
    assert np.array_equal(layout.masks_khw.sum(axis=0), np.ones((40, 40)))
    for mask in layout.masks_khw:
        pieces, _ = cv2.connectedComponents(mask.astype(np.uint8))
        assert pieces == 2


def test_two_halves_are_found_from_left_to_right() -> None:
    halves = np.zeros((3, 40, 40, 3), np.uint8)
    halves[:, :, 18:] = 200
    layout = layout_from_statistics(halves, 2)
    assert layout.masks_khw[0, :, :16].min() == 1
    assert layout.masks_khw[1, :, 21:].min() == 1


def test_leads_of_the_drawn_part_come_out_as_regions(parts_nhwc: Images) -> None:
    layout = layout_from_statistics(parts_nhwc, 4)
    left, right = np.zeros((2, 40, 40), bool)
    left[19:21, 4:10] = right[19:21, 30:36] = True
    inside = [
        {k for k in range(4) if layout.masks_khw[k][lead].mean() > 0.9} for lead in (left, right)
    ]
    assert all(len(regions) == 1 for regions in inside)
    assert inside[0] != inside[1]


def test_the_same_images_give_the_same_layout(parts_nhwc: Images) -> None:
    first, second = (layout_from_statistics(parts_nhwc, 4) for _ in range(2))
    assert first.digest() == second.digest()


def test_equal_grey_images_still_give_usable_regions() -> None:
    layout = layout_from_statistics(np.full((2, 32, 32, 3), 90, np.uint8), 4)
    check_areas(layout, 32, 8, "stretch")


def test_the_number_may_be_left_to_the_images(parts_nhwc: Images) -> None:
    layout = layout_from_statistics(parts_nhwc[:, ::2, ::2], None, most=3)
    assert 2 <= len(layout.names) <= 3
    (remark,) = layout.remarks
    assert f"{len(layout.names)} regions: two halves of the images agree" in remark


def test_an_unsure_number_is_said_to_be_unsure() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (8, 24, 24, 3), np.uint8)
    (remark,) = layout_from_statistics(noise, None).remarks
    assert "which is little; look at the picture, set layout.parts, or draw the parts" in remark


def test_no_images_or_no_parts_is_an_error() -> None:
    with pytest.raises(ValueError, match="parts >= 1"):
        layout_from_statistics(np.zeros((0, 32, 32, 3), np.uint8), 3)
    with pytest.raises(ValueError, match="parts >= 1"):
        layout_from_statistics(np.zeros((2, 32, 32, 3), np.uint8), 0)
