"""Drawn plates with a texture of their own, so that no two are the same part."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]
Plate = Callable[..., Grey]


def draw_plate(seed: int, side_px: int = 160) -> Grey:
    """A bright L-shaped plate on dark ground, with grain that depends on the seed."""
    rng = np.random.default_rng(seed)
    picture = np.full((side_px, side_px), 40, np.float32)
    cv2.rectangle(picture, (30, 25), (70, 135), (150,), -1)
    cv2.rectangle(picture, (30, 95), (135, 135), (190,), -1)
    grain = rng.normal(0, 1, (side_px, side_px)).astype(np.float32)
    picture += 40 * np.asarray(cv2.GaussianBlur(grain, (0, 0), 2.0))
    picture += 25 * np.asarray(cv2.GaussianBlur(grain, (0, 0), 12.0)) * 10
    return np.clip(picture, 0, 255).astype(np.uint8)
