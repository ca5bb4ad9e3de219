"""The picture sheet: which images it shows, and that every column holds what it says."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from span_train.contract.errors import InputError
from span_train.evaluate.part_sheet import SheetRow, draw_sheet, rows_to_show, save_sheet
from tests.evaluate.test_parts_json import measured

BLUE, ORANGE = (0, 0x72, 0xB2), (0xE6, 0x9F, 0)


def row(size: tuple[int, int] = (40, 60), second_there: bool = True) -> SheetRow:
    """The left half belongs to the first part and the right half to the second."""
    masks = np.zeros((2, *size), bool)
    masks[0, :, : size[1] // 2] = True
    masks[1, :, size[1] // 2 :] = second_there
    heads = np.zeros((2, 4, 4), np.float32)
    heads[0, :, :2] = heads[1, :, 2:] = 0.125
    template = np.zeros((2, 16, 16), np.float32)
    template[0, :, 8:] = template[1, :, :8] = 1.0  # the wrong way round
    ap = np.array([0.9, 0.8 if second_there else np.nan])
    image = np.full((*size, 3), 128, np.uint8)
    return SheetRow("worst", "a.png", image, masks, heads, template, (0, 4), ap, ap, ap)


def test_the_worst_median_best_and_random_images_are_shown() -> None:
    ap_ik = np.linspace(0.1, 0.9, 20)[::-1, None].repeat(2, axis=1)
    shown = rows_to_show(measured(ap_ik))
    assert [i for i, kind in shown.items() if kind == "worst"] == [19, 18]
    assert [i for i, kind in shown.items() if kind == "median"] == [10, 9]
    assert [i for i, kind in shown.items() if kind == "best"] == [0, 1]
    random = [i for i, kind in shown.items() if kind == "random"]
    assert len(set(random) - {19, 18, 10, 9, 0, 1}) == 2
    others = {tuple(rows_to_show(measured(ap_ik), seed)) for seed in range(5)}
    assert len(others) > 1


@pytest.mark.parametrize("images", [1, 2, 3, 5])
def test_of_few_images_each_is_shown_once(images: int) -> None:
    shown = rows_to_show(measured(np.linspace(0.2, 0.8, images)[:, None].repeat(2, axis=1)))
    assert sorted(shown) == list(range(images))
    assert shown[0] == "worst"


def test_an_image_without_any_part_is_not_shown() -> None:
    ap_ik = np.array([[0.5, 0.5], [np.nan, np.nan], [0.7, np.nan]])
    assert sorted(rows_to_show(measured(ap_ik))) == [0, 2]


def test_every_column_shows_what_it_says() -> None:
    sheet = draw_sheet([row()], ("left", "right"), "stretch").astype(int)
    cell, gap, header = 208, 8, 50
    assert sheet.shape[1] == gap + 5 * (cell + gap)
    middle = header + 60

    def at(column: int, share: float) -> tuple[int, ...]:
        return tuple(sheet[middle, gap + column * (cell + gap) + int(share * cell)].tolist())

    assert at(0, 0.25) == (128, 128, 128) == at(0, 0.75)
    for column, colours in ((1, (BLUE, ORANGE)), (2, (ORANGE, BLUE))):
        for share, colour in zip((0.25, 0.75), colours, strict=True):
            nearer = np.argmin([np.abs(np.subtract(at(column, share), c)).sum() for c in colours])
            assert colours[nearer] == colour, f"column {column} at {share}"
    assert at(3, 0.25)[2] > at(3, 0.75)[2] + 60, "the first head looks left, in blue"
    assert at(4, 0.75)[0] > at(4, 0.25)[0] + 60, "the second head looks right, in orange"


def test_captions_stand_below_every_picture_and_inside_the_sheet() -> None:
    sheet = draw_sheet([row(), row((60, 40), second_there=False)], ("left", "r" * 40), "letterbox")
    dark = (sheet.max(axis=2) < 110).astype(np.uint8)
    _, _, boxes, _ = cv2.connectedComponentsWithStats(dark)
    assert boxes[1:, 0].min() >= 8
    assert (boxes[1:, 0] + boxes[1:, 2]).max() < sheet.shape[1]
    assert dark[-44:].any(), "the last caption is not cut off"


def test_a_sheet_without_rows_or_a_name_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one"):
        draw_sheet([], ("left",), "stretch")
    with pytest.raises(InputError, match=r"name a \.png file"):
        save_sheet(np.zeros((4, 4, 3), np.uint8), tmp_path / "sheet.nothing")


def test_a_sheet_is_saved_as_it_is(tmp_path: Path) -> None:
    sheet = draw_sheet([row()], ("left", "right"), "stretch")
    save_sheet(sheet, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as saved:
        assert np.array_equal(np.array(saved), sheet)
