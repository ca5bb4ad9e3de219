"""Mirror, row and ring of copies: the geometry, and the names."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_app.layout_drawing.copies import (
    around,
    free_name,
    in_a_row,
    mirrored,
    mirrored_name,
    numbered,
    outlined,
)
from inspect_app.layout_drawing.drawing import Part, Polygon, Ring, Shape
from inspect_app.layout_drawing.rasterise import part_mask, pixels_of
from tests.layout_drawing.shapes import SHAPE, SHAPES, box, part

HEIGHT, WIDTH = SHAPE


@given(st.lists(SHAPES, min_size=1, max_size=3), st.sampled_from(["left-right", "top-bottom"]))
def test_mirroring_twice_at_one_axis_changes_nothing(shapes: list[Shape], axis: str) -> None:
    drawn = Part(name="lead", shapes=tuple(shapes))
    once = mirrored(drawn, axis, 21.5)  # type: ignore[arg-type]
    twice = mirrored(Part(name="lead", shapes=once), axis, 21.5)  # type: ignore[arg-type]
    before, after = part_mask(drawn, SHAPE), part_mask(Part(name="lead", shapes=twice), SHAPE)
    assert np.mean(before != after) < 0.02  # rounding, where an edge runs through a pixel's centre


def test_a_mirrored_rectangle_is_its_mirror_image_to_the_pixel() -> None:
    lead = part("left_lead", box(2, 5, 12, 9), box(4, 6, 6, 8, cut=True))
    for drawn in (lead, Part(name="lead", shapes=(pixels_of(part_mask(lead, SHAPE)),))):  # type: ignore[arg-type]
        across = Part(name="right", shapes=mirrored(drawn, "left-right", WIDTH / 2))
        below = Part(name="below", shapes=mirrored(drawn, "top-bottom", HEIGHT / 2))
        assert np.array_equal(part_mask(across, SHAPE), part_mask(lead, SHAPE)[:, ::-1])
        assert np.array_equal(part_mask(below, SHAPE), part_mask(lead, SHAPE)[::-1])


@given(st.lists(SHAPES, min_size=1, max_size=3), st.integers(2, 5), st.integers(-6, 6))
def test_copies_in_a_row_are_the_part_moved_by_whole_pixels(
    shapes: list[Shape], count: int, step: int
) -> None:
    drawn = Part(name="pin", shapes=tuple(shapes))
    far = (200, 200)
    moved = Part(name="pin", shapes=in_a_row(drawn, 2, (60, 60))[0])  # into the picture
    copies = in_a_row(moved, count, (step, 2 * step))
    assert len(copies) == count - 1
    first = part_mask(moved, far)
    for place, copy in enumerate(copies, start=1):
        expected = np.roll(first, (2 * step * place, step * place), axis=(0, 1))
        found = part_mask(Part(name="pin", shapes=copy), far)
        assert np.mean(found[50:150, 50:150] != expected[50:150, 50:150]) < 0.005


def test_four_copies_around_the_middle_look_the_same_when_turned_by_a_quarter() -> None:
    square = (60, 60)
    pin = part("pin", box(28, 4, 32, 12))
    for drawn in (pin, Part(name="pin", shapes=(pixels_of(part_mask(pin, square)),))):  # type: ignore[arg-type]
        copies = around(drawn, 4, (30.0, 30.0), square)
        every = part("pins", *drawn.shapes, *(shape for copy in copies for shape in copy))
        mask = part_mask(every, square)
        assert mask.sum() == 4 * 32
        assert np.array_equal(mask, np.rot90(mask))


@given(st.lists(SHAPES, min_size=1, max_size=3))
def test_outlines_of_a_part_change_it_within_two_pixels_of_its_edge_only(
    shapes: list[Shape],
) -> None:
    drawn = Part(name="body", shapes=tuple(shapes))
    before, flat = part_mask(drawn, SHAPE), outlined(drawn, SHAPE)
    assert all(isinstance(shape, Polygon) for shape in flat.shapes)
    seen = np.pad(before, 1).astype(np.uint8)
    edge = cv2.morphologyEx(seen, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8))[1:-1, 1:-1]
    assert not (part_mask(flat, SHAPE) != before)[edge == 0].any()


def test_outlines_keep_holes_and_what_lies_in_them() -> None:
    rings = part("hub", Ring(centre=(30, 20), outer=19, inner=12), Ring(centre=(30, 20), outer=6))
    flat = outlined(rings, SHAPE)
    assert [shape.cut for shape in flat.shapes] == [False, True, False]
    assert np.mean(part_mask(flat, SHAPE) != part_mask(rings, SHAPE)) < 0.03


@pytest.mark.parametrize(
    ("name", "taken", "expected"),
    [
        ("left_lead", ["left_lead"], "right_lead"),
        ("lead_right", [], "lead_left"),
        ("upper", [], "lower"),
        ("left_lead", ["left_lead", "right_lead"], "left_lead_2"),
        ("leftover", [], "leftover_2"),
        ("pin", ["pin", "pin_2"], "pin_3"),
    ],
)
def test_the_name_of_a_mirrored_part(name: str, taken: list[str], expected: str) -> None:
    assert mirrored_name(name, taken) == expected


def test_copies_are_numbered_past_names_that_are_taken() -> None:
    assert numbered("lead", 3, ["lead", "lead_2", "body"]) == ("lead_1", "lead_3", "lead_4")
    assert numbered("lead_1", 3, ["lead_1"]) == ("lead_1", "lead_2", "lead_3")
    assert free_name("region_1", ["region_1", "region_2"]) == "region_3"
