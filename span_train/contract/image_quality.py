"""Measure how bright and sharp an image is: a bad camera shows before bad verdicts do."""

from dataclasses import asdict, dataclass

import cv2
import numpy as np

from span_train.contract.image import RGB


@dataclass(frozen=True)
class ImageQuality:
    """Measured on the fitted square, so that cameras of any resolution compare.

    Attributes:
        brightness: Mean grey level, 0 (black) to 1 (white).
        contrast: Standard deviation of the grey levels, on the same scale.
        sharpness: Variance of the Laplacian of the grey levels over 0 to 255; low means blurred.
        clipped: Share of pixels that are fully black or fully white.
    """

    brightness: float
    contrast: float
    sharpness: float
    clipped: float

    def as_dict(self) -> dict[str, float]:
        """The four numbers by name."""
        return asdict(self)


def measure_quality(square: RGB) -> ImageQuality:
    """Measure a fitted (S, S, 3) uint8 image."""
    grey = cv2.cvtColor(square, cv2.COLOR_RGB2GRAY)
    levels = grey.astype(np.float32) / 255
    edges = cv2.Laplacian(grey, cv2.CV_32F)
    return ImageQuality(
        brightness=float(levels.mean()),
        contrast=float(levels.std()),
        sharpness=float(np.asarray(edges).var()),
        clipped=float(((grey == 0) | (grey == 255)).mean()),
    )
