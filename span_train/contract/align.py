"""Bring an image into the frame of a reference, so that every part lies where the layout says.

Torch-free: the line PC aligns with the very code that training aligned with. Two ways find the
motion, and both are judged by the same number, how alike the aligned image and the reference are:

- `ecc`: the angle by phase correlation around the centre, the shift by phase correlation, then the
  enhanced correlation coefficient (Evangelidis and Psarakis, PAMI 2008; OpenCV's) on small grey
  pictures. For parts told by their outline, also round ones that turn by any angle.
- `features`: ORB key points (Rublee et al., ICCV 2011; OpenCV's) matched by RANSAC. For parts with
  print, holes or other marks, also where much of the view changes.

Matrices are (3, 3) over pixel indices (x, y, 1).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from span_train.contract.geometry import Affine, affine_of
from span_train.contract.marks import LEAST_MARKS, MARKS_PX, Motion, agreed_motion, find_marks

RGB = npt.NDArray[np.uint8]
Grey = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]
Align = Literal["off", "ecc", "features"]
SMALL_PX = 128  # longer side of the pictures that are compared
_ANGLES, _PEAKS, _PEAK_WIDTH = 360, 3, 12
_FURTHEST = 0.25  # share of the side that a shift is looked for
_ECC_STEPS, _ECC_ENOUGH, _ECC_BLUR = 40, 1e-4, 5
_LEAST_SPREAD = 3.0  # grey levels
_ECC_MOTIONS = {
    "translation": cv2.MOTION_TRANSLATION,
    "rigid": cv2.MOTION_EUCLIDEAN,
    "similarity": cv2.MOTION_AFFINE,
    "affine": cv2.MOTION_AFFINE,
}


class Aligned(NamedTuple):
    """How well an image was aligned.

    Attributes:
        confidence: How alike it and the reference are then: correlation of the small grey pictures,
            1 at best.
        seen: What share of the reference's frame the image shows; the rest is mirrored.
    """

    confidence: float
    seen: float


@dataclass(frozen=True)
class Alignment:
    """How an image lies to the reference.

    Attributes:
        from_reference: (3, 3): takes a pixel of the reference to its pixel in the image.
        how_well: How well the two fit.
    """

    from_reference: Matrix
    how_well: Aligned

    @property
    def confidence(self) -> float:
        """How alike the two are, 1 at best."""
        return self.how_well.confidence

    def to_reference(self) -> Affine:
        """Takes a place of the image to the reference; places as in `Geometry`."""
        middle = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
        back = middle @ np.linalg.inv(self.from_reference) @ np.linalg.inv(middle)
        return affine_of(back)

    @property
    def turn_deg(self) -> float:
        """By how much the image is turned against the reference, in degrees."""
        return math.degrees(math.atan2(self.from_reference[1, 0], self.from_reference[0, 0]))


class Aligner:
    """Aligns images with one reference; threads may share it.

    Args:
        reference: (H, W, 3) uint8; aligned images get its size.
        how: `ecc` or `features`.
        motion: What images may differ by; `rigid` is shifts and turns.

    Raises:
        ValueError: There is nothing in the reference that could be aligned to.
    """

    def __init__(self, reference: RGB, how: Align, motion: Motion) -> None:
        self.how, self.motion = how, motion
        self.size = (reference.shape[1], reference.shape[0])
        self._small_size = _shrunk(self.size, SMALL_PX)
        self._marks_size = _shrunk(self.size, MARKS_PX)
        self._small = _small_grey(reference, self._small_size)
        spread = float(self._small.std())
        if spread < _LEAST_SPREAD:
            raise ValueError(
                f"it is nearly flat (grey levels spread by {spread:.1f}, at least "
                f"{_LEAST_SPREAD:.0f} are needed to align to)"
            )
        self._rings = _rings(self._small)
        self._marks = find_marks(reference, self._marks_size) if how == "features" else None
        if self._marks is not None and len(self._marks[0]) < LEAST_MARKS:
            raise ValueError(
                f"{len(self._marks[0])} marks were found in it, at least {LEAST_MARKS} are needed "
                "to align by features; use ecc"
            )

    def find(self, image: RGB) -> Alignment:
        """How an (H, W, 3) uint8 image of any size lies to the reference."""
        size = (image.shape[1], image.shape[0])
        small = _small_grey(image, self._small_size)
        if self.how == "features":
            ways = [np.eye(3), self._by_marks(image)]
            found = max(ways, key=lambda one: self._likeness(small, one))
        else:
            found = self._by_outline(small)
        into_image = _stretch(self._small_size, size)
        out_of_reference = np.linalg.inv(_stretch(self._small_size, self.size))
        how_well = Aligned(self._likeness(small, found), float(_seen(small, found).mean()))
        return Alignment(into_image @ found @ out_of_reference, how_well)

    def bring(self, image: RGB, alignment: Alignment) -> RGB:
        """The image in the reference's frame, of its size; what lies beyond is mirrored."""
        aligned = cv2.warpAffine(
            image,
            alignment.from_reference[:2],
            self.size,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        return np.asarray(aligned, np.uint8)

    def bring_masks(
        self, masks_khw: npt.NDArray[np.bool_], alignment: Alignment
    ) -> npt.NDArray[np.bool_]:
        """Masks (K, H, W) drawn on the image, in the reference's frame; nothing lies beyond."""
        brought = [
            cv2.warpAffine(
                mask.astype(np.uint8),
                alignment.from_reference[:2],
                self.size,
                flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_CONSTANT,
            )
            for mask in masks_khw
        ]
        return np.asarray(brought, np.bool_)

    def _by_outline(self, small: Grey) -> Matrix:
        """The best start, made exact; where that fails, the start itself."""
        start = max(self._starts(small), key=lambda one: self._likeness(small, one))
        exact = start @ self._rest(_warped(small, start))
        if self.motion == "similarity":
            exact = _nearest_similarity(exact)
        return exact if self._likeness(small, exact) > self._likeness(small, start) else start

    def _rest(self, brought: Grey) -> Matrix:
        """The little left after the start; OpenCV's search gives up beyond a quarter turn."""
        kind, still = _ECC_MOTIONS[self.motion], np.eye(2, 3, dtype=np.float32)
        until = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _ECC_STEPS, _ECC_ENOUGH)
        everywhere = np.ones(brought.shape, np.uint8)
        how = kind, until, everywhere, _ECC_BLUR
        try:
            _, found = cv2.findTransformECC(self._small, brought, still, *how)
        except cv2.error:  # it says so where it does not converge
            return np.eye(3)
        return _square(np.asarray(found, np.float64))

    def _starts(self, small: Grey) -> Iterator[Matrix]:
        turns = [0] if self.motion == "translation" else [0, *self._angles(small)]
        for turn_deg in dict.fromkeys(turns):
            turned = _turn(self._small_size, turn_deg)
            yield turned
            yield turned @ self._shift(_warped(small, turned))

    def _angles(self, small: Grey) -> list[int]:
        """The angles in degrees at which the rings around the centre agree best."""
        crossed = (
            np.fft.rfft(self._rings, axis=0).conj() * np.fft.rfft(_rings(small), axis=0)
        ).sum(axis=1)
        agreement = np.fft.irfft(crossed, n=_ANGLES)
        found = []
        for _ in range(_PEAKS):
            best = int(agreement.argmax())
            found.append(best if best <= _ANGLES // 2 else best - _ANGLES)
            agreement[(best + np.arange(-_PEAK_WIDTH, _PEAK_WIDTH + 1)) % _ANGLES] = -np.inf
        return found

    def _shift(self, turned: Grey) -> Matrix:
        (right, down), _ = cv2.phaseCorrelate(self._small, turned)
        width, height = self._small_size
        if abs(right) > _FURTHEST * width or abs(down) > _FURTHEST * height:
            return np.eye(3)
        return np.array([[1, 0, right], [0, 1, down], [0, 0, 1.0]])

    def _by_marks(self, image: RGB) -> Matrix:
        """The motion that most marks agree on; none where there are too few."""
        assert self._marks is not None, "features have marks"
        places, described = find_marks(image, self._marks_size)
        if len(places) < LEAST_MARKS:
            return np.eye(3)
        pairs = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(self._marks[1], described)
        if len(pairs) < LEAST_MARKS // 2:
            return np.eye(3)
        scale = self._small_size[0] / self._marks_size[0]
        here = self._marks[0][[pair.queryIdx for pair in pairs]] * scale
        there = places[[pair.trainIdx for pair in pairs]] * scale
        return agreed_motion(here, there, self.motion)

    def _likeness(self, small: Grey, found: Matrix) -> float:
        """Correlation of the reference and the aligned image where both show something."""
        seen = _seen(small, found)
        if seen.mean() < 0.25:
            return -1.0
        one, other = self._small[seen], _warped(small, found)[seen]
        one, other = one - one.mean(), other - other.mean()
        length = float(np.linalg.norm(one) * np.linalg.norm(other))
        return float(one @ other) / length if length > 0 else 0.0


def _nearest_similarity(affine: Matrix) -> Matrix:
    a, b, c, d = affine[:2, :2].ravel()
    along, across = (a + d) / 2, (c - b) / 2
    nearest = affine.copy()
    nearest[:2, :2] = [[along, -across], [across, along]]
    return nearest


def _small_grey(image: RGB, size: tuple[int, int]) -> Grey:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)


