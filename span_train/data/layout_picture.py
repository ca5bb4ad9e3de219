"""Draw a layout over a picture, with a legend, so that a person sees where each part lies."""

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from span_train.contract.image import RGB
from span_train.contract.layout import Layout

# Okabe and Ito's colours, which colour-blind people can tell apart; black is left out.
COLOURS = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
_SHOWN_PX = 640
_LEGEND_PX = 260
_ROW_PX = 30
_TINT = 0.3


def draw_layout(picture: RGB, layout: Layout) -> RGB:
    """The picture with each part tinted and outlined, and their names and areas beside it.

    Args:
        picture: (H, W, 3) uint8, of the layout's size.
        layout: The parts; their order gives the colours.

    Raises:
        ValueError: The picture has another size than the layout.
    """
    if picture.shape[:2] != layout.masks_khw.shape[1:]:
        raise ValueError(f"picture {picture.shape[:2]}, layout {layout.masks_khw.shape[1:]}")
    scale = _SHOWN_PX / max(picture.shape[:2])
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    shown = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    for place, mask in enumerate(layout.masks_khw):
        inside = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)) > 0.5
        shown = _tinted(shown, inside.astype(np.uint8), colour_of(place))
    return _with_legend(shown, layout)


def colour_of(place: int) -> tuple[int, int, int]:
    """The colour of the part at this place of the layout, as RGB."""
    return COLOURS[place % len(COLOURS)]


def _tinted(shown: RGB, inside: RGB, colour: tuple[int, int, int]) -> RGB:
    tinted = shown.astype(np.float32)
    tinted[inside > 0] = (1 - _TINT) * tinted[inside > 0] + _TINT * np.array(colour, np.float32)
    outlined = tinted.astype(np.uint8)
    outlines, _ = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(outlined, outlines, -1, colour, 2)
    return outlined


def _with_legend(shown: RGB, layout: Layout) -> RGB:
    height_px = max(shown.shape[0], _ROW_PX * (len(layout.names) + 1))
    sheet = Image.new("RGB", (shown.shape[1] + _LEGEND_PX, height_px), "white")
    sheet.paste(Image.fromarray(shown), (0, 0))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    left_px = shown.shape[1] + 14
    for place, (name, mask) in enumerate(zip(layout.names, layout.masks_khw, strict=True)):
        top_px = 14 + place * _ROW_PX
        box = (left_px, top_px, left_px + 16, top_px + 16)
        pen.rectangle(box, fill=colour_of(place), outline="black")
        pen.text((left_px + 26, top_px - 2), f"{name}  {mask.mean():.1%}", "black", font)
    return np.array(sheet, np.uint8)
