"""Draw what each head looks at beside the hand-drawn truth, for the worst, median and best images.

Letters: K parts, G and S sides of square maps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from span_train.contract.errors import InputError
from span_train.contract.image import RGB, Fit, fit_geometry
from span_train.evaluate.overlay import attention_overlay, layout_overlay, part_colour
from span_train.evaluate.part_focus import PartFocus

MapF = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[np.float64]
_OF_A_KIND = 2
_CELL_PX = 208
_GAP_PX = 8
_HEADER_PX = 50
_CAPTION_PX = 44
_LETTERS_PX = 15
_INK = "#222222"


@dataclass(frozen=True)
class SheetRow:
    """One image of the sheet; values are NaN where the image lacks a part.

    Attributes:
        kind: Why it is shown, such as `worst`.
        name: The image's file name.
        image: (H, W, 3) uint8.
        masks_khw: (K, H, W) bool, the truth.
        heads_kgg: (K, G, G) the attention of the head read for each part.
        template_kss: (K, S, S) the template read for each part.
        heads: The number of each of these heads.
        ap_k, template_ap_k, oracle_ap_k: (K,) average precision of each.
    """

    kind: str
    name: str
    image: RGB
    masks_khw: Mask
    heads_kgg: MapF
    template_kss: MapF
    heads: tuple[int, ...]
    ap_k: Values
    template_ap_k: Values
    oracle_ap_k: Values


def rows_to_show(focus: PartFocus, seed: int = 0) -> dict[int, str]:
    """Which images to show, with the reason: the two worst, median and best ones, two at random.

    Images without any part are never shown; of few images, each is shown once.
    """
    known = np.flatnonzero(np.isfinite(focus.ap_ik).any(axis=1))
    mean = np.nanmean(focus.ap_ik[known], axis=1)
    order: list[int] = known[np.argsort(mean, kind="stable")].tolist()
    middle = max(0, (len(order) - _OF_A_KIND) // 2)
    drawn = np.random.default_rng(seed).permutation(order).tolist()
    kinds = {
        "worst": order[:_OF_A_KIND],
        "best": order[::-1][:_OF_A_KIND],
        "median": order[middle : middle + _OF_A_KIND],
    }
    shown: dict[int, str] = {}
    for kind in ("worst", "median", "best"):
        for place in kinds[kind]:
            shown.setdefault(place, kind)
    rest = [place for place in drawn if place not in shown][:_OF_A_KIND]
    return shown | dict.fromkeys(rest, "random")


def draw_sheet(rows: Sequence[SheetRow], names: Sequence[str], fit: Fit) -> RGB:
    """Rows are images; columns are image, truth, template, and the head of each part.

    Every head's map is scaled to its own maximum; the truth's outline lies over it in white.

    Raises:
        ValueError: No row.
    """
    if not rows:
        raise ValueError("no row to draw; expected at least one image")
    columns = 3 + len(names)
    row_px = _CELL_PX + _CAPTION_PX
    size = (_left_px(columns), _HEADER_PX + len(rows) * row_px)
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    for column, header in enumerate(("image", "truth", "template", *names)):
        colour = part_colour(column - 3) if column >= 3 else _INK
        _write(pen, column, 6, header if column < 3 else f"{_short(header)}\nits head", colour)
    for number, row in enumerate(rows):
        top_px = _HEADER_PX + number * row_px
        for column, (cell, caption) in enumerate(_cells(row, names, fit)):
            sheet.paste(Image.fromarray(cell), (_left_px(column), top_px))
            _write(pen, column, top_px + cell.shape[0] + 2, caption, _INK)
    return np.array(sheet, np.uint8)


def save_sheet(sheet: RGB, file: Path) -> None:
    """Write the sheet.

    Raises:
        InputError: It cannot be written, or its name does not end like a picture's.
    """
    try:
        Image.fromarray(sheet).save(file)
    except (OSError, ValueError) as problem:
        raise InputError(f"{file}: cannot be written ({problem}); name a .png file.") from None


def _cells(row: SheetRow, names: Sequence[str], fit: Fit) -> list[tuple[RGB, str]]:
    """The pictures of one row with what stands below each."""
    height_px, width_px = row.image.shape[:2]
    scale = _CELL_PX / max(height_px, width_px)
    size = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = np.asarray(cv2.resize(row.image, size, interpolation=how), np.uint8)
    truth_khw = np.stack(
        [
            cv2.resize(m.astype(np.float32), size, interpolation=cv2.INTER_AREA)
            for m in row.masks_khw
        ]
    )
    geometry = fit_geometry(size[1], size[0], row.template_kss.shape[1], fit)
    template_khw = np.stack([geometry.to_original(one) for one in row.template_kss])
    cells = [
        (image, f"{row.kind}, mAP {_mean(row.ap_k)}\n{_short(row.name)}"),
        (layout_overlay(image, truth_khw), f"on the patch grid:\nmAP {_mean(row.oracle_ap_k)}"),
        (layout_overlay(image, template_khw), f"mAP {_mean(row.template_ap_k)}"),
    ]
    for k in range(len(names)):
        looked = attention_overlay(image, row.heads_kgg[k], geometry, part_colour(k))
        there = bool(row.masks_khw[k].any())
        caption = f"AP {row.ap_k[k]:.3f}\n" if there else "not in this image\n"
        cells.append((_outlined(looked, truth_khw[k]), f"{caption}head {row.heads[k]}"))
    return cells


def _outlined(picture: RGB, mask_hw: MapF) -> RGB:
    outlines, _ = cv2.findContours(
        (mask_hw > 0.5).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
    )
    drawn = picture.copy()
    cv2.drawContours(drawn, outlines, -1, (255, 255, 255), 1)
    return drawn


def _left_px(column: int) -> int:
    return _GAP_PX + column * (_CELL_PX + _GAP_PX)


def _write(pen: ImageDraw.ImageDraw, column: int, top_px: int, text: str, colour: str) -> None:
    pen.text((_left_px(column), top_px), text, colour, ImageFont.load_default(_LETTERS_PX))


def _short(name: str) -> str:
    """A name that fits its column, its end left out."""
    font = ImageFont.load_default(_LETTERS_PX)
    if font.getlength(name) <= _CELL_PX:
        return name
    while font.getlength(f"{name}…") > _CELL_PX:
        name = name[:-1]
    return f"{name}…"


def _mean(ap_k: Values) -> str:
    return f"{np.nanmean(ap_k):.3f}"
