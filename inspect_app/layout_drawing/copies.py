"""Repeat a part: mirrored, in a row, or around a centre; and the names of what comes out."""

import math
import re
from collections.abc import Callable, Collection
from typing import Literal

import numpy as np

from inspect_app.layout_drawing.drawing import Part, Pixels, Point, Polygon, Ring, Shape, Stroke
from inspect_app.layout_drawing.rasterise import Size, packed, part_mask, unpacked
from span_train.data.outlines import area, simplified, traced

Axis = Literal["left-right", "top-bottom"]
Moved = Callable[[Point], Point]
_OPPOSITES = (("left", "right"), ("top", "bottom"), ("upper", "lower"), ("inner", "outer"))
_TOLERANCE_PX = 1.0


def mirrored(part: Part, axis: Axis, at: float) -> tuple[Shape, ...]:
    """The shapes of a part on the other side of an axis.

    Args:
        axis: `left-right` mirrors at the upright line x = `at`, `top-bottom` at the level y = `at`.
    """
    side = 0 if axis == "left-right" else 1

    def moved(point: Point) -> Point:
        return (2 * at - point[0], point[1]) if side == 0 else (point[0], 2 * at - point[1])

    return tuple(
        _flipped(one, part.name, side, at) if isinstance(one, Pixels) else _moved(one, moved)
        for one in part.shapes
    )


def in_a_row(part: Part, count: int, step: Point) -> list[tuple[Shape, ...]]:
    """The shapes of `count` - 1 further copies, each moved on by `step` from the one before."""
    return [
        tuple(_shifted(one, step[0] * place, step[1] * place) for one in part.shapes)
        for place in range(1, count)
    ]


def around(part: Part, count: int, centre: Point, shape: Size) -> list[tuple[Shape, ...]]:
    """The shapes of `count` - 1 further copies, evenly turned about a centre; clockwise.

    Args:
        shape: (height, width) of the image; pictures are outlined there before they are turned.
    """
    if any(isinstance(one, Pixels) for one in part.shapes):
        part = outlined(part, shape)
    copies = []
    for place in range(1, count):
        angle = 2 * math.pi * place / count
        sine, cosine = math.sin(angle), math.cos(angle)

        def moved(point: Point, sine: float = sine, cosine: float = cosine) -> Point:
            x, y = point[0] - centre[0], point[1] - centre[1]
            return centre[0] + cosine * x - sine * y, centre[1] + sine * x + cosine * y

        copies.append(
            tuple(_moved(one, moved) for one in part.shapes if not isinstance(one, Pixels))
        )
    return copies


def outlined(part: Part, shape: Size) -> Part:
    """The part as polygons alone, so that its corners can be moved; holes are cut out."""
    outlines = sorted(traced(part_mask(part, shape)), key=lambda one: abs(area(one)), reverse=True)
    return Part(
        name=part.name,
        shapes=tuple(
            Polygon(points=tuple(simplified(outline, _TOLERANCE_PX)), cut=area(outline) < 0)
            for outline in outlines
        ),
    )


def mirrored_name(name: str, taken: Collection[str]) -> str:
    """`left_lead` becomes `right_lead`; another name gets a number that is free."""
    for pair in _OPPOSITES:
        for word, other in (pair, pair[::-1]):
            swapped = re.sub(rf"(?<![a-z]){word}(?![a-z])", other, name)
            if swapped != name and swapped not in taken:
                return swapped
    return free_name(name, taken)


def free_name(name: str, taken: Collection[str]) -> str:
    """The name with the lowest number, from 2, that is not taken."""
    stem = re.sub(r"_\d+$", "", name)
    number = 2
    while f"{stem}_{number}" in taken:
        number += 1
    return f"{stem}_{number}"


def numbered(name: str, count: int, taken: Collection[str]) -> tuple[str, ...]:
    """Names of a part and its copies: `lead_1`, `lead_2`, … without numbers that are taken."""
    stem = re.sub(r"_\d+$", "", name)
    others = set(taken) - {name}
    found: list[str] = []
    number = 1
    while len(found) < count:
        if f"{stem}_{number}" not in others:
            found.append(f"{stem}_{number}")
        number += 1
    return tuple(found)


def _moved(drawn: Polygon | Ring | Stroke, moved: Moved) -> Shape:
    if isinstance(drawn, Ring):
        return drawn.model_copy(update={"centre": moved(drawn.centre)})
    return drawn.model_copy(update={"points": tuple(map(moved, drawn.points))})


def _shifted(drawn: Shape, right_px: float, down_px: float) -> Shape:
    if isinstance(drawn, Pixels):
        place = {"left": drawn.left + round(right_px), "top": drawn.top + round(down_px)}
        return drawn.model_copy(update=place)
    return _moved(drawn, lambda point: (point[0] + right_px, point[1] + down_px))


def _flipped(drawn: Pixels, where: str, side: int, at: float) -> Pixels:
    small = unpacked(drawn, where)
    height_px, width_px = small.shape
    left, top = drawn.left, drawn.top
    if side == 0:
        left = round(2 * at - left - width_px)
    else:
        top = round(2 * at - top - height_px)
    turned = np.ascontiguousarray(small[:, ::-1] if side == 0 else small[::-1])
    return packed(turned, left, top).model_copy(update={"cut": drawn.cut})
