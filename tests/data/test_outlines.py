"""Outlines: where one crosses itself, and that a mask comes back exactly from its own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from span_train.data.layout_shapes import polygon_mask
from span_train.data.outlines import area, crossing, simplified, traced

MASKS = arrays(np.bool_, st.tuples(st.integers(1, 14), st.integers(1, 14)))


@given(MASKS)
def test_the_outlines_of_a_mask_give_it_back(mask: np.ndarray) -> None:
    filled = np.zeros(mask.shape, np.bool_)
    for outline in traced(mask):
        filled ^= polygon_mask(outline, mask.shape, "outline")
    assert np.array_equal(filled, mask)


@given(MASKS)
def test_outlines_enclose_the_area_of_the_mask_and_never_cross_themselves(
    mask: np.ndarray,
) -> None:
    outlines = traced(mask)
    assert sum(map(area, outlines)) == mask.sum()
    assert [crossing(outline) for outline in outlines] == [None] * len(outlines)


def test_a_hole_is_an_outline_of_its_own_with_an_area_below_zero() -> None:
    mask = np.ones((9, 9), np.bool_)
    mask[3:6, 4:6] = False
    assert sorted(map(area, traced(mask))) == [-6.0, 81.0]


def test_pixels_that_touch_at_a_corner_are_two_outlines() -> None:
    assert [area(one) for one in traced(np.eye(2, dtype=np.bool_))] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("points", "at"),
    [
        ([(0, 0), (10, 10), (10, 0), (0, 10)], (5.0, 5.0)),
        ([(0, 0), (10, 0), (10, 10), (4, 10), (4, -2), (0, 10)], (4.0, 0.0)),
        ([(0, 0), (10, 0), (10, 10), (0, 10)], None),
        ([(0, 0), (10, 0), (10, 10), (5, 0), (0, 10)], None),  # touches itself
        ([(0, 0), (10, 0), (5, 5)], None),
    ],
)
def test_a_crossing_is_found_where_it_is(
    points: list[tuple[float, float]], at: tuple[float, float] | None
) -> None:
    assert crossing(points) == (pytest.approx(at) if at else None)


def test_a_simplified_outline_stays_within_its_tolerance() -> None:
    rows, columns = np.mgrid[:60, :60]
    disc = np.hypot(rows - 30, columns - 30) < 25
    (outline,) = traced(disc)
    rough = simplified(outline, 1.0)
    assert len(rough) < len(outline) / 3
    again = polygon_mask(rough, disc.shape, "disc")
    assert np.mean(again != disc) < 0.02


def test_an_outline_of_one_pixel_is_not_simplified_away() -> None:
    (outline,) = traced(np.ones((1, 1), np.bool_))
    assert len(simplified(outline, 0.8)) >= 3