def _seen(small: Grey, found: Matrix) -> npt.NDArray[np.bool_]:
    """Where in the reference's frame the image shows something."""
    ones = np.ones(small.shape, np.float32)
    return np.asarray(_warped(ones, found, cv2.BORDER_CONSTANT) > 0.5)


def _rings(small: Grey) -> Grey:
    """(360, r): what changes with the angle around the centre, weighed by the ring's length."""
    height, width = small.shape
    radius = min(height, width) // 2
    centre = ((width - 1) / 2, (height - 1) / 2)
    polar = cv2.warpPolar(small, (radius, _ANGLES), centre, radius - 1, cv2.INTER_LINEAR)
    rings = np.asarray(polar, np.float32)[:, 3:]
    weight = np.sqrt(np.arange(rings.shape[1]) + 3.5)
    return np.asarray((rings - rings.mean(axis=0)) * weight, np.float32)


def _turn(size: tuple[int, int], turn_deg: float) -> Matrix:
    centre = ((size[0] - 1) / 2, (size[1] - 1) / 2)
    return _square(np.asarray(cv2.getRotationMatrix2D(centre, -turn_deg, 1.0), np.float64))


def _warped(small: Grey, found: Matrix, border: int = cv2.BORDER_REPLICATE) -> Grey:
    size = (small.shape[1], small.shape[0])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(small, found[:2], size, flags=how, borderMode=border)
    return np.asarray(warped, np.float32)


def _square(affine: Matrix) -> Matrix:
    return np.vstack([affine, [0.0, 0.0, 1.0]])


def _shrunk(size: tuple[int, int], longest_px: int) -> tuple[int, int]:
    scale = longest_px / max(size)
    return max(8, round(size[0] * scale)), max(8, round(size[1] * scale))


def _stretch(small: tuple[int, int], size: tuple[int, int]) -> Matrix:
    """From pixel indices of a picture of the first size to those of the second."""
    x, y = size[0] / small[0], size[1] / small[1]
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1.0]])
