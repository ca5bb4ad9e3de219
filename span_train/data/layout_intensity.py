"""Tell parts by their brightness in each image, within the place where each is to be looked for.

Letters: M images, K parts, S side of the fitted image in pixels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from span_train.contract.layout import MaskKHW

Squares = npt.NDArray[np.uint8]
MasksMKSS = npt.NDArray[np.uint8]
Greys = npt.NDArray[np.float32]
_CHUNK = 64
_INSIDE = 0.5
_RED, _GREEN, _BLUE = 0.299, 0.587, 0.114  # ITU-R BT.601


@dataclass(frozen=True)
class PartLight:
    """How one part differs from what surrounds it.

    Attributes:
        bright: Whether it is brighter, not darker.
        tau: Grey level (0 to 255) between the two; None finds it in each image, as the level that
            divides the place's pixels best (Otsu, IEEE Trans. SMC 9, 1979).
        temperature: Grey levels over which the mask fades.
    """

    bright: bool
    tau: float | None
    temperature: float


def intensity_masks(
    squares_nhwc: Squares,
    coarse_kss: MaskKHW,
    lights: Sequence[PartLight],
    out_mkss: MasksMKSS | None = None,
) -> MasksMKSS:
    """A mask of each part for each image: ``sigmoid((tau - x) / T)`` times its coarse place.

    For a bright part the sign is the other way round (DESIGN.md, section 5). x is the image's grey
    level. It is worked out from the images as they are, before any augmentation.

    Args:
        squares_nhwc: (M, S, S, 3) uint8, fitted; may be memory-mapped.
        coarse_kss: (K, S, S) float32 in [0, 1], where each part is looked for.
        lights: How each of the K parts differs.
        out_mkss: Where to write, (M, K, S, S) uint8; may be memory-mapped. None makes a new array.

    Returns:
        out_mkss, 255 inside a part.

    Raises:
        ValueError: The shapes do not fit each other, or out_mkss is not uint8.
    """
    shape = (len(squares_nhwc), *coarse_kss.shape)
    out_mkss = np.empty(shape, np.uint8) if out_mkss is None else out_mkss
    if out_mkss.shape != shape or out_mkss.dtype != np.uint8:
        raise ValueError(f"masks go into {shape} uint8, not {out_mkss.shape} {out_mkss.dtype}")
    for first, masks_bkss in _chunks(squares_nhwc, coarse_kss, lights):
        out_mkss[first : first + len(masks_bkss)] = masks_bkss * 255 + 0.5
    return out_mkss


def mean_intensity_masks(
    squares_nhwc: Squares, coarse_kss: MaskKHW, lights: Sequence[PartLight]
) -> tuple[MaskKHW, npt.NDArray[np.float64]]:
    """The average over images of what `intensity_masks` gives, without keeping them.

    Returns:
        (K, S, S) float32 in [0, 1], and the area of each part in each image, (M, K), in pixels.

    Raises:
        ValueError: There is no image, or the shapes do not fit each other.
    """
    if not len(squares_nhwc):
        raise ValueError("the mean over images needs at least one, found none")
    total_kss = np.zeros(coarse_kss.shape, np.float64)
    areas_mk = np.empty((len(squares_nhwc), len(coarse_kss)), np.float64)
    for first, masks_bkss in _chunks(squares_nhwc, coarse_kss, lights):
        total_kss += masks_bkss.sum(axis=0, dtype=np.float64)
        areas_mk[first : first + len(masks_bkss)] = masks_bkss.sum(axis=(2, 3))
    return np.asarray(total_kss / len(squares_nhwc), np.float32), areas_mk


def widened(masks_kss: MaskKHW, reach_px: float) -> MaskKHW:
    """Places to look in: everything within `reach_px` of a mask, as 0 and 1."""
    inside = (masks_kss > 0).astype(np.uint8)
    reach = round(reach_px)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.stack([np.asarray(cv2.dilate(mask, disc), np.float32) for mask in inside])


def is_brighter(squares_nhwc: Squares, mask_ss: Greys, place_ss: Greys) -> bool:
    """Whether a part is brighter than the rest of its place (or than all else, if it fills it)."""
    inside = mask_ss > _INSIDE * mask_ss.max()
    around = (place_ss > 0) & ~inside
    around = around if around.any() else ~inside
    greys_nss = _greys(squares_nhwc)
    return bool(np.median(greys_nss[:, inside]) > np.median(greys_nss[:, around]))


def _chunks(
    squares_nhwc: Squares, coarse_kss: MaskKHW, lights: Sequence[PartLight]
) -> Iterator[tuple[int, Greys]]:
    """Number of the first image, and masks (B, K, S, S) in [0, 1], of some images at a time."""
    if squares_nhwc.shape[1:3] != coarse_kss.shape[1:] or len(lights) != len(coarse_kss):
        raise ValueError(
            f"images {squares_nhwc.shape}, places {coarse_kss.shape} and {len(lights)} parts do "
            "not fit each other"
        )
    for first in range(0, len(squares_nhwc), _CHUNK):
        greys_bss = _greys(squares_nhwc[first : first + _CHUNK])
        masks = [
            _masks(greys_bss, place_ss, light)
            for place_ss, light in zip(coarse_kss, lights, strict=True)
        ]
        yield first, np.stack(masks, axis=1)


def _masks(greys_bss: Greys, place_ss: Greys, light: PartLight) -> Greys:
    tau_b = [light.tau if light.tau is not None else _divide(g, place_ss) for g in greys_bss]
    below_bss = np.asarray(tau_b, np.float32)[:, None, None] - greys_bss
    steps_bss = (-below_bss if light.bright else below_bss) / np.float32(light.temperature)
    told_bss = 0.5 + 0.5 * np.tanh(steps_bss / 2)  # the sigmoid, without overflow
    return np.asarray(told_bss * place_ss, np.float32)


def _divide(grey_ss: Greys, place_ss: Greys) -> float:
    """The grey level that divides a place's pixels best: half a level above the darker class."""
    pixels = np.rint(grey_ss[place_ss > 0]).astype(np.uint8).reshape(-1, 1)
    if not pixels.size:
        return 0.0
    level, _ = cv2.threshold(pixels, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float(level) + 0.5


def _greys(squares_nhwc: Squares) -> Greys:
    """(B, S, S) float32, 0 to 255."""
    weights = np.array([_RED, _GREEN, _BLUE], np.float32)
    return np.asarray(squares_nhwc.astype(np.float32) @ weights, np.float32)
