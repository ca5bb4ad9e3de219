"""Choose the verdict thresholds so that the goals hold with the stated confidence, or say why not.

The rule of DESIGN.md, section 7, and why it may be promised: let k be the largest number of
escapes among n defective parts whose one-sided Clopper-Pearson upper bound still meets the goal (k
depends on n and the goal alone), and s the (k+1)-th smallest of their scores. Any threshold up to
s, wherever the data put it, lets at most k of them pass. The true escape rate grows with the
threshold, so it can exceed the goal at s only if at most k of n parts fell below the point from
which it does, and that has at most the probability 1 - confidence. `t_pass` lies in the gap between
s and the next score observed below it, of either class: same verdicts as at s, but no observed
score on the edge, where another runtime's last digit would flip it. `t_fail` is the mirror image.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from span_train.policy.bounds import most_allowed
from span_train.policy.claims import PartScores, Scores, not_shown_claim, shown_claim
from span_train.policy.policy import Claim, Goal, Policy

Groups = Sequence[str | None] | None
OUTLIER_FALSE_ALARM = 0.01
SMALLEST_MARGIN = 1e-3


def choose_policy(
    z_good: npt.ArrayLike,
    z_defect: npt.ArrayLike,
    outlier_good: npt.ArrayLike,
    goals: Goal,
    outlier_limit: float | None = None,
    *,
    groups_good: Groups = None,
    groups_defect: Groups = None,
) -> Policy:
    """Choose `t_pass` and `t_fail` on calibration images, never on test images.

    With both classes each claim carries 97.5 % where the goals say 95 %, so that both hold
    together. Without a defective part only overkill is controlled; without a good one nothing is.

    Args:
        z_good, z_defect: Defect logits of the calibration images, one an image.
        outlier_good: Outlier scores of the good images; may be empty.
        goals: Fixed before looking; both together hold at `goals.confidence`.
        outlier_limit: Used as it is; None takes `outlier_limit_of(outlier_good, groups_good)`.
        groups_good, groups_defect: The physical part of each image; None where each is its own.

    Raises:
        ValueError: Scores and groups have different lengths.
    """
    parts = worst_of_parts(z_good, z_defect, groups_good, groups_defect)
    t_pass, t_fail, claims = thresholds_for(parts, goals)
    if outlier_limit is None and np.size(outlier_good):
        outlier_limit = outlier_limit_of(outlier_good, groups_good)
    return Policy(
        t_pass=t_pass, t_fail=t_fail, outlier_limit=outlier_limit, goals=goals, claims=claims
    )


def worst_of_parts(
    z_good: npt.ArrayLike,
    z_defect: npt.ArrayLike,
    groups_good: Groups = None,
    groups_defect: Groups = None,
) -> PartScores:
    """One score a physical part, its largest; a part with any defective image is defective.

    Where a score is not finite the line says `recheck`. A defective part with such an image is
    left out, and so is a good part of which no image has a finite score: counting them could only
    flatter a claim.

    Raises:
        ValueError: Scores and groups have different lengths.
    """
    good = _images_of_parts("good", z_good, groups_good)
    defective = _images_of_parts("defective", z_defect, groups_defect)
    for name in good.keys() & defective.keys():
        defective[name] += good.pop(name)
    worst_good = _finite([max(filter(math.isfinite, z), default=math.nan) for z in good.values()])
    worst_defective = _finite([max(z) for z in defective.values() if all(map(math.isfinite, z))])
    return PartScores(
        worst_good,
        worst_defective,
        len(good) - worst_good.size,
        len(defective) - worst_defective.size,
    )


def thresholds_for(
    parts: PartScores, goals: Goal
) -> tuple[float | None, float | None, tuple[Claim, Claim]]:
    """`t_pass`, `t_fail` and the claims about escape and overkill that these parts allow."""
    joint = 1 - (1 - goals.confidence) / 2
    if parts.good.size == 0:
        claims = (
            not_shown_claim("escape", parts, goals.escape, joint),
            not_shown_claim("overkill", parts, goals.overkill, joint),
        )
        return None, None, claims
    if parts.defective.size == 0:
        t_fail, overkill = _choose_t_fail(parts, goals.overkill, goals.confidence)
        return t_fail, t_fail, (not_shown_claim("escape", parts, goals.escape, joint), overkill)
    t_fail, overkill = _choose_t_fail(parts, goals.overkill, joint)
    t_pass, escape = _choose_t_pass(parts, goals.escape, joint)
    if t_pass is not None and t_fail is not None and t_pass > t_fail:
        t_pass, escape = t_fail, shown_claim("escape", parts, t_fail, goals.escape, joint)
    return t_pass, t_fail, (escape, overkill)


def outlier_limit_of(
    outlier_good: npt.ArrayLike, groups: Groups = None, false_alarm: float = OUTLIER_FALSE_ALARM
) -> float | None:
    """The outlier score above which a part is at least rechecked; None without any good part.

    The ceil((n+1)(1-false_alarm))-th smallest of n good parts (the conformal quantile): a further
    good part lies above it with a probability of at most `false_alarm`, averaged over calibration
    sets. Fewer than 1/false_alarm - 1 parts (99 for 1 %) cannot hold that; then it is their
    maximum, which a further good part exceeds with a probability of 1/(n+1).
    """
    worst = worst_of_parts(outlier_good, (), groups).good
    if worst.size == 0:
        return None
    rank = min(math.ceil((worst.size + 1) * (1 - false_alarm) - 1e-9), worst.size)
    return _just_above(float(np.sort(worst)[rank - 1]), worst)


def _images_of_parts(label: str, z: npt.ArrayLike, groups: Groups) -> dict[object, list[float]]:
    scores = np.asarray(z, np.float64).reshape(-1).tolist()
    names = [None] * len(scores) if groups is None else list(groups)
    if len(names) != len(scores):
        raise ValueError(f"{label}: {len(scores)} scores, but {len(names)} groups")
    parts: dict[object, list[float]] = {}
    for index, (name, score) in enumerate(zip(names, scores, strict=True)):
        parts.setdefault((label, index) if name is None else name, []).append(score)
    return parts


def _finite(scores: Sequence[float]) -> Scores:
    kept = np.asarray(scores, np.float64)
    return kept[np.isfinite(kept)]


def _choose_t_pass(parts: PartScores, goal: float, confidence: float) -> tuple[float | None, Claim]:
    allowed = most_allowed(parts.defective.size, goal, confidence)
    if allowed is None:
        return None, not_shown_claim("escape", parts, goal, confidence)
    score = float(np.sort(parts.defective)[allowed])
    t_pass = _just_below(score, np.concatenate([parts.good, parts.defective]))
    return t_pass, shown_claim("escape", parts, t_pass, goal, confidence)


def _choose_t_fail(parts: PartScores, goal: float, confidence: float) -> tuple[float | None, Claim]:
    allowed = most_allowed(parts.good.size, goal, confidence)
    if allowed is None:
        return None, not_shown_claim("overkill", parts, goal, confidence)
    score = float(np.sort(parts.good)[::-1][allowed])
    t_fail = _just_above(score, np.concatenate([parts.good, parts.defective]))
    return t_fail, shown_claim("overkill", parts, t_fail, goal, confidence)


def _just_below(score: float, observed: Scores) -> float:
    """A threshold t in the gap below `score`: next lower observed < t <= score."""
    lower = observed[observed < score]
    if lower.size == 0:
        return score - _margin(observed)
    middle = float(lower.max()) / 2 + score / 2
    return middle if lower.max() < middle <= score else score


def _just_above(score: float, observed: Scores) -> float:
    """A threshold t in the gap above `score`: score < t <= next higher observed."""
    higher = observed[observed > score]
    if higher.size == 0:
        return score + _margin(observed)
    middle = score / 2 + float(higher.min()) / 2
    return middle if score < middle <= higher.min() else float(higher.min())


def _margin(observed: Scores) -> float:
    largest = float(np.abs(observed).max())
    return max(SMALLEST_MARGIN, 0.01 * float(np.ptp(observed)), 4 * float(np.spacing(largest)))
