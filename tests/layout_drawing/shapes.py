"""Shapes that tests of drawings share, and a strategy for any of them."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inspect_app.layout_drawing.checks import Room
from inspect_app.layout_drawing.drawing import Part, Polygon, Ring, Shape, Stroke
from inspect_app.layout_drawing.rasterise import packed

SHAPE = (40, 60)
ROOM = Room(side_px=112, patch_px=8, heads=6, fit="stretch")
_PLACES = st.floats(-20, 80, allow_nan=False).map(lambda value: round(value, 2))
POINTS = st.tuples(_PLACES, _PLACES)
_POLYGONS = st.lists(POINTS, min_size=3, max_size=7).map(lambda points: Polygon(points=points))
_RINGS = st.builds(Ring, centre=POINTS, outer=st.floats(0.5, 40), inner=st.floats(0, 20))
_STROKES = st.builds(
    Stroke, points=st.lists(POINTS, min_size=1, max_size=4), radius=st.floats(0.5, 9)
)
_PIXELS = st.builds(
    packed,
    arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))),
    st.integers(-12, 60),
    st.integers(-12, 40),
)
SHAPES: st.SearchStrategy[Shape] = st.one_of(_POLYGONS, _RINGS, _STROKES, _PIXELS)


def box(left: float, top: float, right: float, bottom: float, cut: bool = False) -> Polygon:
    """A rectangle."""
    points: Any = ((left, top), (right, top), (right, bottom), (left, bottom))
    return Polygon(points=points, cut=cut)


def part(name: str, *shapes: Shape) -> Part:
    """A part of some shapes."""
    return Part(name=name, shapes=shapes)
