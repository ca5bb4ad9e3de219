"""Read an image file once, whole and bounded: what is hashed is then what is decoded."""

import os
import stat
from pathlib import Path

from span_train.contract.errors import ImageError

_BYTES_A_PIXEL = 8  # the most a readable format takes: four values of 16 bits, not compressed
_BESIDE_PIXELS = 64 << 20
# Without it, opening a pipe that nobody writes to would wait for ever.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read_image_bytes(path: Path | str, max_pixels: int) -> bytes:
    """The bytes of an image file.

    Raises:
        ImageError: It cannot be read, is no plain file, is larger than an image of `max_pixels`
            can be, or is still being written.
    """
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
        with open(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                raise ImageError(f"{path}: is no plain file, expected an image.")
            check_size(path, about.st_size, max_pixels)
            content = file.read(about.st_size + 1)
    except (OSError, ValueError) as problem:  # a name with a null byte is a ValueError
        reason = getattr(problem, "strerror", None) or problem
        raise ImageError(f"{path}: cannot be read ({reason}).") from None
    if len(content) != about.st_size:
        raise ImageError(
            f"{path}: changed while it was read ({about.st_size} bytes, then "
            f"{'more' if len(content) > about.st_size else len(content)}); give finished files."
        )
    return content


def check_size(where: Path | str, found_bytes: int, max_pixels: int) -> None:
    """Refuse a file that is larger than an image of `max_pixels` can be.

    Raises:
        ImageError: It is.
    """
    most = _BYTES_A_PIXEL * max_pixels + _BESIDE_PIXELS
    if found_bytes > most:
        raise ImageError(
            f"{where}: {found_bytes >> 20} MiB, the limit is {most >> 20} MiB for {max_pixels} "
            "pixels; raise input.max_pixels if this camera is meant."
        )
