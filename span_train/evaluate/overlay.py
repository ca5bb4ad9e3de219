"""Draw parts, attention and evidence over the picture of a part, in the same colours everywhere.

Legend: K parts, H, W image size in pixels, G grid side.
"""

import cv2
import numpy as np
import numpy.typing as npt

from span_train.contract.geometry import Geometry
from span_train.contract.image import RGB

MapF = npt.NDArray[np.float32]
# Okabe and Ito's palette, told apart by colour-blind eyes too; parts take them in layout order.
PART_COLOURS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#8C6BB1",
    "#B8A400",
)
FREE_COLOUR = "#8A8F98"
FOR_DEFECT = "#C8381F"
AGAINST_DEFECT = "#2166AC"
_STRONGEST = 0.72


def part_colour(number: int) -> str:
    """The colour of the part with this number in the layout, as #RRGGBB."""
    return PART_COLOURS[number % len(PART_COLOURS)]


def layout_overlay(image: RGB, masks_khw: MapF) -> RGB:
    """The parts, softly filled and outlined, over an image of the same size.

    Raises:
        ValueError: Masks and image differ in size.
    """
    if masks_khw.shape[1:] != image.shape[:2]:
        raise ValueError(f"masks {masks_khw.shape} over an image {image.shape}")
    drawn = image.astype(np.float32)
    thick_px = max(1, round(max(image.shape[:2]) / 300))
    for number, mask in enumerate(masks_khw):
        drawn = _blend(drawn, part_colour(number), 0.38 * np.clip(mask, 0, 1))
        outlines, _ = cv2.findContours(
            (mask > 0.5).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
        )
        cv2.drawContours(drawn, outlines, -1, _rgb(part_colour(number)), thick_px)
    return _as_picture(drawn)


def attention_overlay(
    image: RGB, attention_gg: MapF, geometry: Geometry, colour: str = FREE_COLOUR
) -> RGB:
    """One head's attention: strong colour where it looks most, the rest of the image dimmed.

    Every map is scaled to its own maximum, so colours compare places, not heads.
    """
    strength = geometry.to_original(attention_gg / max(float(attention_gg.max()), 1e-12))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)[:, :, None]
    dimmed = np.repeat(0.45 * grey + 20, 3, axis=2)
    return _as_picture(_blend(dimmed, colour, 0.9 * np.clip(strength, 0, 1)))


def signed_evidence_overlay(image: RGB, evidence_gg: MapF, geometry: Geometry, full: float) -> RGB:
    """Evidence of each patch: red speaks for a defect, blue against one, nothing for none.

    Args:
        full: The evidence that gets the strongest colour; use one value for pictures that are
            to be compared.

    Raises:
        ValueError: `full` is not positive.
    """
    if not full > 0:
        raise ValueError(f"full is {full}, expected the positive evidence of the strongest colour")
    strength = geometry.to_original(np.clip(evidence_gg / full, -1, 1).astype(np.float32))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)[:, :, None]
    calm = 0.6 * image.astype(np.float32) + 0.4 * grey
    drawn = _blend(calm, FOR_DEFECT, _STRONGEST * np.clip(strength, 0, 1))
    return _as_picture(_blend(drawn, AGAINST_DEFECT, _STRONGEST * np.clip(-strength, 0, 1)))


def _blend(pixels: MapF, colour: str, opacity_hw: npt.NDArray[np.floating]) -> MapF:
    opacity = opacity_hw[:, :, None]
    return np.asarray(pixels * (1 - opacity) + np.array(_rgb(colour)) * opacity, np.float32)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _as_picture(pixels: MapF) -> RGB:
    return np.asarray(np.clip(pixels + 0.5, 0, 255), np.uint8)
