"""Measure what tells an image that is fit to be judged: its light, its focus, its place.

Learning, evaluation and the line all measure here. Torch-free.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from span_train.contract.align import Aligned
from span_train.contract.image import RGB
from span_train.contract.image_quality import ImageQuality

Grey = npt.NDArray[np.uint8]
Picture = npt.NDArray[np.float32]
USUAL_PX = 64
_REACH_PX = 10  # about 16 % of the side
_BRIGHTEST = 0.02
_DARKEST_LEVEL = 1 / 255


@dataclass(frozen=True)
class Usual:
    """What images of a line usually look like.

    Attributes:
        outlines: Of the usual image, (64, 64).
        middle: Its middle, which an image is searched for.
    """

    outlines: Picture
    middle: Picture


@lru_cache(maxsize=8)
def usual_from(levels: bytes) -> Usual:
    """From the 64 x 64 grey levels of the usual image, row by row."""
    found = outlines(np.frombuffer(levels, np.uint8).reshape(USUAL_PX, USUAL_PX))
    middle = np.ascontiguousarray(found[_REACH_PX:-_REACH_PX, _REACH_PX:-_REACH_PX])
    for one in (found, middle):
        one.flags.writeable = False  # all threads share it
    return Usual(found, middle)


def readings_of(
    square: RGB, quality: ImageQuality, usual: Usual, aligned: Aligned | None = None
) -> dict[str, float]:
    """Measure a fitted image; the network adds `strangeness` (`policy/gate.py`).

    Args:
        square: (S, S, 3) uint8, as the network sees it.
        quality: Of the same square.
        aligned: How well it was aligned; None where nothing is.

    Returns:
        brightness, clipped: As in `quality`.
        highlights: The grey level, 0 to 1, that only the brightest 2 % exceed: a dark defect leaves
            it, a weak lamp does not.
        contrast: Standard deviation of the grey levels, of 255.
        fine_detail, coarse_detail: Energy of edges at full over that at half size, and at half over
            that at a quarter: what blur takes away, whatever the contrast.
        green_red, blue_yellow: Mean of CIE L*a*b*'s a* and b*.
        likeness: Correlation of its outlines with the usual image's, where they fit best.
        fits_elsewhere: How much better they fit where they fit best than where they should.
        alignment, seen: How well it was aligned, and what share of the reference's frame it shows;
            left out where nothing is aligned.
    """
    means = np.asarray(cv2.mean(cv2.cvtColor(square, cv2.COLOR_RGB2Lab)))
    grey = np.asarray(cv2.cvtColor(square, cv2.COLOR_RGB2GRAY), np.uint8)
    fine, coarse = _details(grey)
    likeness, fits_elsewhere = _compared(outlines(_small(grey)), usual)
    measured = {
        "brightness": max(quality.brightness, _DARKEST_LEVEL),
        "highlights": _highlights(grey),
        "contrast": max(quality.contrast * 255, 0.1),
        "fine_detail": fine,
        "coarse_detail": coarse,
        "clipped": quality.clipped,
        "green_red": float(means[1]) - 128,
        "blue_yellow": float(means[2]) - 128,
        "likeness": likeness,
        "fits_elsewhere": fits_elsewhere,
    }
    if aligned is not None:
        measured |= {"alignment": aligned.confidence, "seen": aligned.seen}
    return measured


def small_grey(square: RGB) -> Grey:
    """The square as 64 x 64 grey levels."""
    return _small(np.asarray(cv2.cvtColor(square, cv2.COLOR_RGB2GRAY), np.uint8))


def outlines(grey: Grey) -> Picture:
    """Grey levels without slow shading and grain, mean 0 and spread 1."""
    levels = grey.astype(np.float32)
    plain = cv2.GaussianBlur(levels - cv2.GaussianBlur(levels, (0, 0), USUAL_PX / 8), (0, 0), 1)
    plain = np.asarray(plain, np.float32)
    return np.asarray((plain - plain.mean()) / max(float(plain.std()), 0.5), np.float32)


def _small(grey: Grey) -> Grey:
    how = cv2.INTER_AREA if grey.shape[0] > USUAL_PX else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, (USUAL_PX, USUAL_PX), interpolation=how), np.uint8)


def _highlights(grey: Grey) -> float:
    darker = np.cumsum(np.bincount(grey.ravel(), minlength=256))
    level = int(np.searchsorted(darker, (1 - _BRIGHTEST) * grey.size))
    return max(level / 255, _DARKEST_LEVEL)


def _details(grey: Grey) -> tuple[float, float]:
    """Laplacian variance from one octave to the next; one grey level is added as rounding's own."""
    level, energies = grey.astype(np.float32), []
    for _ in range(3):
        edges = np.asarray(cv2.Laplacian(level, cv2.CV_32F))
        energies.append(float(edges.var()) + 1)
        half = (max(level.shape[1] // 2, 1), max(level.shape[0] // 2, 1))
        level = np.asarray(cv2.resize(level, half, interpolation=cv2.INTER_AREA), np.float32)
    full, half_size, quarter = energies
    return full / half_size, half_size / quarter


def _compared(own: Picture, usual: Usual) -> tuple[float, float]:
    """Likeness at its best place, and what that place gains over the right one."""
    fits = np.asarray(cv2.matchTemplate(own, usual.middle, cv2.TM_CCOEFF_NORMED))
    best, here = float(fits.max()), float(fits[_REACH_PX, _REACH_PX])
    return max(best, float((own * usual.outlines).mean())), best - here
