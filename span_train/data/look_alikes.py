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
    evened = _evened(thumbnails)
    # The mean of a few images holds too much of each to be taken away.
    mean = evened.mean(axis=0) if len(thumbnails) >= _FEW else np.zeros_like(evened[0])
    directions = _directions(evened, mean)
    axes = _strongest(directions)
    tree = KDTree(directions @ axes)
    best: dict[tuple[int, int], Candidate] = {}
    for way in range(len(WAYS)):
        other = directions if way == 0 else _directions(_evened(turned(thumbnails, way)), mean)
        for found in _near(tree, axes, directions, other, way):
            pair = (found.first, found.second)
            if pair not in best or best[pair].alike < found.alike:
                best[pair] = found
    return sorted(best.values(), key=lambda one: (-one.alike, one.first, one.second))


def turned(pictures: Grey, way: int) -> Grey:
    """Pictures (..., s, s) turned and mirrored in one of `WAYS`."""
    quarter = np.rot90(pictures, way % 4, axes=(-2, -1))
    return np.ascontiguousarray(quarter[..., ::-1] if way >= 4 else quarter)


def _near(
    tree: KDTree, axes: Vectors, directions: Vectors, other: Vectors, way: int
) -> Iterator[Candidate]:
    reach = float(np.sqrt(2 - 2 * _ALIKE))
    count = min(_NEAREST + 1, len(directions))
    _, places = tree.query(other @ axes, k=count, distance_upper_bound=reach, workers=-1)
    within = places < len(directions)
    for second, first in zip(np.nonzero(within)[0].tolist(), places[within].tolist(), strict=True):
        alike = float(directions[first] @ other[second])
        if first != second and alike >= _ALIKE:
            # Turning the second by a quarter is turning the first by three; mirrored ways are
            # their own opposites.
            back = way if way >= 4 else -way % 4
            low_first = first < second
            yield Candidate(
                min(first, second), max(first, second), way if low_first else back, alike
            )


def _evened(thumbnails: Grey) -> Vectors:
    """(M, 576) float32 with mean 0 and spread 1 each."""
    small = [
        cv2.resize(one, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA) for one in thumbnails
    ]
    vectors = np.array(small, np.float32).reshape(len(thumbnails), -1)
    vectors -= vectors.mean(axis=1, keepdims=True)
    vectors /= np.maximum(vectors.std(axis=1, keepdims=True), 1.0)
    return vectors


def _directions(evened: Vectors, mean: Vectors) -> Vectors:
    apart = evened - mean
    apart /= np.maximum(np.linalg.norm(apart, axis=1, keepdims=True), 1e-6)
    return np.asarray(apart, np.float32)


def _strongest(directions: Vectors) -> Vectors:
    """(576, 12): the axes along which directions differ most, from at most 3,000 of them."""
    some = directions[:: -(-len(directions) // _FITTED_ON)].astype(np.float64)
    _, axes = np.linalg.eigh(some.T @ some)
    return np.asarray(axes[:, ::-1][:, :_COMPONENTS], np.float32)
