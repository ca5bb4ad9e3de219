"""Propose which values of 16-bit images are shown as black and as white, for a new line."""

import io
import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from span_train.contract.errors import ImageError
from span_train.contract.image_bytes import read_image_bytes
from span_train.contract.pixels import is_deep
from span_train.contract.settings import InputSettings

_MOST_LOOKED_AT = 12
_LEFT_OUT = 0.1  # percent of the pixels at either end: dead ones and glints
_STEP = 50


def deep_window(images: Sequence[Path]) -> tuple[int, int] | None:
    """The range of grey levels of up to 12 images, evenly spaced; None where none has 16 bits.

    It is a proposal to declare: nothing scales images by their content later on.
    """
    some = images[:: -(-len(images) // _MOST_LOOKED_AT)]
    ranges = [found for path in some if (found := _range(path)) is not None]
    if not ranges:
        return None
    low = math.floor(min(low for low, _ in ranges) / _STEP) * _STEP
    high = math.ceil(max(high for _, high in ranges) / _STEP) * _STEP
    return low, min(max(high, low + _STEP), 65535)


def _range(path: Path) -> tuple[float, float] | None:
    """The usual lowest and highest value of an image; None where it has 8 bits or is damaged."""
    limit = InputSettings().max_pixels
    try:
        content = read_image_bytes(path, limit)
        with Image.open(io.BytesIO(content)) as head:
            if not is_deep(head) or head.width * head.height > limit:
                return None
        deep = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except (ImageError, OSError, SyntaxError, ValueError, cv2.error):
        return None
    if deep is None or deep.dtype != np.uint16:
        return None
    low, high = np.percentile(deep, (_LEFT_OUT, 100 - _LEFT_OUT))
    return float(low), float(high)
