"""What every image goes through before the network: aligned where the line says so, then fitted.

Training, export, scoring, serving and the station all frame images here.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from span_train.contract.align import RGB, Align, Aligned, Aligner
from span_train.contract.errors import InputError
from span_train.contract.geometry import Geometry
from span_train.contract.image import Fit, fit, load_image
from span_train.contract.image_bytes import read_image_bytes
from span_train.contract.marks import Motion
from span_train.contract.settings import InputSettings


@dataclass(frozen=True)
class Framed:
    """An image as the network takes it.

    Attributes:
        square: (S, S, 3) uint8.
        geometry: How the square lies over the original.
        aligned: How well it was aligned; None where nothing is.
    """

    square: RGB
    geometry: Geometry
    aligned: Aligned | None = None


@dataclass(frozen=True)
class Framing:
    """Brings images to the network's square; threads may share it.

    Attributes:
        side_px: S.
        how: How a rectangle becomes a square.
        aligner: None where parts always lie in one pose.
    """

    side_px: int
    how: Fit
    aligner: Aligner | None = None

    def __call__(self, image: RGB) -> Framed:
        """Frame an (H, W, 3) uint8 image of any size.

        Raises:
            ValueError: It is of another type or shape.
        """
        if self.aligner is None:
            return Framed(*fit(image, self.side_px, self.how))
        alignment = self.aligner.find(image)
        square, geometry = fit(self.aligner.bring(image, alignment), self.side_px, self.how)
        turned = Geometry(
            image.shape[0],
            image.shape[1],
            self.side_px,
            geometry.scale_x,
            geometry.scale_y,
            geometry.offset_x_px,
            geometry.offset_y_px,
            alignment.to_reference(),
        )
        return Framed(square, turned, alignment.how_well)


def framing_of(settings: InputSettings) -> Framing:
    """The framing that a line's settings ask for.

    Raises:
        ImageError: The reference cannot be read.
        InputError: There is no reference, or nothing can be aligned to it.
    """
    if settings.align == "off":
        return Framing(settings.side_px, settings.fit)
    return Framing(settings.side_px, settings.fit, _aligner(settings, reference_hash(settings)))


def reference_hash(settings: InputSettings) -> str:
    """sha256 of the reference's file; empty where nothing is aligned.

    Raises:
        ImageError: It cannot be read.
        InputError: There is none.
    """
    if settings.align == "off":
        return ""
    if settings.reference is None:
        raise InputError(
            f"input.align: {settings.align}, but no image is chosen to align to; name one as "
            "input.reference."
        )
    return hashlib.sha256(read_image_bytes(settings.reference, settings.max_pixels)).hexdigest()


def read_reference(settings: InputSettings) -> RGB:
    """The image that others are aligned to, (H, W, 3) in its own size.

    Raises:
        ImageError: It cannot be read.
    """
    assert settings.reference is not None, "settings check that a reference is named"
    return load_image(settings.reference, window=settings.window, max_pixels=settings.max_pixels)


def aligner_to(reference: RGB, how: Align, motion: Motion, where: Path) -> Aligner:
    """An aligner; `where` names the reference in messages.

    Raises:
        InputError: Nothing can be aligned to the reference.
    """
    try:
        return Aligner(reference, how, motion)
    except ValueError as problem:
        raise InputError(
            f"{where}: images cannot be aligned to it: {problem}; name another input.reference, or "
            "set input.align: off."
        ) from None


@lru_cache(maxsize=4)
def _aligner(settings: InputSettings, content: str) -> Aligner:
    assert settings.reference is not None, "settings check that a reference is named"
    return aligner_to(read_reference(settings), settings.align, settings.motion, settings.reference)
