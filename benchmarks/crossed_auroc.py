"""AUROC over several networks and draws of labels, and how far it could be off.

Every network is scored with the same draws of labels on the same parts. A resample draws parts,
networks and draws again, each once for all (a crossed design). With one network its seed is no
part of the interval; with three it is coarse.

Letters: N networks, S draws of labels, P parts, D defective ones, G good ones, R resamples.
"""

import numpy as np
import numpy.typing as npt
from crossed_bootstrap import RESAMPLES, Estimate

Array = npt.NDArray[np.float64]


def auroc_estimate(
    score_nsp: Array,
    defective_p: npt.NDArray[np.bool_],
    less_nsp: Array | None = None,
    seed: int = 0,
) -> Estimate:
    """Mean AUROC, or mean difference to the AUROC of other scores, with its 95 % interval.

    Args:
        score_nsp: (N, S, P) scores.
        defective_p: (P,) truth.
        less_nsp: Other scores of the same parts; N or S may be 1 and then stands for all.
        seed: Of the resampling.

    Raises:
        ValueError: One class is missing.
    """
    wins_nsdg = _wins(score_nsp, defective_p)
    if less_nsp is not None:
        wins_nsdg = wins_nsdg - _wins(less_nsp, defective_p)
    random = np.random.default_rng(seed)
    weight_rn, weight_rs, weight_rd, weight_rg = (
        random.multinomial(size, np.full(size, 1 / size), RESAMPLES) / size
        for size in wins_nsdg.shape
    )
    of_run_rns = np.stack(
        [
            np.stack([((weight_rd @ wins_dg) * weight_rg).sum(axis=1) for wins_dg in draws], axis=1)
            for draws in wins_nsdg
        ],
        axis=1,
    )
    drawn_r = np.einsum("rns,rn,rs->r", of_run_rns, weight_rn, weight_rs)
    low, high = np.quantile(drawn_r, [0.025, 0.975])
    return Estimate(float(wins_nsdg.mean()), float(low), float(high))


def _wins(score_nsp: Array, defective_p: npt.NDArray[np.bool_]) -> Array:
    """(N, S, D, G) 1 where the defective part scores higher, 0.5 for a tie."""
    yes, no = score_nsp[..., defective_p, None], score_nsp[..., None, ~defective_p]
    if not (yes.size and no.size):
        raise ValueError("an AUROC needs parts of both classes")
    return np.asarray((yes > no) + 0.5 * (yes == no), np.float64)
