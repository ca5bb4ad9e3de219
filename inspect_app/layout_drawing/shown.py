"""What the drawing page is given when it opens: the line, the exemplar, the parts so far."""

import hashlib
from typing import Any

import cv2
import numpy as np

from inspect_app.layout_drawing.desk import Desk
from inspect_app.layout_drawing.samples import as_jpeg
from span_train.data.layout_picture import COLOURS

_LONGEST_PX = 2400


def page_data(desk: Desk) -> dict[str, Any]:
    """The values that the page starts from."""
    height_px, width_px = desk.shape
    start = desk.start.model_dump(mode="json")["parts"]
    known = f"{desk.line.resolve()}\0{desk.exemplar}\0{desk.start.as_json()}"
    return {
        "key": hashlib.sha256(known.encode()).hexdigest()[:24],
        "line": desk.settings.name,
        "exemplar": desk.exemplar.name,
        "width": width_px,
        "height": height_px,
        "colours": [list(colour) for colour in COLOURS],
        "notes": list(desk.notes),
        "parts": start,
    }


def shown_picture(desk: Desk) -> str:
    """The exemplar as base64 of a JPEG, made smaller where it is very large."""
    height_px, width_px = desk.shape
    scale = min(1.0, _LONGEST_PX / max(height_px, width_px))
    if scale == 1.0:
        return as_jpeg(desk.picture, quality=94)
    size = max(1, round(width_px * scale)), max(1, round(height_px * scale))
    smaller = cv2.resize(desk.picture, size, interpolation=cv2.INTER_AREA)
    return as_jpeg(np.asarray(smaller, np.uint8), quality=94)
