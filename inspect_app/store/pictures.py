"""Pictures as the station shows them: PNG, and no larger than a screen needs."""

import cv2
import numpy as np

from span_train.contract.geometry import Geometry
from span_train.contract.image import RGB

LONGEST_SIDE_PX = 1024


def encode_png(image: RGB) -> bytes:
    """A PNG with every pixel kept, made quickly: neither the line nor the operator should wait."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert done, "OpenCV encodes any 8-bit colour image"
    return encoded.tobytes()


def preview(image: RGB) -> RGB:
    """The image, or a smaller copy where a side is longer than LONGEST_SIDE_PX."""
    height_px, width_px = image.shape[:2]
    scale = LONGEST_SIDE_PX / max(height_px, width_px)
    if scale >= 1:
        return image
    size = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def of_preview(geometry: Geometry, height_px: int, width_px: int) -> Geometry:
    """A geometry brought from the image's pixels to those of its smaller copy."""
    return geometry.window((0, 0), (geometry.width_px, geometry.height_px), (width_px, height_px))
