"""Weigh pooled features by few labels, moving from the outlier score as far as they justify.

The method is that of DESIGN.md, section 6.

Letters: M labelled images, U unlabelled ones, J features (the first is the outlier score), T types.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

Array = npt.NDArray[np.float64]
_SCALE_STRENGTH = 0.1
_SMALLEST_SCALE = 0.1
_MAD_TO_SD = 1.4826


@dataclass(frozen=True)
class LinearScore:
    """``z = bias + weight . features``, and how it came about.

    Attributes:
        weight: (J,), in the units of the raw features.
        bias: Constant.
        strength: Shrinkage towards the outlier score that was chosen; None is infinite.
        log_loss: Cross-validated mean log loss at each strength tried.
    """

    weight: Array
    bias: float
    strength: float | None
    log_loss: dict[str, float]


def outlier_only(unlabelled_uj: Array) -> LinearScore:
    """z as the outlier score alone, in robust standard deviations over the unlabelled images."""
    centre, spread = _centre_and_spread(unlabelled_uj)
    weight = np.zeros(unlabelled_uj.shape[1])
    weight[0] = 1 / spread[0]
    return LinearScore(weight, float(-centre[0] / spread[0]), None, {})


def fit_shrunk(
    labelled_mj: Array,
    defective_m: npt.NDArray[np.bool_],
    unlabelled_uj: Array,
    groups: Sequence[slice],
    strengths: Sequence[float],
    folds: int,
    seed: int,
) -> LinearScore:
    """Logistic regression whose weights are drawn towards the outlier-only solution.

    Minimises ``sum class-balanced log loss + strength / 2 |w - w0|^2`` over standardised features,
    where w0 is 1 on the outlier score. The strength is the one of least cross-validated loss; with
    fewer than two images in a class it is infinite: only scale and bias of the outlier score move.
    The weight of the outlier score stays above 0: that good images deviate more than defective ones
    is chance, in a draw of few labels, and no reason to pass what deviates most.

    Args:
        labelled_mj: (M, J) features of the labelled images.
        defective_m: (M,) truth; with one class only the outlier score alone is returned.
        unlabelled_uj: (U, J) features to standardise by.
        groups: Features that share one unit of prior variance, such as all part tokens.
        strengths: Shrinkages to try.
        folds: Folds of the cross-validation, fewer where a class has fewer images.
        seed: Of the folds.
    """
    fewest = int(min(defective_m.sum(), (~defective_m).sum()))
    if fewest == 0:
        return outlier_only(unlabelled_uj)
    centre, unit = _centre_and_unit(unlabelled_uj, groups)
    standard_mj = (labelled_mj - centre) / unit
    losses: dict[float, Array] = {}
    if fewest >= 2:
        splits = StratifiedKFold(min(folds, fewest), shuffle=True, random_state=seed)
        parts = list(splits.split(standard_mj, defective_m))
        for tried in sorted(strengths, reverse=True):
            losses[tried] = _held_out_loss(standard_mj, defective_m, tried, parts)
    strength = _least_loss(losses)
    weight, bias = _solve(standard_mj, defective_m, strength)
    raw = weight / unit
    named = {str(key): float(loss.mean()) for key, loss in losses.items()}
    return LinearScore(raw, float(bias - raw @ centre), _finite(strength), named)


def fit_types(
    defects_mj: Array, type_m: npt.NDArray[np.int64], unlabelled_uj: Array, groups: Sequence[slice]
) -> tuple[Array, Array]:
    """Ridge softmax over defect types, given defective: weights (T, J) and biases (T,).

    Both are relative to the mean over types, which changes no probability.
    """
    centre, unit = _centre_and_unit(unlabelled_uj, groups)
    standard = (defects_mj - centre) / unit
    model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=500).fit(standard, type_m)
    weight, bias = model.coef_, model.intercept_
    if len(weight) == 1:
        weight, bias = np.stack([-weight[0], weight[0]]) / 2, np.array([-bias[0], bias[0]]) / 2
    raw = (weight - weight.mean(0)) / unit
    return raw, bias - bias.mean() - raw @ centre


def _finite(strength: float) -> float | None:
    return float(strength) if np.isfinite(strength) else None


def _centre_and_spread(features_uj: Array) -> tuple[Array, Array]:
    centre = np.median(features_uj, axis=0)
    spread = np.median(np.abs(features_uj - centre), axis=0) * _MAD_TO_SD
    return centre, np.maximum(spread, 1e-6 * np.abs(centre) + 1e-9)


def _centre_and_unit(features_uj: Array, groups: Sequence[slice]) -> tuple[Array, Array]:
    """Medians, and what a feature is divided by: its spread, times sqrt(size) of its group."""
    centre, unit = _centre_and_spread(features_uj)
    for group in groups:
        unit[group] *= np.sqrt(len(unit[group]))
    return centre, unit


def _held_out_loss(
    standard_mj: Array,
    defective_m: npt.NDArray[np.bool_],
    strength: float,
    parts: Sequence[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]],
) -> Array:
    loss_m = np.zeros(len(standard_mj))
    for inside, outside in parts:
        weight, bias = _solve(standard_mj[inside], defective_m[inside], strength)
        z = standard_mj[outside] @ weight + bias
        loss_m[outside] = np.logaddexp(0, np.where(defective_m[outside], -z, z))
    return loss_m


def _least_loss(losses: dict[float, Array]) -> float:
    if not losses:
        return np.inf
    return min(losses, key=lambda strength: float(losses[strength].mean()))


def _solve(
    standard_mj: Array, defective_m: npt.NDArray[np.bool_], strength: float
) -> tuple[Array, float]:
    used = standard_mj[:, :1] if np.isinf(strength) else standard_mj
    features = used.shape[1]
    target = np.zeros(features)
    target[0] = 1.0
    penalty = np.full(features, 0.0 if np.isinf(strength) else strength)
    penalty[0] = _SCALE_STRENGTH
    sign = np.where(defective_m, 1.0, -1.0)
    share = np.where(defective_m, 0.5 / defective_m.mean(), 0.5 / (~defective_m).mean())

    def loss_and_slope(packed: Array) -> tuple[float, Array]:
        weight, bias = packed[:-1], packed[-1]
        margin = sign * (used @ weight + bias)
        pull = -share * sign * expit(-margin)
        away = weight - target
        value = (share * np.logaddexp(0, -margin)).sum() + 0.5 * (penalty * away**2).sum()
        return float(value), np.append(used.T @ pull + penalty * away, pull.sum())

    found = minimize(
        loss_and_slope,
        np.append(target, 0.0),
        jac=True,
        method="L-BFGS-B",
        bounds=[(_SMALLEST_SCALE, None), *[(None, None)] * features],
        options={"maxiter": 500},
    )
    weight = np.zeros(standard_mj.shape[1])
    weight[:features] = found.x[:-1]
    return weight, float(found.x[-1])
