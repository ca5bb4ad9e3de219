"""Turn outlines and run lengths from drawing programs into masks, with COCO's own rasteriser.

Coordinates are continuous: the first pixel reaches from 0 to 1, so a rectangle from (2, 2) to
(8, 8) covers 36 pixels.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco_mask

from span_train.contract.errors import LayoutError
from span_train.data.outlines import Point, crossing

Mask = npt.NDArray[np.bool_]
_FEWEST_POINTS = 3
_FARTHEST_OUTSIDE = 0.1
_CIRCLE_POINTS = 180


def polygon_mask(points: Sequence[Point], shape: tuple[int, int], where: str) -> Mask:
    """The pixels inside one outline of (x, y) points; what lies outside of the image is cut off.

    Args:
        points: At least three corners.
        shape: (height, width) of the image in pixels.
        where: File and shape, for messages.

    Raises:
        LayoutError: Too few points.
    """
    if len(points) < _FEWEST_POINTS:
        raise LayoutError(f"{where}: an outline of {len(points)} points; draw at least three.")
    flat = [float(value) for point in points for value in point]
    return _decoded(coco_mask.merge(coco_mask.frPyObjects([flat], *shape)))


def circle_outline(centre: Point, on_it: Point) -> list[Point]:
    """Corners on a circle around `centre` through the point `on_it`."""
    radius = math.dist(centre, on_it)
    angles = [2 * math.pi * place / _CIRCLE_POINTS for place in range(_CIRCLE_POINTS)]
    return [(centre[0] + radius * math.cos(a), centre[1] + radius * math.sin(a)) for a in angles]


def run_length_mask(
    counts: str | Sequence[int], size: Sequence[int], shape: tuple[int, int], where: str
) -> Mask:
    """The pixels of COCO run lengths, plain (a list) or packed (a text).

    Args:
        counts: Lengths of the runs, first outside; columns from left to right.
        size: Height and width that the run lengths are for.
        shape: (height, width) of the image in pixels.
        where: File and annotation, for messages.

    Raises:
        LayoutError: They are for another size, or damaged.
    """
    if tuple(size) != shape:
        raise LayoutError(
            f"{where}: run lengths for {size[1]}x{size[0]} pixels, but the exemplar has "
            f"{shape[1]}x{shape[0]}; draw on the exemplar itself."
        )
    damaged = LayoutError(f"{where}: damaged run lengths; export the annotations again.")
    if isinstance(counts, str):
        packed = {"size": list(shape), "counts": counts.encode()}
    else:
        if min(counts, default=-1) < 0 or sum(counts) != shape[0] * shape[1]:
            raise damaged
        packed = coco_mask.frPyObjects({"size": list(shape), "counts": list(counts)}, *shape)
    try:
        inside = _decoded(packed)
    except ValueError:
        raise damaged from None
    # Run lengths that end too early leave the rest of the mask undefined; packed again they differ.
    again = coco_mask.encode(np.asfortranarray(inside, np.uint8))["counts"]
    if isinstance(counts, str) and again != packed["counts"]:
        raise damaged
    return inside


def check_inside(points: Sequence[Point], shape: tuple[int, int], where: str) -> None:
    """Make sure that points were drawn on this image.

    Raises:
        LayoutError: One is further outside than a tenth of the image's longer side.
    """
    margin = _FARTHEST_OUTSIDE * max(shape)
    for x, y in points:
        if not (-margin <= x <= shape[1] + margin and -margin <= y <= shape[0] + margin):
            raise LayoutError(
                f"{where}: point ({x:g}, {y:g}) lies outside of the exemplar's {shape[1]}x"
                f"{shape[0]} pixels; draw on the exemplar itself."
            )


def check_outline(points: Sequence[Point], where: str) -> None:
    """Make sure that an outline does not cross itself: what lies inside could only be guessed.

    Raises:
        LayoutError: It does.
    """
    at = crossing(points)
    if at is not None:
        raise LayoutError(
            f"{where}: its outline crosses itself near ({at[0]:.0f}, {at[1]:.0f}); move a corner, "
            "or take one away."
        )


def _decoded(packed: object) -> Mask:
    return np.asarray(coco_mask.decode(packed), np.bool_)
