"""Carry the exemplar's parts over to each image, so that heads learn where the parts are in it.

The refined layout of DESIGN.md, section 5 (d): dense inverse search (Kroeger et al., ECCV 2016;
OpenCV's) finds for every pixel of an image the pixel of the exemplar that looks like it, and the
masks follow. Torch-free. Why this and not the network's own attention: docs/decisions/0008.

Letters: M images, E exemplars, K parts, S side of a fitted image, s side of a mask, in pixels.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from span_train.contract.image import RGB

Plane = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8] | npt.NDArray[np.float32]
_SIDE_PX = 192
_SHADING = 1 / 3  # sigma of what counts as shading, as a share of the side
_REFINEMENTS = 20
_SMOOTHING_PX = 3.0
_THREADS = 4


class KnownParts(NamedTuple):
    """A fitted image and its parts: (S, S, 3) uint8 and (K, S, S) float32 in [0, 1]."""

    square: RGB
    masks_kss: Plane


@dataclass(frozen=True)
class Carried:
    """How well the parts could be carried over.

    Attributes:
        moved: Mean distance that points moved, as a share of the side, for each image.
        kept: Images that look less like the exemplar afterwards; they keep its masks as they are.
    """

    moved_m: npt.NDArray[np.float64]
    kept_m: npt.NDArray[np.bool_]

    def as_text(self) -> str:
        """One line for the log."""
        followed = self.moved_m[~self.kept_m]
        shift = f", by {np.median(followed):.1%} of the side" if followed.size else ""
        stayed = f"; {self.kept_m.sum()} keep the exemplar's masks" if self.kept_m.any() else ""
        return f"parts carried over to {followed.size} of {self.kept_m.size} images{shift}{stayed}"


class Registration:
    """Finds the parts of one image from those of one or several exemplars.

    Raises:
        ValueError: There is no exemplar.
    """

    def __init__(self, exemplars: Sequence[KnownParts]) -> None:
        if not exemplars:
            raise ValueError("registration needs at least one exemplar")
        self.evened = [evened(one.square) for one in exemplars]
        self.masks = [_resized(one.masks_kss, _SIDE_PX) for one in exemplars]

    def carry(self, square: RGB) -> tuple[Plane, float, bool]:
        """The masks (K, 192, 192), the mean shift as a share of the side, and whether none held.

        Masks of several exemplars are averaged, each carried over by itself.
        """
        image = evened(square)
        found = [_carry_one(image, *pair) for pair in zip(self.evened, self.masks, strict=True)]
        masks_kss = np.asarray(np.mean([masks for masks, _, _ in found], axis=0), np.float32)
        shift = float(np.mean([shift for _, shift, _ in found]))
        return masks_kss, shift, all(kept for _, _, kept in found)


def carry_to_all(
    squares_mssc: npt.NDArray[np.uint8], exemplars: Sequence[KnownParts], out_mkss: RGB
) -> Carried:
    """Fill `out_mkss` with the parts of every image; 255 is inside.

    Args:
        squares_mssc: (M, S, S, 3) fitted images; may be memory-mapped.
        exemplars: One or several, fitted alike.
        out_mkss: (M, K, s, s) uint8, written to; may be memory-mapped.
    """
    registration, side_px = Registration(exemplars), out_mkss.shape[-1]

    def one(place: int) -> tuple[float, bool]:
        masks_kss, shift, kept = registration.carry(squares_mssc[place])
        out_mkss[place] = np.clip(_resized(masks_kss, side_px) * 255 + 0.5, 0, 255)
        return shift, kept

    with _single_threaded(), ThreadPoolExecutor(_THREADS) as threads:
        found = list(threads.map(one, range(len(squares_mssc))))
    shifts, kept = zip(*found, strict=True)
    return Carried(np.array(shifts), np.array(kept, np.bool_))


def evened(square: RGB) -> npt.NDArray[np.uint8]:
    """Grey (192, 192) with slow changes of brightness and contrast taken out, 50 levels a sigma."""
    grey = cv2.cvtColor(square, cv2.COLOR_RGB2GRAY)
    how = cv2.INTER_AREA if grey.shape[0] > _SIDE_PX else cv2.INTER_LINEAR
    picture = cv2.resize(grey, (_SIDE_PX, _SIDE_PX), interpolation=how).astype(np.float32)
    wide = (0, 0), _SIDE_PX * _SHADING
    centred = picture - cv2.GaussianBlur(picture, *wide)
    spread = np.sqrt(cv2.GaussianBlur(centred**2, *wide)) + 4
    return np.asarray(np.clip(centred / spread * 50 + 128, 0, 255), np.uint8)


@contextmanager
def _single_threaded() -> Iterator[None]:
    """OpenCV's search depends on its number of threads; with one, any machine finds the same."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _carry_one(
    image: npt.NDArray[np.uint8], exemplar: npt.NDArray[np.uint8], masks_kss: Plane
) -> tuple[Plane, float, bool]:
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)
    search.setVariationalRefinementIterations(_REFINEMENTS)
    nothing = np.zeros((*image.shape, 2), np.float32)
    found_ss2 = search.calc(image, exemplar, nothing)
    shift_ss2 = np.asarray(cv2.GaussianBlur(found_ss2, (0, 0), _SMOOTHING_PX), np.float32)
    if _likeness(image, _taken(exemplar, shift_ss2)) <= _likeness(image, exemplar):
        return masks_kss, 0.0, True
    carried_kss = np.stack([_taken(mask, shift_ss2) for mask in masks_kss])
    return carried_kss, float(np.linalg.norm(shift_ss2, axis=-1).mean() / _SIDE_PX), False


def _taken(picture: Picture, shift_ss2: Plane) -> Plane:
    """The picture's values at each pixel moved by its shift."""
    rows, columns = np.mgrid[:_SIDE_PX, :_SIDE_PX].astype(np.float32)
    x, y = columns + shift_ss2[..., 0], rows + shift_ss2[..., 1]
    taken = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(taken, np.float32)


def _likeness(first: Picture, second: Picture) -> float:
    """Correlation of two pictures; 0 where one is flat."""
    one, other = (np.asarray(p, np.float64) - float(np.mean(p)) for p in (first, second))
    scale = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float((one * other).sum() / scale) if scale > 0 else 0.0


def _resized(masks_kss: Plane, side_px: int) -> Plane:
    how = cv2.INTER_AREA if masks_kss.shape[-1] > side_px else cv2.INTER_LINEAR
    size = (side_px, side_px)
    return np.stack([cv2.resize(mask, size, interpolation=how) for mask in masks_kss])
