"""Hold probabilities against what happened: of parts called 20 % likely defective, are 20 % so?

Test sets are rich in defects, so every part counts as often as its class occurs on a line of the
declared defect rate. Letters: P parts, B bins, R resamples.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from span_train.evaluate.intervals import rate_interval

Shares = npt.NDArray[np.float64]
Truth = npt.NDArray[np.bool_]
BINS = 8
_RESAMPLES = 1000


def reliability(
    probability_p: Shares,
    defective_p: Truth,
    defect_rate: float,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Any] | None:
    """Bins of about as many test parts each, with predicted and observed share: plain JSON values.

    `calibration_error` is the mean distance between the two, weighed by how many parts of the line
    fall into a bin; its interval is a percentile bootstrap over parts, each class drawn to its own
    size. A bin's interval follows from the exact ones of how many of each class fall into it, so
    that a bin without a good part does not claim certainty.

    Args:
        probability_p: (P,) of being defective, at the declared rate.
        defective_p: (P,) truth.
        defect_rate: Declared share of defective parts on the line.

    Returns:
        None where a class is missing.
    """
    goods, defects = int((~defective_p).sum()), int(defective_p.sum())
    if not (goods and defects):
        return None
    weight_p = np.where(defective_p, defect_rate / defects, (1 - defect_rate) / goods)
    bin_p = _bins(probability_p)
    drawn_rp = _drawn(defective_p, np.random.default_rng(seed)) * weight_p
    whole = _by_bin(weight_p[None], probability_p, defective_p, bin_p)
    resampled = _by_bin(drawn_rp, probability_p, defective_p, bin_p)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(resampled.error, tails)
    return {
        "defect_rate": defect_rate,
        "calibration_error": {
            "value": float(whole.error[0]),
            "interval": [float(low), float(high)],
            "confidence": confidence,
        },
        "bins": [
            {
                "parts": int((bin_p == place).sum()),
                "share_of_line": float(whole.mass[0, place]),
                "predicted": float(whole.predicted[0, place]),
                "observed": float(whole.observed[0, place]),
                "interval": _bin_interval(defective_p, bin_p == place, defect_rate, confidence),
            }
            for place in range(whole.mass.shape[1])
        ],
    }


def _bin_interval(
    defective_p: Truth, inside_p: Truth, defect_rate: float, confidence: float
) -> list[float]:
    """Of the observed share: each class's share in the bin at half the doubt (Bonferroni)."""
    each = 1 - (1 - confidence) / 2
    (good_low, good_high), (bad_low, bad_high) = (
        rate_interval(int((inside_p & of_class).sum()), int(of_class.sum()), each)
        for of_class in (~defective_p, defective_p)
    )
    lowest, highest = defect_rate * bad_low, defect_rate * bad_high
    against = (1 - defect_rate) * good_high, (1 - defect_rate) * good_low
    return [lowest / (lowest + against[0]), highest / (highest + against[1])]


class _ByBin:
    """Mass, mean prediction and observed share, (R, B) each, and (R,) the calibration error."""

    def __init__(self, mass: Shares, predicted: Shares, defective: Shares) -> None:
        self.mass = mass
        with np.errstate(invalid="ignore", divide="ignore"):
            self.predicted, self.observed = predicted / mass, defective / mass
        gap = np.abs(predicted - defective).sum(axis=1)
        self.error: Shares = gap / mass.sum(axis=1)


def _by_bin(
    weight_rp: Shares, probability_p: Shares, defective_p: Truth, bin_p: npt.NDArray[np.intp]
) -> _ByBin:
    member_pb = (bin_p[:, None] == np.arange(bin_p.max() + 1)).astype(np.float64)
    sums = (
        weight_rp @ (member_pb * each[:, None])
        for each in (np.ones_like(probability_p), probability_p, defective_p.astype(np.float64))
    )
    return _ByBin(*sums)


def _bins(probability_p: Shares) -> npt.NDArray[np.intp]:
    """Numbers of bins with about as many parts each; equal probabilities share one."""
    cuts = np.quantile(probability_p, np.linspace(0, 1, BINS + 1)[1:-1], method="nearest")
    _, number_p = np.unique(
        np.searchsorted(np.unique(cuts), probability_p, side="left"), return_inverse=True
    )
    return np.asarray(number_p, np.intp)


def _drawn(defective_p: Truth, random: np.random.Generator) -> Shares:
    """(R, P) how often each part is drawn."""
    counts = np.zeros((_RESAMPLES, defective_p.size))
    for kind in (False, True):
        places = np.flatnonzero(defective_p == kind)
        even = np.full(places.size, 1 / places.size)
        counts[:, places] = random.multinomial(places.size, even, size=_RESAMPLES)
    return counts
