"""Read every image of a line once and keep the little that the checks need of each.

Some numbers an image stay in memory, whatever its size, and a small grey picture in a file that the
system may drop from memory at any time.
"""

import hashlib
import io
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from span_train.contract.errors import ImageError
from span_train.contract.image import RGB
from span_train.contract.image_bytes import read_image_bytes
from span_train.contract.pixels import is_deep, rgb_pixels
from span_train.contract.settings import InputSettings
from span_train.data.thumbnails import (
    THUMBNAIL_PX,
    Grey,
    Progress,
    default_threads,
    grey_square,
)

_SHARPNESS_PX = 256
_SHOW_EVERY = 50


@dataclass(frozen=True)
class Look:
    """What is kept of one readable image.

    Attributes:
        path: The file.
        sha256: Hash of its bytes.
        width_px, height_px: Its size as shown.
        mode: What the file holds, as Pillow names it: `L` is grey, `RGB` colour.
        bits: 8 or 16 a value.
        brightness: Mean grey level, 0 to 1.
        sharpness: Variance of the Laplacian of the grey levels, at 256 px.
        clipped: Share of pixels that are fully black or fully white.
        colour: Mean red, green and blue, 0 to 1.
    """

    path: Path
    sha256: str
    width_px: int
    height_px: int
    mode: str
    bits: int
    brightness: float
    sharpness: float
    clipped: float
    colour: tuple[float, float, float]


@dataclass(frozen=True)
class Looks:
    """All images of a line.

    Attributes:
        images: The M readable ones, sorted by path.
        thumbnails: (M, 64, 64) uint8 grey, each fitted to the square as the line says.
        unreadable: (path, reason) of the others.
    """

    images: tuple[Look, ...]
    thumbnails: Grey
    unreadable: tuple[tuple[Path, str], ...]


def look_at_all(
    paths: Sequence[Path], settings: InputSettings, progress: Progress, threads: int = 0
) -> Looks:
    """Read and decode every file once, in threads; damaged files stop nothing.

    Args:
        paths: Image files; repeats count once.
        settings: How this line reads its images.
        progress: Told (what is done, images done, images in all).
        threads: How many read at a time; 0 is one a processor, at most 16.
    """
    each = sorted(set(paths))
    images: list[Look] = []
    unreadable: list[tuple[Path, str]] = []
    thumbnails = _room_for(len(each))
    with ThreadPoolExecutor(threads or default_threads()) as readers:
        seen = readers.map(lambda path: _look_or_reason(path, settings), each)
        for done, (path, result) in enumerate(zip(each, seen, strict=True), start=1):
            if isinstance(result, str):
                unreadable.append((path, result))
            else:
                look, thumbnails[len(images)] = result
                images.append(look)
            if done % _SHOW_EVERY == 0 or done == len(each):
                progress("reading images", done, len(each))
    return Looks(tuple(images), thumbnails[: len(images)], tuple(unreadable))


def look_at(path: Path, settings: InputSettings) -> tuple[Look, Grey]:
    """Read one image file: what is kept of it, and its (64, 64) thumbnail.

    Raises:
        ImageError: As for `load_image`.
    """
    content = read_image_bytes(path, settings.max_pixels)
    pixels = rgb_pixels(content, path, settings.window, settings.max_pixels)
    with Image.open(io.BytesIO(content)) as head:
        mode, bits = head.mode, 16 if is_deep(head) else 8
    grey = _no_longer_than(_SHARPNESS_PX, pixels)
    red, green, blue = (float(value) / 255 for value in cv2.mean(pixels)[:3])
    look = Look(
        path,
        hashlib.sha256(content).hexdigest(),
        pixels.shape[1],
        pixels.shape[0],
        mode,
        bits,
        brightness=float(grey.mean()) / 255,
        sharpness=float(np.asarray(cv2.Laplacian(grey, cv2.CV_32F)).var()),
        clipped=float(((grey == 0) | (grey == 255)).mean()),
        colour=(red, green, blue),
    )
    return look, grey_square(pixels, THUMBNAIL_PX, settings)


def _room_for(images: int) -> Grey:
    """(images, 64, 64), in a nameless file where the temporary folder has the space."""
    shape = (images, THUMBNAIL_PX, THUMBNAIL_PX)
    try:
        with tempfile.TemporaryFile() as file:
            os.posix_fallocate(file.fileno(), 0, max(1, images) * THUMBNAIL_PX**2)
            return np.memmap(file, np.uint8, "r+", shape=shape)
    except (OSError, AttributeError):  # full, or a system without such files
        return np.empty(shape, np.uint8)


def _look_or_reason(path: Path, settings: InputSettings) -> tuple[Look, Grey] | str:
    try:
        return look_at(path, settings)
    except ImageError as problem:
        return str(problem)


def _no_longer_than(longest_px: int, pixels: RGB) -> Grey:
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    scale = longest_px / max(grey.shape)
    if scale >= 1:
        return grey
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
