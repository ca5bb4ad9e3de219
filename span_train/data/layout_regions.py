"""Divide the picture into regions that look and vary alike over many images, the same every time.

Letters: N images, s side of the small grey images, P = s * s places.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from sklearn.cluster import ward_tree
from sklearn.feature_extraction.image import grid_to_graph

Greys = npt.NDArray[np.float32]
Map = npt.NDArray[np.float64]
Regions = npt.NDArray[np.int64]
_MOST_IMAGES = 1000
_SIDE_PX = 56
_RUNS = 8
_RUN_COUNTS = (3, 4, 5, 6)
_SPREAD_WEIGHT = _EDGE_WEIGHT = _PLACE_WEIGHT = 0.5
_VOTE_PLACE_WEIGHT = 0.075


def small_greys(images_nhwc: npt.NDArray[np.uint8]) -> Greys:
    """Small grey images (N, s, s), each with mean 0 and spread 1, so that light does not matter.

    At most 1000 images are taken, evenly spaced.
    """
    side_px = min(images_nhwc.shape[1], _SIDE_PX)
    chosen = images_nhwc[:: -(-len(images_nhwc) // _MOST_IMAGES)]
    greys_nss = np.empty((len(chosen), side_px, side_px), np.float32)
    for place, image in enumerate(chosen):
        grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
        small = cv2.resize(grey, (side_px, side_px), interpolation=cv2.INTER_AREA)
        values = np.asarray(small, np.float32)
        greys_nss[place] = (values - values.mean()) / max(float(values.std()), 1.0)
    return greys_nss


def find_regions(greys_nss: Greys, counts: Sequence[int]) -> dict[int, Regions]:
    """Regions of the picture for each number of them: (s, s) with values 0 to number - 1.

    Places are clustered by Ward's method, merging neighbours only, on eight random halves of the
    images (always the same ones) into 3, 4, 5 and 6 regions. One such clustering changes much with
    few images; so two places count as alike by how often they fell into one region, and are
    clustered once more by that (a cluster ensemble: Strehl and Ghosh, JMLR 3, 2002).
    """
    side_px = greys_nss.shape[1]
    neighbours = grid_to_graph(side_px, side_px)
    votes = [_place(side_px, _VOTE_PLACE_WEIGHT)]
    random = np.random.default_rng(0)
    for _ in range(_RUNS):
        half = random.permutation(len(greys_nss))[: -(-len(greys_nss) // 2)]
        children, _, leaves, _ = ward_tree(_described(greys_nss[half]), connectivity=neighbours)
        for count in _RUN_COUNTS:
            vote = np.eye(count)[_cut(children, leaves, count)]
            votes.append(vote / np.sqrt(2 * _RUNS * len(_RUN_COUNTS)))
    children, _, leaves, _ = ward_tree(np.concatenate(votes, 1), connectivity=neighbours)
    return {count: _cut(children, leaves, count).reshape(side_px, side_px) for count in counts}


def _described(greys_nss: Greys) -> Map:
    """(P, 5): mean, spread and edge strength over the images, row and column."""
    mean = greys_nss.mean(axis=0, dtype=np.float64)
    spread = greys_nss.std(axis=0, dtype=np.float64)
    edges = np.hypot(*np.gradient(_smoothed(mean)))
    weighed = ((mean, 1.0), (spread, _SPREAD_WEIGHT), (edges, _EDGE_WEIGHT))
    maps = [weight * _evened(_smoothed(one)) for one, weight in weighed]
    return np.concatenate(
        [np.stack(maps, axis=2).reshape(-1, 3), _place(len(mean), _PLACE_WEIGHT)], axis=1
    )


def _place(side_px: int, weight: float) -> Map:
    rows, columns = np.mgrid[:side_px, :side_px]
    place = np.stack([rows.ravel(), columns.ravel()], axis=1).astype(np.float64)
    return np.asarray(weight * (place - place.mean()) / place.std(), np.float64)


def _smoothed(values: Map) -> Map:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), 1.0), np.float64)


def _evened(values: Map) -> Map:
    """Squeezed by tanh over half the interquartile range, so that a few extreme places, such as a
    dark border, do not outweigh all others; then mean 0, spread 1."""
    low, middle, high = np.percentile(values, [25, 50, 75])
    squeezed = np.tanh((values - middle) / max((high - low) / 2, 1e-6))
    return np.asarray((squeezed - squeezed.mean()) / max(float(squeezed.std()), 1e-6), np.float64)


def _cut(children: npt.NDArray[np.int64], leaves: int, count: int) -> Regions:
    """The cluster of each leaf where a tree of merges, first to last, is cut into `count`."""
    owner = np.arange(leaves + len(children))
    for merge in range(len(children) - count, -1, -1):
        owner[children[merge]] = owner[leaves + merge]
    return np.asarray(np.unique(owner[:leaves], return_inverse=True)[1], np.int64)
