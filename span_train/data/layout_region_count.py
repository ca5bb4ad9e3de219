"""Choose how many regions a product has: as many as come out again from other images of it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from span_train.data.layout_regions import Greys, Regions, find_regions

_FEWEST_IMAGES = 4
_FEWEST, _MOST = 2, 8
_AGAIN = 0.6


class RegionCount(NamedTuple):
    """A number of regions.

    Attributes:
        regions: How many.
        overlap: Of the region that is found again worst in other images: the shared area over the
            area of both (intersection over union).
        reproducible: Whether that is at least 0.6.
    """

    regions: int
    overlap: float
    reproducible: bool


def count_regions(greys_nss: Greys, most: int) -> RegionCount:
    """The largest number of regions, 2 to 8, which two halves of the images agree on.

    Regions are found in each of two halves by themselves, twice (every other image, first and
    second half), and matched. A number counts as reproducible where even its worst region overlaps
    with its partner by 0.6 in the mean: the rule of prediction strength (Tibshirani and Walther, J.
    Comput. Graph. Stat. 14, 2005). Where no number does, the one that overlaps most is taken.

    Args:
        greys_nss: (N, s, s) from `small_greys`.
        most: The largest number allowed, at least 2.

    Raises:
        ValueError: Fewer than four images, or fewer than two regions allowed.
    """
    if len(greys_nss) < _FEWEST_IMAGES or most < _FEWEST:
        raise ValueError(
            f"expected at least {_FEWEST_IMAGES} images and {_FEWEST} regions, found "
            f"{len(greys_nss)}, {most}"
        )
    counts = range(_FEWEST, min(most, _MOST) + 1)
    places = np.arange(len(greys_nss))
    overlaps = np.mean(
        [
            _worst_overlaps(greys_nss, one, counts)
            for one in (places % 2 == 0, places < len(places) // 2)
        ],
        axis=0,
    )
    good = [place for place, overlap in enumerate(overlaps) if overlap >= _AGAIN]
    chosen = good[-1] if good else int(np.argmax(overlaps))
    return RegionCount(counts[chosen], float(overlaps[chosen]), bool(good))


def _worst_overlaps(
    greys_nss: Greys, one: npt.NDArray[np.bool_], counts: Sequence[int]
) -> list[float]:
    first, second = find_regions(greys_nss[one], counts), find_regions(greys_nss[~one], counts)
    return [_worst_overlap(first[count], second[count], count) for count in counts]


def _worst_overlap(first: Regions, second: Regions, count: int) -> float:
    """Of the best matching of the two, the overlap of its worst pair."""
    one, other = np.eye(count)[first.ravel()], np.eye(count)[second.ravel()]
    shared = one.T @ other
    overlap = shared / (one.sum(axis=0)[:, None] + other.sum(axis=0)[None, :] - shared)
    rows, columns = linear_sum_assignment(-overlap)
    return float(overlap[rows, columns].min())
