"""The numbers of `metrics.json`: how well z ranks parts, and how many escape, fail or need recheck.

The unit is the physical part: its worst image decides, in z and in the verdict. A part with any
defective image is defective.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from span_train.evaluate.intervals import RESAMPLES, rank_intervals, rate_interval

Groups = Sequence[str | None] | None
_ORDER = ("pass", "recheck", "fail")


@dataclass(frozen=True)
class ScoredParts:
    """Test images brought together by physical part, P parts.

    Attributes:
        part_of_image: (images,) the part's number.
        defective_p: (P,) bool.
        z_p, outlier_p: (P,) of the worst image; NaN where one image's is not finite.
        verdict_p: (P,) 0 pass, 1 recheck, 2 fail.
    """

    part_of_image: npt.NDArray[np.intp]
    defective_p: npt.NDArray[np.bool_]
    z_p: npt.NDArray[np.float64]
    outlier_p: npt.NDArray[np.float64]
    verdict_p: npt.NDArray[np.intp]


def line_metrics(
    z: npt.ArrayLike,
    defective: npt.ArrayLike,
    verdicts: Sequence[str],
    outlier: npt.ArrayLike | None = None,
    groups: Groups = None,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Any]:
    """Everything `metrics.json` holds (DESIGN.md, section 12), ready for `json.dumps`.

    `escape_rate` is over the defective parts, `overkill_rate` over the good ones, `recheck_rate`
    over all; their intervals are Clopper-Pearson's. `auroc` and `average_precision` leave out parts
    whose z is not finite (counted in `unscored`); their `count` of `of` is the share of defective
    parts, which is also the average precision of a random score. Where there is nothing to count a
    `value` is null and its interval says so: [0, 1].

    Args:
        z, defective, verdicts: One entry a test image.
        outlier: Outlier scores, for `outlier_auroc` and `outlier_average_precision`.
        groups: The physical part of each image; None where each is its own.
        confidence, seed: Of every interval, and of the bootstrap.

    Raises:
        ValueError: The arguments differ in length, or a verdict has an unknown name.
    """
    parts = scored_parts(z, defective, verdicts, outlier, groups)
    metrics: dict[str, Any] = {
        "unit": "physical part (worst image)",
        "n_images": int(parts.part_of_image.size),
        "n_parts": int(parts.z_p.size),
        "n_good": int((~parts.defective_p).sum()),
        "n_defect": int(parts.defective_p.sum()),
        "unscored": int((~np.isfinite(parts.z_p)).sum()),
    }
    metrics |= _ranking(parts.z_p, parts.defective_p, "", confidence, seed)
    if outlier is not None:
        metrics |= _ranking(parts.outlier_p, parts.defective_p, "outlier_", confidence, seed)
    return metrics | _rates(parts.verdict_p, parts.defective_p, confidence)


def scored_parts(
    z: npt.ArrayLike,
    defective: npt.ArrayLike,
    verdicts: Sequence[str],
    outlier: npt.ArrayLike | None,
    groups: Groups,
) -> ScoredParts:
    """Bring the images of each physical part together; its worst image stands for it.

    Raises:
        ValueError: The arguments differ in length, or a verdict has an unknown name.
    """
    z_n = np.asarray(z, np.float64).reshape(-1)
    defective_n = np.asarray(defective, np.bool_).reshape(-1)
    outlier_n = np.zeros_like(z_n) if outlier is None else np.asarray(outlier, np.float64)
    names = [None] * z_n.size if groups is None else list(groups)
    lengths = {z_n.size, defective_n.size, outlier_n.size, len(names), len(verdicts)}
    if len(lengths) > 1:
        raise ValueError(
            f"{z_n.size} z, {defective_n.size} truths, {len(verdicts)} verdicts, {outlier_n.size} "
            f"outlier scores and {len(names)} groups; expected one of each an image"
        )
    part_of_image = _part_numbers(names)
    parts = int(part_of_image.max(initial=-1)) + 1
    return ScoredParts(
        part_of_image=part_of_image,
        defective_p=_worst(defective_n, part_of_image, parts) > 0,
        z_p=_worst(z_n, part_of_image, parts),
        outlier_p=_worst(outlier_n, part_of_image, parts),
        verdict_p=_worst(_verdict_numbers(verdicts), part_of_image, parts).astype(np.intp),
    )


def _part_numbers(names: Sequence[str | None]) -> npt.NDArray[np.intp]:
    numbers: dict[object, int] = {}
    keys = (index if name is None else name for index, name in enumerate(names))
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.intp)


def _verdict_numbers(verdicts: Sequence[str]) -> npt.NDArray[np.intp]:
    unknown = sorted(set(verdicts) - set(_ORDER))
    if unknown:
        raise ValueError(f"found verdicts {unknown}, expected {', '.join(_ORDER)}")
    return np.array([_ORDER.index(verdict) for verdict in verdicts], np.intp)


def _worst(
    of_image: npt.NDArray[Any], part_of_image: npt.NDArray[np.intp], parts: int
) -> npt.NDArray[np.float64]:
    """The largest value of each part's images; NaN where one of them is not finite."""
    worst_p = np.full(parts, -np.inf)
    with np.errstate(invalid="ignore"):
        np.maximum.at(worst_p, part_of_image, np.where(np.isfinite(of_image), of_image, np.nan))
    return worst_p


