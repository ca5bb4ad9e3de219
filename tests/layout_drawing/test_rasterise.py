"""Shapes become masks by one rule, whatever order and whatever kind they are of."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inspect_app.layout_drawing.drawing import Part, Ring, Shape, Stroke
from inspect_app.layout_drawing.rasterise import part_mask, pixels_of, shape_mask
from span_train.contract.errors import LayoutError
from tests.layout_drawing.shapes import POINTS, SHAPE, SHAPES, box, part

ROWS, COLUMNS = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5


def test_a_rectangle_covers_the_pixels_within_it() -> None:
    mask = part_mask(part("body", box(2, 3, 8, 9)), SHAPE)
    assert mask.sum() == 36
    assert mask[3:9, 2:8].all()


def test_what_is_cut_out_later_is_gone_and_what_is_added_later_is_back() -> None:
    holed = part("body", box(0, 0, 10, 10), box(2, 2, 8, 8, cut=True), box(4, 4, 6, 6))
    mask = part_mask(holed, SHAPE)
    assert (mask[1, 1], mask[3, 3], mask[5, 5]) == (True, False, True)
    assert mask.sum() == 100 - 36 + 4


@given(centre=POINTS, outer=st.floats(0.5, 40), inner=st.floats(0, 40))
def test_a_ring_has_the_pixels_whose_centres_lie_between_its_circles(
    centre: tuple[float, float], outer: float, inner: float
) -> None:
    apart = np.hypot(COLUMNS - centre[0], ROWS - centre[1])
    expected = (apart <= outer) & (apart >= inner)
    drawn = shape_mask(Ring(centre=centre, outer=outer, inner=inner), SHAPE, "ring")
    assert np.array_equal(drawn, expected)


@given(points=st.lists(POINTS, min_size=1, max_size=4), radius=st.floats(0.5, 12))
def test_a_stroke_has_the_pixels_within_its_radius_of_its_line(
    points: list[tuple[float, float]], radius: float
) -> None:
    stroke = Stroke(points=tuple(points), radius=radius)
    walked = np.concatenate(
        [
            np.linspace(first, second, 400)
            for first, second in zip(points, points[1:] or points, strict=False)
        ]
    )
    apart = np.sqrt(
        (COLUMNS[..., None] - walked[:, 0]) ** 2 + (ROWS[..., None] - walked[:, 1]) ** 2
    ).min(axis=-1)
    mask = shape_mask(stroke, SHAPE, "stroke")
    step = 0.2  # between two points walked
    assert mask[apart <= radius].all()
    assert not mask[apart > radius + step].any()


@given(arrays(np.bool_, SHAPE, elements=st.booleans(), fill=st.just(False)))
def test_a_mask_as_pixels_is_exactly_it(mask: np.ndarray) -> None:
    shape = pixels_of(mask)
    if shape is None:
        assert not mask.any()
    else:
        assert np.array_equal(shape_mask(shape, SHAPE, "pixels"), mask)


@given(st.lists(SHAPES, max_size=3), SHAPES)
def test_cutting_out_a_shape_leaves_nothing_of_it(before: list[Shape], shape: Shape) -> None:
    cut = shape.model_copy(update={"cut": True})
    left = part_mask(Part(name="body", shapes=(*before, cut)), SHAPE)
    assert not (left & shape_mask(shape, SHAPE, "shape")).any()


@pytest.mark.parametrize("png", ["", "not base64!", "AAAA"])
def test_a_damaged_picture_is_named(png: str) -> None:
    shape = pixels_of(np.ones(SHAPE, np.bool_))
    assert shape is not None
    with pytest.raises(LayoutError, match=r"body: a picture within the drawing is damaged"):
        part_mask(part("body", shape.model_copy(update={"png": png})), SHAPE)
