"""Choose the images that the exported graph is compared on: the line's own calibration split."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from span_train.contract.framing import framing_of
from span_train.contract.image import load_image
from span_train.contract.settings import InputSettings, LineSettings
from span_train.data.splits import gather_images

MOST_IMAGES = 1000
_RANGE_IMAGES = 128
T = TypeVar("T")


@dataclass(frozen=True)
class CheckImages:
    """Images to compare two answers on, and others to measure ranges on. S is the side.

    Attributes:
        split: The calibration split, or unlabelled images where there is none.
        available: How many images that split has.
        names: File name of each image.
        squares_nhwc: (N, S, S, 3) uint8.
        defective: (N,) bool; None for unlabelled images.
        for_ranges_nhwc: (M, S, S, 3) uint8, unlabelled, and others than those above.
    """

    split: Literal["calibration", "unlabelled"]
    available: int
    names: tuple[str, ...]
    squares_nhwc: npt.NDArray[np.uint8]
    defective: npt.NDArray[np.bool_] | None
    for_ranges_nhwc: npt.NDArray[np.uint8]


def check_images(settings: LineSettings, most: int = MOST_IMAGES) -> CheckImages:
    """Read the images to check an export on.

    Where there are more than `most`, they are taken at equal distances.

    Args:
        most: At least 1.

    Raises:
        InputError: The line's images or labels are not where they were, or cannot be read.
    """
    images = gather_images(settings)
    how, defective = settings.input, None
    if images.calibration:
        available = [image.path for image in images.calibration]
        labels = [image.label != settings.good_class for image in images.calibration]
        defective = np.array(_spread(labels, most))
        for_ranges = images.unlabelled
    else:
        available, for_ranges = list(images.unlabelled[::2]), images.unlabelled[1::2]
    paths = _spread(available, most)
    return CheckImages(
        split="calibration" if images.calibration else "unlabelled",
        available=len(available),
        names=tuple(path.name for path in paths),
        squares_nhwc=_squares(paths, how),
        defective=defective,
        for_ranges_nhwc=_squares(_spread(for_ranges or available, _RANGE_IMAGES), how),
    )


def _spread(images: Sequence[T], most: int) -> list[T]:
    """At most so many of them, at equal distances."""
    count = min(most, len(images))
    return [images[place * len(images) // count] for place in range(count)]


def _squares(paths: Sequence[Path], how: InputSettings) -> npt.NDArray[np.uint8]:
    framing = framing_of(how)
    squares = np.zeros((len(paths), how.side_px, how.side_px, 3), np.uint8)
    for square, path in zip(squares, paths, strict=True):
        image = load_image(path, window=how.window, max_pixels=how.max_pixels)
        square[:] = framing(image).square
    return squares
