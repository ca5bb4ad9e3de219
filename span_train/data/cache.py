"""Decode every image once into one file of fitted squares, so that training never waits."""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from span_train.contract.errors import InputError
from span_train.contract.image import fit, load_image
from span_train.contract.settings import InputSettings
from span_train.data.catalog import content_hashes

CACHE_VERSION = 1
_DECODERS = 4


def image_cache(
    paths: Sequence[Path], settings: InputSettings, folder: Path
) -> npt.NDArray[np.uint8]:
    """All images as one read-only memory map, (N, side_px, side_px, 3) uint8, in the order given.

    The file is named after the images' contents and the input settings, and is used again as long
    as both stay the same. It is written under another name and renamed when complete.

    Raises:
        ImageError: An image cannot be decoded.
        InputError: There is no image, or the folder cannot be written to.
    """
    if not paths:
        raise InputError(f"{folder}: no image to keep; give at least one.")
    shape = (len(paths), settings.side_px, settings.side_px, 3)
    file = folder / f"images-{_key(paths, settings)}.npy"
    kept = _reopen(file, shape)
    if kept is not None:
        return kept
    try:
        _write(file, paths, settings, shape)
    except OSError as problem:
        raise InputError(
            f"{folder}: cannot keep images there ({problem.strerror}); choose a folder with "
            "room that you may write to."
        ) from None
    return _mapped(file)


def _key(paths: Sequence[Path], settings: InputSettings) -> str:
    digest = hashlib.sha256(f"{CACHE_VERSION} {settings.model_dump_json()}".encode())
    for one in content_hashes(paths):
        digest.update(one.encode())
    return digest.hexdigest()[:24]


def _reopen(file: Path, shape: tuple[int, ...]) -> npt.NDArray[np.uint8] | None:
    try:
        kept = _mapped(file)
    except (OSError, ValueError, EOFError):
        return None
    return kept if kept.shape == shape and kept.dtype == np.uint8 else None


def _mapped(file: Path) -> npt.NDArray[np.uint8]:
    squares: npt.NDArray[np.uint8] = np.load(file, mmap_mode="r")
    return squares


def _write(
    file: Path, paths: Sequence[Path], settings: InputSettings, shape: tuple[int, ...]
) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".unfinished-", suffix=".npy")
    os.close(handle)
    unfinished = Path(name)
    try:
        squares = np.lib.format.open_memmap(unfinished, "w+", np.uint8, shape)
        _decode_into(squares, paths, settings)
        squares.flush()
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


def _decode_into(
    squares: npt.NDArray[np.uint8], paths: Sequence[Path], settings: InputSettings
) -> None:
    def decode(place: int) -> None:
        image = load_image(paths[place], window=settings.window, max_pixels=settings.max_pixels)
        squares[place] = fit(image, settings.side_px, settings.fit)[0]

    with ThreadPoolExecutor(_DECODERS) as decoders:
        for _ in decoders.map(decode, range(len(paths))):
            pass
