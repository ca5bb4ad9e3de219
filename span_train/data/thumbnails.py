"""Small grey pictures of images, to find out which of them show the same."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from span_train.contract.framing import framing_of
from span_train.contract.image import RGB, load_image
from span_train.contract.settings import InputSettings

Grey = npt.NDArray[np.uint8]
Progress = Callable[[str, int, int], None]
THUMBNAIL_PX = 64
_MOST_THREADS = 16


def thumbnails_of(paths: Sequence[Path], settings: InputSettings) -> Grey:
    """(M, 64, 64) uint8, of images that can be read."""
    with ThreadPoolExecutor(default_threads()) as readers:
        each = list(readers.map(lambda path: read_square(path, settings, THUMBNAIL_PX), paths))
    return np.array(each, np.uint8).reshape(-1, THUMBNAIL_PX, THUMBNAIL_PX)


def read_square(path: Path, settings: InputSettings, side_px: int) -> Grey:
    """An image file as a grey square, fitted as the line says: (side_px, side_px) uint8.

    Raises:
        ImageError: As for `load_image`.
    """
    pixels = load_image(path, window=settings.window, max_pixels=settings.max_pixels)
    return grey_square(pixels, side_px, settings)


def grey_square(pixels: RGB, side_px: int, settings: InputSettings) -> Grey:
    """An image as a grey square, fitted as the line says: (side_px, side_px) uint8."""
    square = framing_of(settings.model_copy(update={"side_px": side_px}))(pixels).square
    return np.asarray(cv2.cvtColor(square, cv2.COLOR_RGB2GRAY), np.uint8)


def default_threads() -> int:
    """One a processor that this process may use, at most 16."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(usable or 1, _MOST_THREADS)
