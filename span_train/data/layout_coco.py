"""Read parts from COCO annotations: polygons and run lengths of the exemplar's image."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, FiniteFloat, ValidationError

from span_train.contract.errors import LayoutError
from span_train.data.layout_shapes import (
    check_inside,
    check_outline,
    polygon_mask,
    run_length_mask,
)

Mask = npt.NDArray[np.bool_]


class _RunLengths(BaseModel):
    size: tuple[int, int]
    counts: str | list[int]


class _Annotation(BaseModel):
    id: int | str = "?"
    image_id: int | str
    category_id: int | str
    segmentation: list[list[FiniteFloat]] | _RunLengths = []


class _Image(BaseModel):
    id: int | str
    file_name: str
    height: int | None = None
    width: int | None = None


class _Category(BaseModel):
    id: int | str
    name: str


class _Coco(BaseModel):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


def read_coco(
    file: Path, content: dict[str, Any], image_name: str, shape: tuple[int, int]
) -> dict[str, Mask]:
    """The parts of one image of a COCO file: category name to boolean mask.

    Annotations of one category are united.

    Args:
        file: For messages.
        content: The file's JSON.
        image_name: The exemplar's file name; folders in COCO's `file_name` do not matter.
        shape: (height, width) of the exemplar in pixels.

    Raises:
        LayoutError: It is no COCO JSON; the image is not in it, or twice, or of another size; it
            two categories have one name; it has no annotation, or one without an outline (a box
            alone), one that crosses itself, or a damaged one.
    """
    try:
        coco = _Coco.model_validate(content)
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise LayoutError(f"{file}: no COCO JSON: {place}: {first['msg']}.") from None
    image = _image_called(file, coco.images, image_name, shape)
    names = _names(file, coco.categories)
    parts: dict[str, Mask] = {}
    for one in coco.annotations:
        if one.image_id != image.id:
            continue
        name = names.get(one.category_id)
        if name is None:
            raise LayoutError(f"{file}: annotation {one.id} is of no category of the file.")
        where = f"{file}: annotation {one.id} ({name})"
        parts[name] = parts.get(name, False) | _mask(one, shape, where)
    if not parts:
        raise LayoutError(f"{file}: no annotation of {image_name}; draw each part on it.")
    return parts


def _names(file: Path, categories: list[_Category]) -> dict[int | str, str]:
    names = {category.id: category.name.strip() for category in categories}
    twice = [name for name, count in Counter(names.values()).items() if count > 1]
    if twice:
        raise LayoutError(
            f"{file}: two categories are called {twice[0]}; rename one, or bring their annotations "
            "into one category."
        )
    return names


def _image_called(
    file: Path, images: list[_Image], image_name: str, shape: tuple[int, int]
) -> _Image:
    found = [image for image in images if _last(image.file_name) == image_name]
    if len(found) != 1:
        some = ", ".join(image.file_name for image in images[:5])
        raise LayoutError(
            f"{file}: holds {len(found)} images called {image_name}, expected one; it has "
            f"{len(images)} images" + (f", such as {some}." if some else ".")
        )
    size = (found[0].height or shape[0], found[0].width or shape[1])
    if size != shape:
        raise LayoutError(
            f"{file}: {image_name} has {size[1]}x{size[0]} pixels there, but the exemplar has "
            f"{shape[1]}x{shape[0]}; draw on the exemplar itself."
        )
    return found[0]


def _last(file_name: str) -> str:
    return file_name.replace("\\", "/").rsplit("/", 1)[-1]


def _mask(drawn: _Annotation, shape: tuple[int, int], where: str) -> Mask:
    outlines = drawn.segmentation
    if isinstance(outlines, _RunLengths):
        return run_length_mask(outlines.counts, outlines.size, shape, where)
    if not outlines:
        raise LayoutError(
            f"{where}: has no segmentation, a box at most; draw its outline, or export masks."
        )
    inside = np.zeros(shape, np.bool_)
    for flat in outlines:
        points = list(zip(flat[::2], flat[1::2], strict=False))
        check_inside(points, shape, where)
        check_outline(points, where)
        inside |= polygon_mask(points, shape, where)
    return inside
