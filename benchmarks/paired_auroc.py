"""Compare two scores on the same parts: their AUROCs, and an interval of the difference.

Letters: S repetitions (seeds), M parts, D defective ones, G good ones, R resamples.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
_RESAMPLES = 2000


@dataclass(frozen=True)
class Gain:
    """Mean over repetitions of ``AUROC(score) - AUROC(other)``, with its 95 % interval.

    The interval comes from resampling the parts, good and defective ones apart, the same ones for
    both scores and all repetitions: it tells how far other parts could move the difference, not how
    far other seeds could.
    """

    value: float
    low: float
    high: float


def auroc(score_sm: npt.ArrayLike, defective_m: npt.ArrayLike) -> float:
    """AUROC of a score, ties counted half; the mean over repetitions."""
    return float(_wins(score_sm, defective_m).mean())


def auroc_gain(
    score_sm: npt.ArrayLike, other_sm: npt.ArrayLike, defective_m: npt.ArrayLike, seed: int = 0
) -> Gain:
    """How much better the first score ranks than the second.

    Args:
        score_sm, other_sm: (S, M) or (M,) scores.
        defective_m: (M,) truth.
        seed: Of the resampling.

    Raises:
        ValueError: One class is missing.
    """
    gain_dg = _wins(score_sm, defective_m) - _wins(other_sm, defective_m)
    random = np.random.default_rng(seed)
    counts_rd, counts_rg = (
        random.multinomial(size, np.full(size, 1 / size), _RESAMPLES) for size in gain_dg.shape
    )
    drawn_r = ((counts_rd @ gain_dg) * counts_rg).sum(axis=1) / gain_dg.size
    low, high = np.quantile(drawn_r, [0.025, 0.975])
    return Gain(float(gain_dg.mean()), float(low), float(high))


def _wins(score_sm: npt.ArrayLike, defective_m: npt.ArrayLike) -> Array:
    """(D, G) share of repetitions in which the defective part scores higher; half for a tie."""
    score, defective = np.atleast_2d(np.asarray(score_sm, np.float64)), np.asarray(defective_m)
    yes, no = score[:, defective, None], score[:, None, ~defective]
    if not (yes.size and no.size):
        raise ValueError("an AUROC needs parts of both classes")
    wins: Array = ((yes > no) + 0.5 * (yes == no)).mean(axis=0)
    return wins
