"""Turn the shapes of a drawing into masks, and a mask into a shape."""

import base64
import binascii
import math

import cv2
import numpy as np
import numpy.typing as npt

from inspect_app.layout_drawing.drawing import Part, Pixels, Point, Polygon, Ring, Shape, Stroke
from span_train.contract.errors import LayoutError
from span_train.data.layout_shapes import polygon_mask

Mask = npt.NDArray[np.bool_]
Size = tuple[int, int]
_BIG = 1 << 24  # pixels a picture within a drawing may have


def part_mask(part: Part, shape: Size) -> Mask:
    """The pixels of a part in an image of (height, width): its shapes one after another.

    A pixel belongs to a ring or a stroke if its centre lies inside. What lies outside of the image
    is cut off.

    Raises:
        LayoutError: A picture within the drawing is damaged.
    """
    inside = np.zeros(shape, np.bool_)
    for one in part.shapes:
        if one.cut:
            inside &= ~shape_mask(one, shape, part.name)
        else:
            inside |= shape_mask(one, shape, part.name)
    return inside


def shape_mask(drawn: Shape, shape: Size, where: str) -> Mask:
    """The pixels of one shape, whether it is cut out or not.

    Raises:
        LayoutError: Its picture is damaged.
    """
    if isinstance(drawn, Polygon):
        return polygon_mask(drawn.points, shape, where)
    if isinstance(drawn, Ring):
        return _ring(drawn, shape)
    if isinstance(drawn, Stroke):
        return _stroke(drawn, shape)
    return _laid(drawn, shape, where)


def pixels_of(mask: Mask) -> Pixels | None:
    """A mask as a shape that is exactly it; None where it is empty."""
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    if not rows.size:
        return None
    top, left = int(rows[0]), int(columns[0])
    return packed(mask[top : rows[-1] + 1, left : columns[-1] + 1], left, top)


def packed(small: Mask, left: int, top: int) -> Pixels:
    """A small picture as a shape at a place."""
    done, png = cv2.imencode(".png", np.where(small, 255, 0).astype(np.uint8))
    assert done, "OpenCV encodes any 8-bit grey image"
    return Pixels(png=base64.b64encode(png.tobytes()).decode(), left=left, top=top)


def unpacked(drawn: Pixels, where: str) -> Mask:
    """The small picture of a shape.

    Raises:
        LayoutError: It is damaged.
    """
    try:
        content = np.frombuffer(base64.b64decode(drawn.png, validate=True), np.uint8)
        small = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE) if content.size else None
    except (binascii.Error, cv2.error):
        small = None
    if small is None or small.size > _BIG:
        raise LayoutError(f"{where}: a picture within the drawing is damaged; draw it again.")
    return np.asarray(small > 127, np.bool_)


def _ring(drawn: Ring, shape: Size) -> Mask:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    apart = np.hypot(columns + 0.5 - drawn.centre[0], rows + 0.5 - drawn.centre[1])
    return np.asarray((apart <= drawn.outer) & (apart >= drawn.inner), np.bool_)


def _stroke(drawn: Stroke, shape: Size) -> Mask:
    inside = np.zeros(shape, np.bool_)
    ends = drawn.points[1:] or drawn.points
    for first, second in zip(drawn.points, ends, strict=False):
        _along(inside, first, second, drawn.radius)
    return inside


def _along(inside: Mask, first: Point, second: Point, radius: float) -> None:
    """Mark the pixels within a radius of a piece of line, looking only near it."""
    (left, right), (top, bottom) = (
        (
            min(max(math.floor(min(first[side], second[side]) - radius), 0), length),
            min(max(math.ceil(max(first[side], second[side]) + radius), 0), length),
        )
        for side, length in ((0, inside.shape[1]), (1, inside.shape[0]))
    )
    rows, columns = np.ogrid[top:bottom, left:right]
    x, y = columns + 0.5 - first[0], rows + 0.5 - first[1]
    along_x, along_y = second[0] - first[0], second[1] - first[1]
    length = along_x**2 + along_y**2
    share = np.clip((x * along_x + y * along_y) / length, 0, 1) if length else 0.0
    near = np.hypot(x - share * along_x, y - share * along_y) <= radius
    inside[top:bottom, left:right] |= near


def _laid(drawn: Pixels, shape: Size, where: str) -> Mask:
    small = unpacked(drawn, where)
    laid = np.zeros(shape, np.bool_)
    top, left = max(drawn.top, 0), max(drawn.left, 0)
    bottom = min(drawn.top + small.shape[0], shape[0])
    right = min(drawn.left + small.shape[1], shape[1])
    if bottom > top and right > left:
        seen = small[top - drawn.top : bottom - drawn.top, left - drawn.left : right - drawn.left]
        laid[top:bottom, left:right] = seen
    return laid
