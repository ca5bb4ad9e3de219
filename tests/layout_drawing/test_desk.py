"""What lies on the desk when a line is opened for drawing."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inspect_app.layout_drawing.desk import Desk, open_desk
from inspect_app.layout_drawing.drawing import Drawing, Pixels
from inspect_app.layout_drawing.rasterise import part_mask
from inspect_app.layout_drawing.saving import save
from inspect_app.layout_drawing.shown import page_data, shown_picture
from span_train.contract.errors import ImageError, InputError
from tests.layout_drawing.shapes import box, part
from tests.layout_drawing.transistor import BODY, draw_transistor

DRAWN = Drawing(parts=(part("body", box(*BODY)), part("lead", box(112, 122, 126, 220))))


def test_without_an_exemplar_the_most_typical_image_is_chosen_and_said(line: Path) -> None:
    desk = open_desk(line)
    assert desk.exemplar.parent == line.parent / "images"
    assert desk.start == Drawing()
    (note,) = desk.notes
    assert note.startswith(f"The line names no exemplar: {desk.exemplar.name} is its most typical")


def test_masks_that_are_there_come_back_to_the_pixel(drawn_line: Path) -> None:
    desk = open_desk(drawn_line)
    assert [one.name for one in desk.start.parts] == ["body", "left_lead", "marking", "right_lead"]
    for one in desk.start.parts:
        with Image.open(drawn_line.parent / "masks" / f"{one.name}.png") as mask:
            assert np.array_equal(part_mask(one, desk.shape), np.asarray(mask) > 127)


def test_shapes_that_were_saved_come_back_as_shapes(desk: Desk) -> None:
    save(desk, DRAWN)
    assert open_desk(desk.line).start == DRAWN


def test_masks_that_were_changed_since_then_win_over_the_shapes(desk: Desk) -> None:
    folder = save(desk, DRAWN).folder
    changed = np.zeros(desk.shape, np.uint8)
    changed[30:90, 100:220] = 255
    Image.fromarray(changed).save(folder / "masks" / "body.png")
    body = open_desk(desk.line).start.parts[0]
    assert isinstance(body.shapes[0], Pixels)
    assert np.array_equal(part_mask(body, desk.shape), changed > 0)


def test_masks_of_another_size_are_said_and_do_not_stop_a_new_drawing(desk: Desk) -> None:
    folder = save(desk, DRAWN).folder
    Image.new("L", (9, 9), 255).save(folder / "masks" / "body.png")
    again = open_desk(desk.line)
    assert again.start == Drawing()
    assert "9x9 pixels, but the exemplar has 320x240" in again.notes[0]


def test_an_exemplar_that_is_not_among_the_images_is_said(line: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    Image.fromarray(draw_transistor(99)).save(other)
    assert "other.png is not among the line's images" in open_desk(line, exemplar=other).notes[0]
    copy = tmp_path / "copy.png"
    copy.write_bytes((line.parent / "images" / "reel_002.png").read_bytes())
    assert open_desk(line, exemplar=copy).notes == ()


def test_another_exemplar_than_the_line_s_is_said(desk: Desk) -> None:
    save(desk, DRAWN)
    other = open_desk(desk.line, exemplar=desk.line.parent / "images" / "reel_003.png")
    assert other.start == Drawing()
    assert other.notes == (
        "The line's exemplar is reel_000.png; once this drawing is saved it is reel_003.png.",
    )


def test_a_missing_exemplar_and_a_line_without_images_are_refused(line: Path) -> None:
    with pytest.raises(ImageError, match=r"none\.png"):
        open_desk(line, exemplar=line.parent / "none.png")
    for image in (line.parent / "images").iterdir():
        image.write_bytes(b"nothing")
    with pytest.raises(InputError, match="no image to draw on was found; name one with --exemplar"):
        open_desk(line)


def test_the_page_starts_from_values_that_json_can_hold(desk: Desk) -> None:
    page = page_data(desk)
    assert json.loads(json.dumps(page)) == page
    assert (page["width"], page["height"], page["line"]) == (320, 240, "transistors")
    assert len(shown_picture(desk)) > 1000


def test_a_huge_exemplar_is_shown_smaller(line: Path) -> None:
    huge = line.parent / "images" / "huge.png"
    Image.fromarray(np.zeros((1000, 6000, 3), np.uint8)).save(huge)
    desk = open_desk(line, exemplar=huge)
    assert page_data(desk)["width"] == 6000
    assert len(shown_picture(desk)) < 60_000
