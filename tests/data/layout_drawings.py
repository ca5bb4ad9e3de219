"""What tests of drawn layouts share: two rectangles on a picture, and files that hold them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from span_train.data.layout_masks import Exemplar

SHAPE = (40, 60)
Box = tuple[int, int, int, int]  # left, top, right, bottom
BODY: Box = (20, 20, 60, 40)
LEAD: Box = (0, 0, 10, 10)


def exemplar(name: str = "a.png", shape: tuple[int, int] = SHAPE) -> Exemplar:
    return Exemplar(Path("photos") / name, shape)


def mask(box: Box, shape: tuple[int, int] = SHAPE) -> npt.NDArray[np.bool_]:
    left, top, right, bottom = box
    inside = np.zeros(shape, np.bool_)
    inside[top:bottom, left:right] = True
    return inside


def draw(path: Path, box: Box, shape: tuple[int, int] = SHAPE) -> None:
    """Write a mask PNG, white on black."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask(box, shape).astype(np.uint8) * 255).save(path)


def corners(box: Box) -> list[list[float]]:
    left, top, right, bottom = map(float, box)
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def shape_of(
    label: str, points: Sequence[Sequence[float]], kind: str = "polygon"
) -> dict[str, Any]:
    """One LabelMe shape."""
    return {"label": label, "points": [list(point) for point in points], "shape_type": kind}


def labelme(*shapes: dict[str, Any], size: tuple[int, int] = SHAPE) -> dict[str, Any]:
    return {
        "version": "5.5.0",
        "shapes": list(shapes),
        "imagePath": "a.png",
        "imageData": None,
        "imageHeight": size[0],
        "imageWidth": size[1],
    }


def coco(*segmentations: tuple[str, Any], file_name: str = "photos/a.png") -> dict[str, Any]:
    """Annotations of one image: (category, segmentation) each."""
    names = sorted({name for name, _ in segmentations})
    return {
        "images": [
            {"id": 7, "file_name": file_name, "height": SHAPE[0], "width": SHAPE[1]},
            {"id": 8, "file_name": "photos/other.png", "height": 9, "width": 9},
        ],
        "annotations": [
            {
                "id": number,
                "image_id": 7,
                "category_id": names.index(name) + 1,
                "segmentation": segmentation,
            }
            for number, (name, segmentation) in enumerate(segmentations, start=1)
        ],
        "categories": [{"id": place + 1, "name": name} for place, name in enumerate(names)],
    }


def flat(box: Box) -> list[float]:
    """A COCO polygon."""
    return [value for corner in corners(box) for value in corner]


def write_json(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def write_label_map(path: Path, indices: dict[int, Box], shape: tuple[int, int] = SHAPE) -> Path:
    """A palette PNG whose colours say nothing about its indices."""
    values = np.zeros(shape, np.uint8)
    for index, box in indices.items():
        values[mask(box, shape)] = index
    picture = Image.new("P", (shape[1], shape[0]))
    picture.putpalette([200, 10, 10] * 256)
    picture.putdata(values.ravel().tolist())
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
    return path
