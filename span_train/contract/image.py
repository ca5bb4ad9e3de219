"""Read any production image as 8-bit RGB and fit it to the square the network sees.

This is the only way an image enters training, export checks, scoring or the station.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from span_train.contract.errors import ImageError

RGB = npt.NDArray[np.uint8]
Fit = Literal["stretch", "letterbox", "crop"]
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm"})
_DEEP_MODES = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})
Image.MAX_IMAGE_PIXELS = None  # load_image has its own limit, which the settings can raise


@dataclass(frozen=True)
class Geometry:
    """How a fitted square came from an image, to map maps and boxes back to original pixels.

    Attributes:
        height_px, width_px: Size of the original image after EXIF orientation.
        side_px: Side of the square.
        scale_x, scale_y: Square pixels per original pixel.
        offset_x_px, offset_y_px: Where the original's left and top edges lie in the square.
    """

    height_px: int
    width_px: int
    side_px: int
    scale_x: float
    scale_y: float
    offset_x_px: float
    offset_y_px: float

    def to_original(self, map_gg: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Lay a (G, G) map of the square over the original: (height_px, width_px) float32.

        Pixels of the original that the square does not show are 0.
        """
        cell_px = self.side_px / map_gg.shape[0]
        columns = (np.arange(self.width_px) + 0.5) * self.scale_x + self.offset_x_px
        rows = (np.arange(self.height_px) + 0.5) * self.scale_y + self.offset_y_px
        map_x, map_y = np.meshgrid(columns / cell_px - 0.5, rows / cell_px - 0.5)
        spread = cv2.remap(
            np.ascontiguousarray(map_gg, np.float32),
            map_x.astype(np.float32),
            map_y.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        seen_x = (columns >= 0) & (columns < self.side_px)
        seen_y = (rows >= 0) & (rows < self.side_px)
        return np.asarray(spread * (seen_y[:, None] & seen_x[None, :]), np.float32)


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
    try:
        with Image.open(path) as image:
            if image.width * image.height > max_pixels:
                raise ImageError(
                    f"{path}: {image.width}x{image.height} pixels, the limit is {max_pixels}; "
                    "raise input.max_pixels if this camera is meant."
                )
            return _to_rgb(path, image, window)
    except UnidentifiedImageError:
        raise ImageError(f"{path}: {_what_it_is(path)}, expected an image.") from None
    except (OSError, SyntaxError, ValueError, EOFError, cv2.error) as problem:
        raise ImageError(
            f"{path}: cannot be decoded ({problem}); the file is damaged or incomplete."
        ) from None


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


def _to_rgb(path: Path, image: ImageFile.ImageFile, window: tuple[int, int] | None) -> RGB:
    if _is_deep(image):
        if window is None:
            raise ImageError(
                f"{path}: a 16-bit image, but no window is declared; "
                "set input.window: [black, white] to the camera's range."
            )
        return _through_window(_deep_pixels(path, image), window)
    turned = ImageOps.exif_transpose(image)
    if turned.mode == "F":
        raise ImageError(f"{path}: a floating-point image; save it with 8 or 16 bits.")
    if turned.mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in turned.info:
        over = Image.new("RGBA", turned.size, (0, 0, 0, 255))
        turned = Image.alpha_composite(over, turned.convert("RGBA"))
    return np.array(turned.convert("RGB"), np.uint8)


def _is_deep(image: ImageFile.ImageFile) -> bool:
    """Whether the file holds 16 bits a value; Pillow opens such colour images as if they had 8."""
    return image.mode in _DEEP_MODES or any(";16" in str(tile.args) for tile in image.tile)


def _deep_pixels(path: Path, image: Image.Image) -> npt.NDArray[np.float32]:
    """(H, W, 3) float32 with the values of the file."""
    if image.mode in _DEEP_MODES:
        grey = np.asarray(ImageOps.exif_transpose(image), np.float32)
        return np.repeat(grey[:, :, None], 3, axis=2)
    content = np.frombuffer(path.read_bytes(), np.uint8)
    colour_bgr = cv2.imdecode(content, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
    if colour_bgr is None or colour_bgr.dtype != np.uint16:
        raise ImageError(f"{path}: a 16-bit colour image that cannot be decoded; save it as PNG.")
    return np.asarray(colour_bgr[:, :, ::-1], np.float32)


def _through_window(deep: npt.NDArray[np.float32], window: tuple[int, int]) -> RGB:
    low, high = window
    return np.clip((deep - low) / (high - low) * 255.0 + 0.5, 0, 255).astype(np.uint8)


def _what_it_is(path: Path) -> str:
    head = path.read_bytes()[:64] if path.stat().st_size else b""
    if not head:
        return "an empty file"
    if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head):
        return "a text file"
    return "a file of unknown kind"