def _ranking(
    score_p: npt.NDArray[np.float64],
    defective_p: npt.NDArray[np.bool_],
    prefix: str,
    confidence: float,
    seed: int,
) -> dict[str, Any]:
    finite_p = np.isfinite(score_p)
    good, defective = score_p[finite_p & ~defective_p], score_p[finite_p & defective_p]
    ranking = rank_intervals(good, defective, confidence=confidence, seed=seed)
    counts = {
        "confidence": confidence,
        "count": defective.size,
        "of": good.size + defective.size,
        "n_good": good.size,
        "n_defect": defective.size,
    }
    return {
        f"{prefix}auroc": {
            "value": ranking.auroc,
            "interval": _ends(ranking.auroc_interval),
            **counts,
        },
        f"{prefix}average_precision": {
            "value": ranking.average_precision,
            "interval": _ends(ranking.average_precision_interval),
            **counts,
        },
    }


def _rates(
    verdict_p: npt.NDArray[np.intp], defective_p: npt.NDArray[np.bool_], confidence: float
) -> dict[str, Any]:
    of_good, of_defective = verdict_p[~defective_p], verdict_p[defective_p]
    return {
        "escape_rate": _rate(of_defective == 0, confidence),
        "overkill_rate": _rate(of_good == 2, confidence),
        "recheck_rate": _rate(verdict_p == 1, confidence),
        "pass_rate_good": _rate(of_good == 0, confidence),
        "fail_rate_defect": _rate(of_defective == 2, confidence),
        "stopped": _detection(verdict_p > 0, defective_p, confidence),
    }


def _rate(happened: npt.NDArray[np.bool_], confidence: float) -> dict[str, Any]:
    count, of = int(happened.sum()), int(happened.size)
    return {
        "value": count / of if of else None,
        "interval": list(rate_interval(count, of, confidence)),
        "confidence": confidence,
        "count": count,
        "of": of,
    }


def _detection(
    stopped_p: npt.NDArray[np.bool_], defective_p: npt.NDArray[np.bool_], confidence: float
) -> dict[str, Any]:
    """Precision, recall and F1 of everything that does not pass, as a detector of defects.

    `interval` is F1's: a percentile bootstrap over parts, each class drawn to its own size.
    """
    goods, defects = int((~defective_p).sum()), int(defective_p.sum())
    right, wrong = int((stopped_p & defective_p).sum()), int((stopped_p & ~defective_p).sum())
    stopped = right + wrong
    random = np.random.default_rng(0)
    drawn_right = random.binomial(defects, right / defects if defects else 0.0, RESAMPLES)
    drawn_wrong = random.binomial(goods, wrong / goods if goods else 0.0, RESAMPLES)
    drawn = 2 * drawn_right / np.maximum(drawn_right + drawn_wrong + defects, 1)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    return {
        "precision": right / stopped if stopped else None,
        "recall": right / defects if defects else None,
        "f1": 2 * right / (stopped + defects) if stopped + defects else None,
        "interval": [float(end) for end in np.quantile(drawn, tails)] if defects else [0.0, 1.0],
    }


def _ends(interval: tuple[float, float] | None) -> list[float]:
    return [0.0, 1.0] if interval is None else list(interval)
