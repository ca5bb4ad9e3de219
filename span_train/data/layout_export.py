"""Write drawn parts for other drawing programs: LabelMe or COCO JSON that read back exactly."""

import base64
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco_mask

from span_train.data.layout_masks import Exemplar, Masks
from span_train.data.outlines import area, traced

Mask = npt.NDArray[np.bool_]
ExportKind = Literal["labelme", "coco"]
LABELME_VERSION = "5.5.0"


def export_parts(
    kind: ExportKind, exemplars: Sequence[Exemplar], drawn: Sequence[Masks], out: Path
) -> Path:
    """Write parts drawn on exemplars below a folder that exists.

    Outlines run along the edges of pixels, so that nothing is lost; a part with a hole becomes a
    mask (LabelMe) or run lengths (COCO), as their polygons have no holes.

    Returns:
        What `layout.masks` takes: a COCO JSON, a LabelMe JSON, or a folder of one each exemplar.

    Raises:
        OSError: It cannot be written.
    """
    if kind == "coco":
        return _written(out / "coco.json", coco_json(exemplars, drawn))
    if len(exemplars) == 1:
        file = out / f"{exemplars[0].path.stem}.json"
        return _written(file, labelme_json(exemplars[0], drawn[0], out))
    folder = out / "labelme"
    folder.mkdir(exist_ok=True)
    for exemplar, parts in zip(exemplars, drawn, strict=True):
        file = folder / f"{exemplar.path.stem}.json"
        _written(file, labelme_json(exemplar, parts, folder))
    return folder


def labelme_json(exemplar: Exemplar, parts: Masks, folder: Path) -> dict[str, Any]:
    """The parts of one exemplar; the image is named as seen from the file's folder."""
    height_px, width_px = exemplar.shape
    return {
        "version": LABELME_VERSION,
        "flags": {},
        "shapes": [shape for name, mask in parts.items() for shape in _labelme_shapes(name, mask)],
        "imagePath": Path(os.path.relpath(exemplar.path, folder.resolve())).as_posix(),
        "imageData": None,
        "imageHeight": height_px,
        "imageWidth": width_px,
    }


def coco_json(exemplars: Sequence[Exemplar], drawn: Sequence[Masks]) -> dict[str, Any]:
    """The parts of all exemplars; images are named by their file's name."""
    names = sorted({name for parts in drawn for name in parts})
    images = [
        {
            "id": place,
            "file_name": exemplar.path.name,
            "height": exemplar.shape[0],
            "width": exemplar.shape[1],
        }
        for place, exemplar in enumerate(exemplars, start=1)
    ]
    annotations = [
        {"image_id": place, "category_id": names.index(name) + 1, **_coco_shape(mask)}
        for place, parts in enumerate(drawn, start=1)
        for name, mask in parts.items()
    ]
    return {
        "images": images,
        "annotations": [{"id": number, **one} for number, one in enumerate(annotations, start=1)],
        "categories": [{"id": place, "name": name} for place, name in enumerate(names, start=1)],
    }


def _labelme_shapes(name: str, mask: Mask) -> list[dict[str, Any]]:
    outlines = traced(mask)
    more: dict[str, Any] = {"label": name, "group_id": None, "description": "", "flags": {}}
    if all(area(outline) > 0 for outline in outlines):
        return [
            more | {"shape_type": "polygon", "points": [list(point) for point in outline]}
            for outline in outlines
        ]
    rows, columns = np.nonzero(mask)
    (top, bottom), (left, right) = ((int(at.min()), int(at.max())) for at in (rows, columns))
    small = mask[top : bottom + 1, left : right + 1]
    done, png = cv2.imencode(".png", np.where(small, 255, 0).astype(np.uint8))
    assert done, "OpenCV encodes any 8-bit grey image"
    packed = base64.b64encode(png.tobytes()).decode()
    return [more | {"shape_type": "mask", "points": [[left, top], [right, bottom]], "mask": packed}]


def _coco_shape(mask: Mask) -> dict[str, Any]:
    outlines = traced(mask)
    packed = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    segmentation: Any = [[value for point in outline for value in point] for outline in outlines]
    if any(area(outline) < 0 for outline in outlines):
        segmentation = {"size": list(mask.shape), "counts": packed["counts"].decode()}
    return {
        "segmentation": segmentation,
        "area": int(mask.sum()),
        "bbox": [float(value) for value in coco_mask.toBbox(packed)],
        "iscrowd": 0,
    }


def _written(file: Path, content: dict[str, Any]) -> Path:
    file.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return file
