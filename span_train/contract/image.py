"""Read any production image as 8-bit RGB and fit it to the square the network sees.

This is the only way an image enters training, export checks, scoring or the station.
"""

from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from span_train.contract.geometry import Geometry
from span_train.contract.image_bytes import read_image_bytes
from span_train.contract.pixels import rgb_pixels

RGB = npt.NDArray[np.uint8]
Fit = Literal["stretch", "letterbox", "crop"]
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm"})


def load_image(
    path: Path, *, window: tuple[int, int] | None = None, max_pixels: int = 64_000_000
) -> RGB:
    """Read an image file as uint8 RGB, shape (H, W, 3), with its EXIF orientation applied.

    Grey, alpha (over black), palette and CMYK images are converted. 16-bit images are scaled by
    the declared `window` (low, high), never by their content.

    Raises:
        ImageError: The file is no image, is truncated, is larger than `max_pixels`, or has 16
            bits where no window is declared.
    """
    content = read_image_bytes(path, max_pixels)
    return rgb_pixels(content, path, window, max_pixels)


def decode_image(
    content: bytes,
    where: Path | str,
    *,
    window: tuple[int, int] | None = None,
    max_pixels: int = 64_000_000,
) -> RGB:
    """As `load_image`, for the bytes of an image file; `where` names it in messages.

    Raises:
        ImageError: As for `load_image`.
    """
    return rgb_pixels(content, where, window, max_pixels)


def fit(image: RGB, side_px: int, how: Fit = "stretch") -> tuple[RGB, Geometry]:
    """Bring an (H, W, 3) image into a (side_px, side_px, 3) square.

    `stretch` scales both sides to fit, `letterbox` keeps the aspect and pads with black, `crop`
    keeps the aspect and cuts the longer side's ends.

    Raises:
        ValueError: The image is not uint8 with three channels.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"expected uint8 (H, W, 3), found {image.dtype} {image.shape}")
    geometry = fit_geometry(image.shape[0], image.shape[1], side_px, how)
    return np.asarray(_warp(image, geometry), np.uint8), geometry


def fit_mask(mask: npt.NDArray[np.float32], side_px: int, how: Fit) -> npt.NDArray[np.float32]:
    """Bring an (H, W) mask through the same geometry as its image: (side_px, side_px) float32."""
    geometry = fit_geometry(mask.shape[0], mask.shape[1], side_px, how)
    return np.asarray(_warp(mask, geometry), np.float32)


def fit_geometry(height_px: int, width_px: int, side_px: int, how: Fit) -> Geometry:
    """The geometry `fit` uses for an image of this size."""
    if how == "stretch":
        new_width, new_height = side_px, side_px
    else:
        longest_or_shortest = max if how == "letterbox" else min
        scale = side_px / longest_or_shortest(height_px, width_px)
        new_width = max(1, round(width_px * scale))
        new_height = max(1, round(height_px * scale))
    return Geometry(
        height_px,
        width_px,
        side_px,
        new_width / width_px,
        new_height / height_px,
        float((side_px - new_width) // 2),
        float((side_px - new_height) // 2),
    )


def _warp(pixels: npt.NDArray[np.generic], geometry: Geometry) -> npt.NDArray[np.generic]:
    width = round(geometry.width_px * geometry.scale_x)
    height = round(geometry.height_px * geometry.scale_y)
    smaller = geometry.scale_x * geometry.scale_y < 1
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    whole = np.ascontiguousarray(pixels)
    resized = np.asarray(cv2.resize(whole, (width, height), interpolation=how))
    square = np.zeros((geometry.side_px, geometry.side_px, *pixels.shape[2:]), pixels.dtype)
    left, top = int(geometry.offset_x_px), int(geometry.offset_y_px)
    into = np.s_[max(top, 0) : top + height, max(left, 0) : left + width]
    out_of = np.s_[
        max(-top, 0) : max(-top, 0) + geometry.side_px,
        max(-left, 0) : max(-left, 0) + geometry.side_px,
    ]
    square[into] = resized[out_of]
    return square
