"""Read parts that were drawn with LabelMe: polygons, rectangles, circles and masks."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import BaseModel, Field, FiniteFloat, ValidationError

from span_train.contract.errors import LayoutError
from span_train.data.layout_shapes import (
    check_inside,
    check_outline,
    circle_outline,
    polygon_mask,
)
from span_train.data.outlines import Point

Mask = npt.NDArray[np.bool_]
_OUTLINES = frozenset({"polygon", "oriented_rectangle"})
_POINTS = {"rectangle": 2, "circle": 2, "mask": 2, "oriented_rectangle": 4}


class _Shape(BaseModel):
    label: str
    points: list[tuple[FiniteFloat, FiniteFloat]]
    shape_type: str | None = "polygon"
    mask: str | None = None


class _LabelMe(BaseModel):
    shapes: list[_Shape]
    height_px: int | None = Field(None, alias="imageHeight")
    width_px: int | None = Field(None, alias="imageWidth")
    image: str | None = Field(None, alias="imagePath")


def read_labelme(
    file: Path, content: dict[str, Any], image_name: str, shape: tuple[int, int]
) -> dict[str, Mask]:
    """The parts of one LabelMe file: label to boolean mask; shapes of one label are united.

    Args:
        file: For messages.
        content: The file's JSON.
        image_name: The exemplar's file name; its suffix does not matter.
        shape: (height, width) of the exemplar in pixels.

    Raises:
        LayoutError: It is no LabelMe JSON, was drawn on another image or one of another size, or
            holds no shape, one without an area (lines and points), or a damaged one.
    """
    try:
        drawn = _LabelMe.model_validate(content)
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise LayoutError(f"{file}: no LabelMe JSON: {place}: {first['msg']}.") from None
    size = (drawn.height_px or shape[0], drawn.width_px or shape[1])
    if size != shape:
        raise LayoutError(
            f"{file}: drawn on {size[1]}x{size[0]} pixels, but the exemplar has "
            f"{shape[1]}x{shape[0]}; draw on the exemplar itself."
        )
    _check_image(file, drawn.image, image_name)
    if not drawn.shapes:
        raise LayoutError(f"{file}: holds no shape; draw each part.")
    parts: dict[str, Mask] = {}
    for number, one in enumerate(drawn.shapes, start=1):
        name = one.label.strip()
        where = f"{file}: shape {number} ({name})"
        parts[name] = parts.get(name, False) | _mask(one, shape, where)
    return parts


def _check_image(file: Path, drawn_on: str | None, image_name: str) -> None:
    other = (drawn_on or image_name).replace("\\", "/").rsplit("/", 1)[-1]
    if Path(other).stem.casefold() != Path(image_name).stem.casefold():
        raise LayoutError(
            f"{file}: drawn on {other}, but the exemplar is {image_name}; draw on the exemplar "
            f"itself, or take {other} as the exemplar."
        )


def _mask(drawn: _Shape, shape: tuple[int, int], where: str) -> Mask:
    kind = drawn.shape_type or "polygon"
    if kind not in _OUTLINES | _POINTS.keys():
        raise LayoutError(
            f"{where}: a {kind} has no area; use polygon, rectangle, oriented_rectangle, circle or "
            "mask."
        )
    if len(drawn.points) != _POINTS.get(kind, len(drawn.points)):
        raise LayoutError(
            f"{where}: a {kind} of {len(drawn.points)} points, expected {_POINTS[kind]}."
        )
    check_inside(drawn.points, shape, where)
    if kind in _OUTLINES:
        check_outline(drawn.points, where)
        return polygon_mask(drawn.points, shape, where)
    first, second = drawn.points
    if kind == "circle":
        return polygon_mask(circle_outline(first, second), shape, where)
    if kind == "mask":
        return _pasted(drawn.mask, first, shape, where)
    (left, top), (right, bottom) = first, second
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return polygon_mask(corners, shape, where)


def _pasted(packed: str | None, corner: Point, shape: tuple[int, int], where: str) -> Mask:
    """A small mask picture (base64 of a PNG), laid with its top left at a corner."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(packed or "", validate=True))) as image:
            small = np.asarray(image.convert("L")) > 0
    except (OSError, ValueError, SyntaxError) as problem:
        raise LayoutError(f"{where}: its mask cannot be read ({problem}); draw it again.") from None
    left, top = round(corner[0]), round(corner[1])
    bottom, right = min(top + small.shape[0], shape[0]), min(left + small.shape[1], shape[1])
    pasted = np.zeros(shape, np.bool_)
    if bottom > max(top, 0) and right > max(left, 0):
        seen = small[max(-top, 0) : bottom - top, max(-left, 0) : right - left]
        pasted[max(top, 0) : bottom, max(left, 0) : right] = seen
    return pasted
