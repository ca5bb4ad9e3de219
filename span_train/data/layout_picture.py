"""Draw a layout over pictures, with a legend, so that a person sees where each part lies.

Letters: K parts, H and W a picture's own height and width.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from span_train.contract.image import RGB
from span_train.contract.layout import MaskKHW

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
_MAIN_PX, _LEGEND_PX, _SAMPLE_PX = 640, 260, 300
_TITLE_PX, _ROW_PX = 26, 44
_ACROSS = 3
_TINT = 0.35
_EDGE = 0.5
_MOST_AVERAGED = 1000


@dataclass(frozen=True)
class Panel:
    """One picture and the masks to draw on it.

    Attributes:
        title: What the picture is.
        picture: (H, W, 3) uint8.
        masks_khw: (K, H, W) in [0, 1].
    """

    title: str
    picture: RGB
    masks_khw: MaskKHW


def draw_layout(
    main: Panel, samples: Sequence[Panel], names: Sequence[str], patches: Sequence[float]
) -> RGB:
    """A sheet: the main picture with every part tinted, outlined and numbered; the legend beside it
    with each part's number, name, share of the picture and area in patches; samples below.

    Args:
        main: The picture that stands for the layout.
        samples: Any number of others, with the same parts; three lie in a row.
        names: K part names; their order gives the colours.
        patches: Area of each part in patches.

    Raises:
        ValueError: A picture has another size than its masks.
    """
    shown, small = _titled(main, _MAIN_PX), [_titled(one, _SAMPLE_PX) for one in samples]
    legend = _legend(names, patches, main.masks_khw.mean(axis=(1, 2)))
    rows = [small[first : first + _ACROSS] for first in range(0, len(small), _ACROSS)]
    top_px = max(shown.height, legend.height)
    height_px = top_px + sum(max(one.height for one in row) for row in rows)
    sheet = Image.new("RGB", (_MAIN_PX + _LEGEND_PX, height_px), "white")
    sheet.paste(shown, (0, 0))
    sheet.paste(legend, (_MAIN_PX, 0))
    for row in rows:
        for place, one in enumerate(row):
            sheet.paste(one, (place * _SAMPLE_PX, top_px))
        top_px += max(one.height for one in row)
    return np.array(sheet, np.uint8)


def colour_of(place: int) -> tuple[int, int, int]:
    """The colour of the part at this place of the layout, as RGB."""
    return COLOURS[place % len(COLOURS)]


def mean_picture(images_nhwc: npt.NDArray[np.uint8]) -> RGB:
    """The average of fitted images, (S, S, 3) uint8; at most 1000, evenly spaced, are taken."""
    chosen = images_nhwc[:: -(-len(images_nhwc) // _MOST_AVERAGED)]
    total = np.zeros(chosen.shape[1:], np.float64)
    for image in chosen:
        total += image
    return np.asarray(np.clip(total / len(chosen) + 0.5, 0, 255), np.uint8)


def _titled(panel: Panel, side_px: int) -> Image.Image:
    """The panel's picture with its longer side `side_px`, and its title above."""
    shape = panel.picture.shape[:2]
    if shape != panel.masks_khw.shape[1:]:
        raise ValueError(f"picture {shape}, masks {panel.masks_khw.shape[1:]}")
    scale = side_px / max(shape)
    size = (max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    shown = np.asarray(cv2.resize(panel.picture, size, interpolation=how), np.uint8)
    masks = [np.asarray(cv2.resize(mask, size), np.float32) for mask in panel.masks_khw]
    for place, mask in enumerate(masks):
        shown = _tinted(shown, mask, colour_of(place))
    titled = Image.new("RGB", (size[0], size[1] + _TITLE_PX), "white")
    titled.paste(Image.fromarray(shown), (0, _TITLE_PX))
    pen = ImageDraw.Draw(titled)
    pen.text((4, 4), panel.title, "black", ImageFont.load_default(14))
    for place, mask in enumerate(masks):
        _number(pen, place, mask)
    return titled


def _tinted(shown: RGB, mask: npt.NDArray[np.float32], colour: tuple[int, int, int]) -> RGB:
    tint = _TINT * mask[:, :, None]
    tinted = ((1 - tint) * shown + tint * np.array(colour, np.float32)).astype(np.uint8)
    inside = np.asarray(mask >= _EDGE, np.uint8)
    outlines, _ = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(tinted, outlines, -1, colour, 2)
    return tinted


def _number(pen: ImageDraw.ImageDraw, place: int, mask: npt.NDArray[np.float32]) -> None:
    """The part's number where the part is thickest; nothing where it is not in the picture."""
    inside = np.pad(np.asarray(mask >= min(_EDGE, float(mask.max())), np.uint8), 1)
    if mask.max() <= 0:
        return
    depth_px = np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, 5))[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth_px.argmax()), depth_px.shape)
    pen.text(
        (int(column), int(row) + _TITLE_PX),
        str(place + 1),
        colour_of(place),
        ImageFont.load_default(16),
        anchor="mm",
        stroke_width=2,
        stroke_fill="black",
    )


def _legend(
    names: Sequence[str], patches: Sequence[float], shares: npt.NDArray[np.float32]
) -> Image.Image:
    legend = Image.new("RGB", (_LEGEND_PX, _TITLE_PX + _ROW_PX * len(names)), "white")
    pen = ImageDraw.Draw(legend)
    large, small = ImageFont.load_default(15), ImageFont.load_default(13)
    for place, (name, area, share) in enumerate(zip(names, patches, shares, strict=True)):
        top_px = _TITLE_PX + place * _ROW_PX
        pen.rectangle((14, top_px, 34, top_px + 20), fill=colour_of(place), outline="black")
        pen.text((24, top_px + 10), str(place + 1), "black", small, anchor="mm")
        pen.text((44, top_px - 1), name, "black", large)
        pen.text((44, top_px + 18), f"{share:.1%}, {area:.1f} patches", (90, 90, 90), small)
    return legend
