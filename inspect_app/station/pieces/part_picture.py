"""Draw the part with the evidence over it, whole or close up, with the outlines of its parts."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from deploy.scoring.overlay import evidence_overlay
from inspect_app.station.pieces.wording import part_title
from inspect_app.store.records import PartEvidence
from span_train.contract.geometry import Geometry
from span_train.contract.image import RGB

CANVAS_PX = 1000
ZOOMS = (1.0, 3.0, 8.0)
_GLOW = np.array([92, 214, 255], np.float32)
_OUTLINE = (120, 220, 255)
_STRONGEST = (255, 255, 255)


@dataclass(frozen=True)
class Drawing:
    """What to draw over the picture.

    Attributes:
        opacity: Of the evidence, 0 to 1; 0 leaves the picture as it is.
        scale: Evidence of one patch that is drawn at full strength.
        zoom: How much larger than the whole; then only the surroundings of the patch with the most
            evidence are shown, each pixel as a square.
        head: Show where this head looks in place of the evidence.
        outlines: Draw the border of each part.
    """

    opacity: float
    scale: float
    zoom: float = 1.0
    head: int | None = None
    outlines: bool = False


def draw_part(
    evidence: PartEvidence,
    drawing: Drawing,
    part_names: Sequence[str] = (),
    masks_khw: npt.NDArray[np.float32] | None = None,
    strongest: str | None = None,
) -> RGB:
    """The picture for the screen, its long side `CANVAS_PX`.

    Args:
        part_names, masks_khw: The layout in the fitted square; needed for outlines.
        strongest: The part to bring out among the outlines.
    """
    shown, geometry = _canvas(evidence, drawing.zoom)
    if drawing.opacity > 0:
        heat = _overlay(shown, evidence, geometry, drawing)
        mixed = cv2.addWeighted(heat, drawing.opacity, shown, 1 - drawing.opacity, 0)
        shown = np.asarray(mixed, np.uint8)
    if drawing.outlines and masks_khw is not None:
        shown = _with_outlines(shown, geometry, part_names, masks_khw, strongest)
    return shown


def worst_spot(evidence_gg: npt.NDArray[np.float32], geometry: Geometry) -> tuple[float, float]:
    """Where the most evidence lies, as (x, y) in pixels of the image that `geometry` is about."""
    row, column = np.unravel_index(int(np.argmax(evidence_gg)), evidence_gg.shape)
    cell_px = geometry.side_px / evidence_gg.shape[0]
    return geometry.place((float(column) + 0.5) * cell_px, (float(row) + 0.5) * cell_px)


def _overlay(shown: RGB, evidence: PartEvidence, geometry: Geometry, drawing: Drawing) -> RGB:
    if drawing.head is None:
        return evidence_overlay(shown, evidence.evidence_gg, geometry, drawing.scale)
    attention_gg = evidence.attention_hgg[drawing.head]
    light = geometry.to_original(attention_gg / max(float(attention_gg.max()), 1e-12))[..., None]
    return np.asarray(np.clip(shown * (1 - 0.75 * light) + _GLOW * light * 0.75, 0, 255), np.uint8)


def _canvas(evidence: PartEvidence, zoom: float) -> tuple[RGB, Geometry]:
    """The pixels to draw on, before anything is drawn, so that lines stay fine in a close-up."""
    height_px, width_px = evidence.picture.shape[:2]
    scale = CANVAS_PX / max(height_px, width_px)
    size = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
    left, top, right, bottom = 0, 0, width_px, height_px
    if zoom > 1:
        spot = worst_spot(evidence.evidence_gg, evidence.geometry)
        left, right = _window(spot[0], width_px, zoom)
        top, bottom = _window(spot[1], height_px, zoom)
    window = evidence.picture[top:bottom, left:right]
    how = cv2.INTER_NEAREST if zoom > 1 else cv2.INTER_CUBIC
    how = how if size[0] > right - left else cv2.INTER_AREA
    canvas = np.asarray(cv2.resize(window, size, interpolation=how), np.uint8)
    shown = (right - left, bottom - top)
    return canvas, evidence.geometry.window((left, top), shown, size)


def _window(centre: float, length: int, zoom: float) -> tuple[int, int]:
    """The stretch of one side that the close-up shows, kept inside the picture."""
    shown = max(1, round(length / zoom))
    start = min(max(round(centre - shown / 2), 0), length - shown)
    return start, start + shown


def _with_outlines(
    image: RGB,
    geometry: Geometry,
    part_names: Sequence[str],
    masks_khw: npt.NDArray[np.float32],
    strongest: str | None,
) -> RGB:
    drawn = image.copy()
    labels: list[tuple[str, int, int, tuple[int, int, int]]] = []
    for name, mask in zip(part_names, masks_khw, strict=True):
        inside = (geometry.to_original(mask) > 0.5).astype(np.uint8)
        borders, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        colour = _STRONGEST if name == strongest else _OUTLINE
        cv2.polylines(drawn, borders, True, (10, 16, 22), 5, cv2.LINE_AA)
        cv2.polylines(drawn, borders, True, colour, 2, cv2.LINE_AA)
        if borders:
            left, top, _, _ = cv2.boundingRect(max(borders, key=cv2.contourArea))
            labels.append((part_title(name), left, top, colour))
    return _with_labels(drawn, labels)


def _with_labels(image: RGB, labels: Sequence[tuple[str, int, int, tuple[int, int, int]]]) -> RGB:
    sheet = Image.fromarray(image)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=20)
    for name, left, top, colour in labels:
        place = (left + 6, top + 4)
        box = pen.textbbox(place, name, font=font)
        pen.rectangle((box[0] - 5, box[1] - 3, box[2] + 5, box[3] + 3), fill=(10, 16, 22))
        pen.text(place, name, font=font, fill=colour)
    return np.asarray(sheet, np.uint8)
