"""The sheet shows each part in its colour, numbered, with its name and area beside it."""

import numpy as np
import numpy.typing as npt
import pytest

from span_train.data.layout_picture import (
    COLOURS,
    Panel,
    colour_of,
    draw_layout,
    mean_picture,
)


def panel(side_px: int = 40, parts: int = 2) -> Panel:
    masks = np.zeros((parts, side_px, side_px), np.float32)
    for place in range(parts):
        width = side_px // parts
        masks[place, 5:-5, place * width : (place + 1) * width] = 1
    return Panel("one", np.full((side_px, side_px, 3), 90, np.uint8), masks)


def pixels(sheet: npt.NDArray[np.uint8], colour: tuple[int, int, int]) -> int:
    return int((sheet == colour).all(axis=2).sum())


def test_each_part_is_outlined_and_in_the_legend() -> None:
    sheet = draw_layout(panel(), [], ("body", "lead"), (12.0, 3.4))
    assert sheet.shape == (666, 900, 3)
    for place in range(2):
        assert pixels(sheet[:, :640], colour_of(place)) > 1000
        assert pixels(sheet[:, 640:], colour_of(place)) > 100


def test_samples_lie_below_three_in_a_row() -> None:
    samples = [panel(), panel(60), panel(112), panel()]
    sheet = draw_layout(panel(), samples, ("body", "lead"), (12.0, 3.4))
    assert sheet.shape == (666 + 2 * 326, 900, 3)
    for top, left in ((0, 0), (0, 300), (0, 600), (326, 0)):
        shown = sheet[666 + top : 666 + top + 326, left : left + 300]
        assert pixels(shown, colour_of(1)) > 300
    assert (sheet[666 + 326 :, 300:] == 255).all()


def test_a_soft_mask_is_tinted_softly_and_outlined_at_a_half() -> None:
    soft = panel(parts=1)
    soft.masks_khw[0, :, :20] *= 0.4
    shown = draw_layout(soft, [], ("body",), (3.0,))[26 + 320, :640].astype(int)
    untouched, faint, strong = shown[639], shown[100], shown[600]
    assert untouched.tolist() != strong.tolist()
    reference = np.array([90, 90, 90])
    assert 0 < np.abs(faint - reference).sum() < np.abs(strong - reference).sum()


def test_an_empty_mask_is_drawn_as_nothing() -> None:
    empty = panel(parts=1)
    empty.masks_khw[:] = 0
    sheet = draw_layout(empty, [], ("body",), (0.0,))
    assert pixels(sheet[:, :640], colour_of(0)) == 0


def test_more_parts_than_colours_are_told_apart_by_number() -> None:
    names = tuple(f"part_{place}" for place in range(9))
    sheet = draw_layout(panel(90, 9), [], names, (1.0,) * 9)
    assert colour_of(len(COLOURS)) == colour_of(0)
    legend = sheet[:, 640:]
    first, eighth = (legend[26 + 44 * place : 48 + 44 * place, 14:35] for place in (0, 7))
    assert not np.array_equal(first, eighth)


def test_a_picture_of_another_size_is_an_error() -> None:
    wrong = Panel("one", np.zeros((50, 50, 3), np.uint8), panel().masks_khw)
    with pytest.raises(ValueError, match="picture"):
        draw_layout(wrong, [], ("body", "lead"), (1.0, 1.0))


def test_the_mean_picture_is_the_mean() -> None:
    images = np.stack([np.full((4, 4, 3), value, np.uint8) for value in (0, 100, 200)])
    assert np.array_equal(mean_picture(images), np.full((4, 4, 3), 100, np.uint8))
