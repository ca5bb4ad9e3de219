"""Show a drawing over some of the line's images, to see whether the layout holds there."""

import base64
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from inspect_app.layout_drawing.desk import Desk
from inspect_app.layout_drawing.propose import fitted_images
from inspect_app.layout_drawing.rasterise import Mask
from span_train.contract.errors import LayoutError
from span_train.contract.image import RGB, fit, fit_mask
from span_train.data.catalog import find_images
from span_train.data.layout_picture import colour_of
from span_train.data.registration import KnownParts, Registration

Plane = npt.NDArray[np.float32]
SAMPLES = 12
_SHOWN_PX = 320
# A mean shift that a person should look at: as a share of the side, and beside the others.
_FAR, _MUCH_FARTHER = 0.04, 1.6


@dataclass(frozen=True)
class Sample:
    """One image with the parts on it.

    Attributes:
        name: The file.
        jpeg: The picture as base64: thin white lines where the parts were drawn, coloured ones
            where they are carried over to.
        told: How the image fits.
        odd: Whether a person should look at it.
    """

    name: str
    jpeg: str
    told: str
    odd: bool


def samples(desk: Desk, masks: Sequence[Mask], seed: int) -> tuple[Sample, ...]:
    """Twelve random images with the parts as drawn and as training will carry them over.

    Args:
        masks: Of each part, on the exemplar.
        seed: Other images with another one.

    Raises:
        LayoutError: No image can be read, or nothing is drawn.
    """
    if not any(mask.any() for mask in masks):
        raise LayoutError("Draw a part first: there is nothing to lay over other images.")
    how = desk.settings.input
    found = [path for path in find_images(desk.settings.images) if path != desk.exemplar]
    chosen = random.Random(seed).sample(found, len(found))[: 2 * SAMPLES]
    images = fitted_images(chosen, how)[:SAMPLES]
    if not images:
        raise LayoutError("None of the line's other images can be read.")
    masks_kss = np.stack(
        [fit_mask(mask.astype(np.float32), how.side_px, how.fit) for mask in masks]
    )
    if desk.settings.layout.refine == "none":
        return tuple(
            Sample(
                path.name, as_jpeg(_drawn(square, masks_kss, masks_kss, desk)), "as drawn", False
            )
            for path, square in images
        )
    return _carried(desk, masks_kss, images)


def _carried(
    desk: Desk, masks_kss: Plane, images: Sequence[tuple[Path, RGB]]
) -> tuple[Sample, ...]:
    """The images with the parts carried over, as training does it."""
    how = desk.settings.input
    registration = Registration([KnownParts(fit(desk.picture, how.side_px, how.fit)[0], masks_kss)])
    found = [registration.carry(square) for _, square in images]
    far = max(_FAR, _MUCH_FARTHER * float(np.median([shift for _, shift, _ in found])))
    return tuple(
        Sample(
            path.name,
            as_jpeg(_drawn(square, masks_kss, carried, desk)),
            "does not fit better moved" if kept else f"moved by {shift:.1%} of the side",
            kept or shift > far,
        )
        for (path, square), (carried, shift, kept) in zip(images, found, strict=True)
    )


def as_jpeg(picture: RGB, quality: int = 88) -> str:
    """A picture as base64 of a JPEG."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    done, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done, "OpenCV encodes any 8-bit picture"
    return base64.b64encode(jpeg.tobytes()).decode()


def _drawn(
    square: RGB,
    drawn_kss: Plane,
    carried_kss: Plane,
    desk: Desk,
) -> RGB:
    """The square in the exemplar's proportions, with outlines."""
    height_px, width_px = desk.shape if desk.settings.input.fit == "stretch" else (1, 1)
    scale = _SHOWN_PX / max(height_px, width_px)
    size = max(1, round(width_px * scale)), max(1, round(height_px * scale))
    shown = np.ascontiguousarray(cv2.resize(square, size, interpolation=cv2.INTER_LINEAR))
    for masks, thick in ((drawn_kss, False), (carried_kss, True)):
        for place, mask in enumerate(masks):
            inside = np.asarray(cv2.resize(mask, size) >= 0.5, np.uint8)
            outlines, _ = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
            colour = colour_of(place) if thick else (255, 255, 255)
            cv2.drawContours(shown, outlines, -1, colour, 2 if thick else 1, cv2.LINE_AA)
    return np.asarray(shown, np.uint8)
