"""Find pairs of images that may show the same scene, without comparing every image with every one.

All images of a line look alike, so what is compared is how each differs from their mean: a 24 x 24
grey picture, evened, less the mean of all, as a direction. Turned and mirrored copies are looked
for in the eight ways in which a square can be turned. A k-d tree over the twelve strongest
components finds the nearest ones of each; two directions are never farther apart there than they
are in full, so none within reach is lost, beyond the few nearest that are kept.
"""

from collections.abc import Iterator
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


def candidates(thumbnails: Grey) -> list[Candidate]:
    """Pairs that may be the same, the most alike first; each pair once, in its best way.

    Args:
        thumbnails: (M, s, s) uint8.
    """
    if len(thumbnails) < 2:
        return []
    small = np.array(
        [cv2.resize(one, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA) for one in thumbnails]
    )
    directions = _evened(small)
    # The mean of a few images holds too much of each to be taken away.
    mean = directions.mean(axis=0) if len(small) >= _FEW else np.zeros_like(directions[0])
    _make_directions(directions, mean)
    axes = _strongest(directions)
    tree = KDTree(directions @ axes)
    best: dict[tuple[int, int], Candidate] = {}
    for way in range(len(WAYS)):
        for start in range(0, len(small), _AT_ONCE):
            other = _evened(turned(small[start : start + _AT_ONCE], way))
            _make_directions(other, mean)
            for found in _near(tree, axes, directions, other, start, way):
                pair = (found.first, found.second)
                if pair not in best or best[pair].alike < found.alike:
                    best[pair] = found
    return sorted(best.values(), key=lambda one: (-one.alike, one.first, one.second))


def turned(pictures: Grey, way: int) -> Grey:
    """Pictures (..., s, s) turned and mirrored in one of `WAYS`."""
    quarter = np.rot90(pictures, way % 4, axes=(-2, -1))
    return np.ascontiguousarray(quarter[..., ::-1] if way >= 4 else quarter)


def _near(
    tree: KDTree, axes: Vectors, directions: Vectors, other: Vectors, start: int, way: int
) -> Iterator[Candidate]:
    """The nearest images of some that are turned; `other[0]` is that of image `start`."""
    reach = float(np.sqrt(2 - 2 * _ALIKE))
    count = min(_NEAREST + 1, len(directions))
    _, places = tree.query(other @ axes, k=count, distance_upper_bound=reach, workers=-1)
    within = places < len(directions)
    rows, firsts = np.nonzero(within)[0], places[within]
    agree = np.einsum("cd,cd->c", directions[firsts], other[rows])
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


def _evened(small: Grey) -> Vectors:
    """(M, 576) float32 with mean 0 and spread 1 each."""
    vectors = small.reshape(len(small), -1).astype(np.float32)
    vectors -= vectors.mean(axis=1, keepdims=True)
    vectors /= np.maximum(vectors.std(axis=1, keepdims=True), 1.0)
    return vectors


def _make_directions(evened: Vectors, mean: Vectors) -> None:
    """In place: how each differs from the mean, of length 1."""
    evened -= mean
    evened /= np.maximum(np.linalg.norm(evened, axis=1, keepdims=True), 1e-6)


def _strongest(directions: Vectors) -> Vectors:
    """(576, 12): the axes along which directions differ most, from at most 3,000 of them."""
    some = directions[:: -(-len(directions) // _FITTED_ON)].astype(np.float64)
    _, axes = np.linalg.eigh(some.T @ some)
    return np.asarray(axes[:, ::-1][:, :_COMPONENTS], np.float32)
