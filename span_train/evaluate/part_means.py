"""Average what was measured on each image and part, and say how far that could be off.

Letters: I images, K parts, R resamples.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
RESAMPLES = 2000
_CELLS_A_CHUNK = 1_000_000


def part_mean(values_ik: Values) -> float | None:
    """Mean over images, then over parts; None where no image has any of the parts.

    Args:
        values_ik: (I, K), NaN where an image lacks the part.
    """
    mean = _weighted_means(values_ik, np.ones((1, values_ik.shape[0])))[0]
    return float(mean) if np.isfinite(mean) else None


def mean_interval(values_ik: Values, seed: int = 0) -> list[float] | None:
    """95 % percentile bootstrap interval of `part_mean`, images being resampled.

    Returns:
        [low, high], or None where no image has any of the parts.
    """
    images = values_ik.shape[0]
    if not np.isfinite(values_ik).any():
        return None
    random, means = np.random.default_rng(seed), []
    at_once = max(1, _CELLS_A_CHUNK // images)
    for start in range(0, RESAMPLES, at_once):
        rows = min(at_once, RESAMPLES - start)
        drawn = random.multinomial(images, np.full(images, 1 / images), size=rows)
        means.append(_weighted_means(values_ik, drawn.astype(np.float64)))
    together = np.concatenate(means)
    return [float(end) for end in np.quantile(together[np.isfinite(together)], [0.025, 0.975])]


def paired_gain(values_ik: Values, other_ik: Values, seed: int = 0) -> dict[str, Any]:
    """Mean gain over another predictor on the same images, with its bootstrap interval."""
    gain_ik = values_ik - other_ik
    return {
        "value": part_mean(gain_ik),
        "interval": mean_interval(gain_ik, seed),
        "confidence": 0.95,
    }


def _weighted_means(values_ik: Values, weight_ri: Values) -> Values:
    """The mean of each resample, a part that none of its images has being left out."""
    sums_rk = weight_ri @ np.nan_to_num(values_ik)
    counts_rk = weight_ri @ np.isfinite(values_ik).astype(np.float64)
    mean_rk = np.divide(sums_rk, counts_rk, out=np.zeros_like(sums_rk), where=counts_rk > 0)
    parts_r = (counts_rk > 0).sum(axis=1)
    nothing = np.full(parts_r.shape, np.nan)
    return np.asarray(np.divide(mean_rk.sum(axis=1), parts_r, out=nothing, where=parts_r > 0))
