"""Turn the bytes of an image file into 8-bit RGB pixels, whatever camera or tool wrote them."""

import io
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, ImageOps, TiffImagePlugin, UnidentifiedImageError

from span_train.contract.errors import ImageError

_Window = tuple[int, int]
_Bytes = npt.NDArray[np.uint8]
# Only what a camera writes: other kinds that Pillow knows start programs, or have no fixed size.
_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM")
_DEEP_MODES = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})
_TILE_WIDTH, _TILE_LENGTH = 322, 323
_FOREIGN = {
    b"GIF8": "a GIF image",
    b"%PDF": "a PDF document",
    b"%!PS": "a PostScript document",
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"\x00\x00\x00\x0cjP": "a JPEG 2000 image",
}
Image.MAX_IMAGE_PIXELS = None  # there is a limit here, which the settings can raise


def rgb_pixels(
    content: bytes, where: Path | str, window: _Window | None, max_pixels: int
) -> _Bytes:
    """Decode an image file's bytes: (H, W, 3) uint8 RGB; see `load_image`.

    Raises:
        ImageError: As for `load_image`, whatever the decoders make of damaged bytes.
    """
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            _check_pixels(where, image, max_pixels)
            return _to_rgb(content, where, image, window)
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError(f"{where}: {_what_it_is(content)}, expected an image.") from None
    except Exception as problem:  # decoders raise almost anything over damaged bytes
        said = str(problem) or type(problem).__name__
        raise ImageError(
            f"{where}: cannot be decoded ({said}); the file is damaged or incomplete."
        ) from None


def _check_pixels(where: Path | str, image: ImageFile.ImageFile, max_pixels: int) -> None:
    width, height = image.size
    if isinstance(image, TiffImagePlugin.TiffImageFile):  # a tile is decoded whole
        width = max(width, int(image.tag_v2.get(_TILE_WIDTH, 0)))
        height = max(height, int(image.tag_v2.get(_TILE_LENGTH, 0)))
    if width * height > max_pixels:
        raise ImageError(
            f"{where}: {width}x{height} pixels, the limit is {max_pixels}; "
            "raise input.max_pixels if this camera is meant."
        )
    if width * height == 0:
        raise ImageError(f"{where}: {width}x{height} pixels, expected at least one.")


def _to_rgb(
    content: bytes, where: Path | str, image: ImageFile.ImageFile, window: _Window | None
) -> _Bytes:
    if is_deep(image):
        if window is None:
            raise ImageError(
                f"{where}: a 16-bit image, but no window is declared; "
                "set input.window: [black, white] to the camera's range."
            )
        return _deep_to_rgb(content, where, image, window)
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode == "F":
        raise ImageError(f"{where}: a floating-point image; save it with 8 or 16 bits.")
    if image.mode == "L" and "transparency" not in image.info:
        return _three_channels(np.asarray(image))
    turned: Image.Image = image
    if image.mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in image.info:
        over = Image.new("RGBA", image.size, (0, 0, 0, 255))
        turned = Image.alpha_composite(over, image.convert("RGBA"))
    return np.array(turned if turned.mode == "RGB" else turned.convert("RGB"), np.uint8)


def is_deep(image: ImageFile.ImageFile) -> bool:
    """Whether the file holds 16 bits a value; Pillow opens such colour images as if they had 8."""
    return image.mode in _DEEP_MODES or any(";16" in str(tile.args) for tile in image.tile)


def _deep_to_rgb(
    content: bytes, where: Path | str, image: ImageFile.ImageFile, window: _Window
) -> _Bytes:
    if image.mode in _DEEP_MODES:
        ImageOps.exif_transpose(image, in_place=True)
        return _three_channels(_through_window(np.asarray(image), window))
    how = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR
    colour_bgr = cv2.imdecode(np.frombuffer(content, np.uint8), how)
    if colour_bgr is None or colour_bgr.dtype != np.uint16:
        raise ImageError(f"{where}: a 16-bit colour image that cannot be decoded; save it as PNG.")
    return _through_window(np.asarray(colour_bgr)[:, :, ::-1], window)


def _through_window(deep: npt.NDArray[np.generic], window: _Window) -> _Bytes:
    if deep.dtype.itemsize == 2:
        return np.asarray(_window_table(window)[deep], np.uint8)
    return _scaled(deep.astype(np.float32), window)


@lru_cache(maxsize=8)
def _window_table(window: _Window) -> _Bytes:
    """What each of the 65,536 values becomes."""
    return _scaled(np.arange(1 << 16, dtype=np.float32), window)


def _scaled(deep: npt.NDArray[np.float32], window: _Window) -> _Bytes:
    low, high = window
    return np.clip((deep - low) / (high - low) * 255.0 + 0.5, 0, 255).astype(np.uint8)


def _three_channels(grey: _Bytes) -> _Bytes:
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(grey), cv2.COLOR_GRAY2RGB), np.uint8)


def _what_it_is(content: bytes) -> str:
    head = content[:64]
    if not head:
        return "an empty file"
    for start, kind in _FOREIGN.items():
        if head.startswith(start):
            return kind
    if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head):
        return "a text file"
    return "a file of unknown kind"
