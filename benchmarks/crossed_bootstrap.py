"""How far a mean over exemplars, seeds and images could be off: all three are drawn again.

The same images are seen by every run, so one draw of images serves all runs of a resample
(a crossed design); exemplars are drawn first, then seeds within each. With three exemplars and
three seeds this is coarse, but it does not pretend that nine runs on 50 images are 450 images.

Letters: I images, K parts, B resamples, R runs.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Runs = Mapping[str, Sequence[Values]]
RESAMPLES = 2000


class Estimate(NamedTuple):
    """A mean with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def estimate(runs: Runs, less: Runs | None = None, seed: int = 0) -> Estimate:
    """Mean over runs, or over the difference to other runs that share nothing but the images.

    For runs that belong together one by one (same exemplar and seed), take the difference of their
    values first.

    Args:
        runs: By exemplar, for each seed the values (I, K); NaN where an image lacks the part.
        less: Other runs on the same images, likewise.
        seed: Of the resampling.

    Raises:
        ValueError: No runs, or of different images.
    """
    shapes = {values.shape for some in (runs, less or {}) for of in some.values() for values in of}
    if len(shapes) != 1 or not all(runs.values()):
        raise ValueError(f"expected runs over the same images and parts, found {shapes or 'none'}")
    images = shapes.pop()[0]
    random = np.random.default_rng(seed)
    drawn_bi = random.multinomial(images, np.full(images, 1 / images), size=RESAMPLES)
    weight_bi = np.concatenate([np.ones((1, images)), drawn_bi])
    means_b = _resampled_means(runs, weight_bi, random)
    if less is not None:
        means_b = means_b - _resampled_means(less, weight_bi, random)
    low, high = np.quantile(means_b[1:], [0.025, 0.975])
    return Estimate(float(means_b[0]), float(low), float(high))


def _resampled_means(runs: Runs, weight_bi: Values, random: np.random.Generator) -> Values:
    """The mean of every resample, over its own weights of the images; the first is as it is."""
    of_exemplar = [np.stack([_means(values, weight_bi) for values in of]) for of in runs.values()]
    count, rows = len(of_exemplar), np.arange(len(weight_bi))
    exemplar_be = random.integers(count, size=(len(rows), count))
    slots = []
    for drawn_b in exemplar_be.T:
        with_seeds = [_over_drawn_seeds(of, random) for of in of_exemplar]
        slots.append(np.stack(with_seeds)[drawn_b, rows])
    found_b = np.mean(slots, axis=0)
    found_b[0] = np.mean([of[:, 0].mean() for of in of_exemplar])
    return np.asarray(found_b, np.float64)


def _over_drawn_seeds(of_seed_rb: Values, random: np.random.Generator) -> Values:
    """(B,) mean over as many seeds as there are, drawn anew for each resample."""
    seeds, resamples = of_seed_rb.shape
    drawn_rb = random.integers(seeds, size=of_seed_rb.shape)
    return np.asarray(of_seed_rb[drawn_rb, np.arange(resamples)].mean(axis=0), np.float64)


def _means(values_ik: Values, weight_bi: Values) -> Values:
    """(B,) mean over images, then over the parts that any of them has."""
    sums_bk = weight_bi @ np.nan_to_num(values_ik)
    counts_bk = weight_bi @ np.isfinite(values_ik).astype(np.float64)
    means_bk = np.where(counts_bk > 0, sums_bk / np.maximum(counts_bk, 1e-9), np.nan)
    return np.asarray(np.nanmean(means_bk, axis=1), np.float64)
