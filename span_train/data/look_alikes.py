"""Find pairs of images that may show the same scene, without comparing every image with every one.

All images of a line look alike, so what is compared is how each differs from their mean: a 24 x 24
grey picture, evened, less the mean of all, as a direction. Turned and mirrored copies are looked
for in the eight ways in which a square can be turned. A k-d tree over the twelve strongest
components finds the nearest ones of each; two directions are never farther apart there than they
are in full, so none within reach is lost, beyond the few nearest that are kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

Vectors = npt.NDArray[np.float32]
Grey = npt.NDArray[np.uint8]
WAYS = (
    "as it is",
    "turned by 90°",
    "turned by 180°",
    "turned by 270°",
    "mirrored",
    "mirrored and turned by 90°",
    "mirrored and turned by 180°",
    "mirrored and turned by 270°",
)
_SIDE_PX = 24
_SIZE = (_SIDE_PX, _SIDE_PX)
_COMPONENTS = 12
_NEAREST = 6
_ALIKE = 0.9
_FEW = 50
_FITTED_ON = 3000
_AT_ONCE = 2000


@dataclass(frozen=True)
class Candidate:
    """Two images by their places, first < second.

    Attributes:
        first, second: Places in the thumbnails given.
        way: Place in `WAYS`: what to do with the second so that it looks like the first.
        alike: Correlation of how they differ from the mean.
    """

    first: int
    second: int
    way: int
    alike: float


def candidates(thumbnails: Grey | Sequence[Grey]) -> list[Candidate]:
    """Pairs that may be the same, the most alike first; each pair once, in its best way.

    Of each image 0.6 KB stay in memory, and what the tree needs.

    Args:
        thumbnails: (M, s, s) uint8.
    """
    if len(thumbnails) < 2:
        return []
    pictures = _Pictures(
        np.array([cv2.resize(one, _SIZE, interpolation=cv2.INTER_AREA) for one in thumbnails])
    )
    best: dict[tuple[int, int], Candidate] = {}
    for way in range(len(WAYS)):
        for start in range(0, len(thumbnails), _AT_ONCE):
            for found in pictures.near(start, way):
                pair = (found.first, found.second)
                if pair not in best or best[pair].alike < found.alike:
                    best[pair] = found
    return sorted(best.values(), key=lambda one: (-one.alike, one.first, one.second))


def turned(pictures: Grey, way: int) -> Grey:
    """Pictures (..., s, s) turned and mirrored in one of `WAYS`."""
    quarter = np.rot90(pictures, way % 4, axes=(-2, -1))
    return np.ascontiguousarray(quarter[..., ::-1] if way >= 4 else quarter)


class _Pictures:
    """Small pictures (M, 24, 24) uint8, and what finds those that are alike.

    A picture's direction, its 576 numbers, is made again whenever it is needed.
    """

    def __init__(self, small: Grey) -> None:
        self._small = small
        self._mean = np.zeros(_SIDE_PX**2, np.float32)
        if len(small) >= _FEW:  # the mean of fewer holds too much of each to be taken away
            sums = [_evened(piece).sum(axis=0, dtype=np.float64) for piece in self._pieces()]
            self._mean = (np.sum(sums, axis=0) / len(small)).astype(np.float32)
        self._axes = _strongest(self._directions(small[:: -(-len(small) // _FITTED_ON)]))
        points = [self._directions(piece) @ self._axes for piece in self._pieces()]
        self._tree = KDTree(np.concatenate(points))

    def near(self, start: int, way: int) -> Iterator[Candidate]:
        """The nearest images of some that are turned, those from `start` on."""
        other = self._directions(turned(self._small[start : start + _AT_ONCE], way))
        images, reach = len(self._small), float(np.sqrt(2 - 2 * _ALIKE))
        _, places = self._tree.query(
            other @ self._axes,
            k=min(_NEAREST + 1, images),
            distance_upper_bound=reach,
            workers=-1,
        )
        within = places < images
        rows, firsts = np.nonzero(within)[0], places[within]
        agree = np.einsum("cd,cd->c", self._directions(self._small[firsts]), other[rows])
        for second, first, alike in zip(
            (rows + start).tolist(), firsts.tolist(), agree.tolist(), strict=True
        ):
            if first != second and alike >= _ALIKE:
                # Turning the second by a quarter is turning the first by three; mirrored ways are
                # their own opposites.
                back = way if way >= 4 else -way % 4
                low_first = first < second
                yield Candidate(
                    min(first, second), max(first, second), way if low_first else back, alike
                )

    def _pieces(self) -> Iterator[Grey]:
        for start in range(0, len(self._small), _AT_ONCE):
            yield self._small[start : start + _AT_ONCE]

    def _directions(self, small: Grey) -> Vectors:
        """(m, 576): how each differs from the mean, of length 1."""
        directions = _evened(small) - self._mean
        length = np.linalg.norm(directions, axis=1, keepdims=True)
        return np.asarray(directions / np.maximum(length, 1e-6), np.float32)


def _evened(small: Grey) -> Vectors:
    """(m, 576) float32 with mean 0 and spread 1 each."""
    vectors = small.reshape(len(small), _SIDE_PX**2).astype(np.float32)
    vectors -= vectors.mean(axis=1, keepdims=True)
    vectors /= np.maximum(vectors.std(axis=1, keepdims=True), 1.0)
    return vectors


def _strongest(directions: Vectors) -> Vectors:
    """(576, 12): the axes along which directions differ most."""
    some = directions.astype(np.float64)
    _, axes = np.linalg.eigh(some.T @ some)
    return np.asarray(axes[:, ::-1][:, :_COMPONENTS], np.float32)
