"""Decode every image once into one file of fitted squares, so that training never waits.

Letters: M images, S side in pixels.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from span_train.contract.errors import InputError
from span_train.contract.framing import framing_of, reference_hash
from span_train.contract.image import load_image
from span_train.contract.settings import InputSettings
from span_train.data.catalog import content_hashes
from span_train.data.kept_array import kept_file, open_kept

CACHE_VERSION = 1
Squares = npt.NDArray[np.uint8]


def image_cache(paths: Sequence[Path], settings: InputSettings, folder: Path) -> Squares:
    """All images as one read-only memory map, (M, S, S, 3) uint8, in the order given.

    Arguments and errors are those of `cache_file`.
    """
    return open_kept(cache_file(paths, settings, folder))


def cache_file(
    paths: Sequence[Path],
    settings: InputSettings,
    folder: Path,
    hashes: Mapping[Path, str] | None = None,
) -> Path:
    """Make sure that all images lie decoded in one file, and tell which.

    The file is named after the images' contents and the input settings, and is used again as long
    as both stay the same.

    Args:
        paths: The images, in the order of the file.
        settings: How they are fitted to a square.
        folder: Where the file lies.
        hashes: sha256 of the images' contents, where they are known already.

    Raises:
        ImageError: An image cannot be decoded.
        InputError: There is no image, or the folder cannot be written to.
    """
    if not paths:
        raise InputError(f"{folder}: no image to keep; give at least one.")
    shape = (len(paths), settings.side_px, settings.side_px, 3)
    key = content_key(paths, settings, hashes)
    return kept_file(
        folder, "images", key, shape, lambda squares: _decode_into(squares, paths, settings)
    )


def content_key(
    paths: Sequence[Path], settings: InputSettings, hashes: Mapping[Path, str] | None = None
) -> str:
    """A hash of what images hold and of how they are fitted; arguments as for `cache_file`."""
    asked = settings.model_dump_json(exclude={"reference"})
    digest = hashlib.sha256(f"{CACHE_VERSION} {asked} {reference_hash(settings)}".encode())
    for one in content_hashes(paths) if hashes is None else (hashes[path] for path in paths):
        digest.update(one.encode())
    return digest.hexdigest()[:24]


def _decode_into(squares: Squares, paths: Sequence[Path], settings: InputSettings) -> None:
    framing = framing_of(settings)

    def decode(place: int) -> None:
        image = load_image(paths[place], window=settings.window, max_pixels=settings.max_pixels)
        squares[place] = framing(image).square

    with ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as decoders:
        try:
            for _ in decoders.map(decode, range(len(paths))):
                pass
        except BaseException:
            decoders.shutdown(cancel_futures=True)  # one damaged image is enough to stop
            raise
