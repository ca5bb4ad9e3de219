"""Turn z into the probability of a defect, for a line that declares how often defects occur.

Calibration sets are rich in defects, so the fit gives both classes the same weight, and the
declared rate is put in afterwards (DESIGN.md, section 7). Platt, "Probabilistic Outputs for Support
Vector Machines" (1999), with his smoothed targets: they keep the slope finite where the classes do
not overlap.
"""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

from span_train.policy.claims import PartScores
from span_train.policy.policy import Probability


def fit_probability(parts: PartScores, defect_rate: float) -> Probability | None:
    """The line through z of least balanced log loss; None without parts of both classes.

    Args:
        parts: One score a physical part.
        defect_rate: Declared share of defective parts on the line, between 0 and 1.
    """
    good, defective = parts.good, parts.defective
    if not (good.size and defective.size):
        return None
    z = np.concatenate([good, defective])
    centre, spread = float(np.median(z)), float(np.std(z)) or 1.0
    target = np.concatenate(
        [
            np.full(good.size, 1 / (good.size + 2)),
            np.full(defective.size, (defective.size + 1) / (defective.size + 2)),
        ]
    )
    weight = np.concatenate([np.full(part.size, 0.5 / part.size) for part in (good, defective)])
    slope, offset = _solve((z - centre) / spread, target, weight)
    return Probability(
        defect_rate=defect_rate, slope=slope / spread, offset=offset - slope * centre / spread
    )


def _solve(
    standard: npt.NDArray[np.float64],
    target: npt.NDArray[np.float64],
    weight: npt.NDArray[np.float64],
) -> tuple[float, float]:
    def loss_and_slope(
        packed: npt.NDArray[np.float64],
    ) -> tuple[float, npt.NDArray[np.float64]]:
        logit = packed[0] * standard + packed[1]
        loss = weight @ (np.logaddexp(0, logit) - target * logit)
        pull = weight * (expit(logit) - target)
        return float(loss), np.array([pull @ standard, pull.sum()])

    bounds = [(0.0, None), (None, None)]
    found = minimize(loss_and_slope, [1.0, 0.0], jac=True, method="L-BFGS-B", bounds=bounds)
    return float(found.x[0]), float(found.x[1])
