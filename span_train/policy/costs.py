"""Let costs choose the thresholds on one half of the parts, and make the claims on the other half.

Thresholds that were chosen to be cheap on some parts look better on these than they are, so no
claim may be made there. On the other half they are fixed beforehand like a goal: there the goals'
own thresholds are taken as in `calibrate`, and the cheap ones may only be stricter than these. The
rate at the stricter of two thresholds is at most the rate at either, so the goals' promise stands.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from span_train.contract.errors import LabelError
from span_train.policy.calibrate import thresholds_for
from span_train.policy.claims import PartScores, Scores, shown_claim
from span_train.policy.policy import Claim, Goal

_FEWEST = 2


@dataclass(frozen=True)
class Costs:
    """What a part costs, in any one unit.

    Attributes:
        escape: A defective part that passes.
        overkill: A good part that fails.
        recheck: A part that a person must look at.
    """

    escape: float
    overkill: float
    recheck: float

    def __str__(self) -> str:
        return f"escape={self.escape:g}, overkill={self.overkill:g}, recheck={self.recheck:g}"


@dataclass(frozen=True)
class CostChoice:
    """Thresholds that costs chose within the goals.

    Attributes:
        t_pass, t_fail, claims: As in a policy; the claims are about the second half.
        choosing, claiming: The parts of each half.
        cost: Expected cost a part on the first half, before the goals' limits.
    """

    t_pass: float | None
    t_fail: float | None
    claims: tuple[Claim, Claim]
    choosing: PartScores
    claiming: PartScores
    cost: float


def choose_by_cost(
    parts: PartScores, goals: Goal, costs: Costs, defect_rate: float, seed: int
) -> CostChoice:
    """The cheapest thresholds on a drawn half, made stricter where the other half asks for it.

    Args:
        parts: One score a physical part.
        goals: Fixed before looking, as in `calibrate`.
        defect_rate: Declared share of defective parts on the line: costs depend on it.
        seed: Of the halves.

    Raises:
        LabelError: Fewer than two good or two defective parts.
    """
    choosing, claiming = halves(parts, seed)
    cheap_pass, cheap_fail, cost = cheapest(choosing, costs, defect_rate)
    goal_pass, goal_fail, claims = thresholds_for(claiming, goals)
    t_pass = None if goal_pass is None else min(cheap_pass, goal_pass)
    t_fail = None if goal_fail is None else max(cheap_fail, goal_fail)
    told = tuple(
        claim
        if threshold is None or not claim.shown
        else shown_claim(claim.kind, claiming, threshold, claim.goal, claim.confidence)
        for claim, threshold in zip(claims, (t_pass, t_fail), strict=True)
    )
    return CostChoice(t_pass, t_fail, (told[0], told[1]), choosing, claiming, cost)


def halves(parts: PartScores, seed: int) -> tuple[PartScores, PartScores]:
    """Draw half of the parts of each class; what has no usable score is counted in the second.

    Raises:
        LabelError: Fewer than two good or two defective parts.
    """
    if min(parts.good.size, parts.defective.size) < _FEWEST:
        raise LabelError(
            f"{parts.good.size} good and {parts.defective.size} defective parts: costs choose on "
            f"one half and claims are made on the other, which takes at least {_FEWEST} of each; "
            "label more, or leave the costs out."
        )
    random = np.random.default_rng(seed)
    good, defective = random.permutation(parts.good), random.permutation(parts.defective)
    of_good, of_defective = good.size // 2, defective.size // 2
    return (
        PartScores(good[:of_good], defective[:of_defective]),
        PartScores(
            good[of_good:],
            defective[of_defective:],
            parts.good_left_out,
            parts.defective_left_out,
        ),
    )


def cheapest(parts: PartScores, costs: Costs, defect_rate: float) -> tuple[float, float, float]:
    """`t_pass`, `t_fail` of least expected cost a part, and that cost; of equals the stricter.

    ``rate (c_e F_d(t_pass) + c_r (F_d(t_fail) - F_d(t_pass)))
    + (1 - rate) (c_o (1 - F_g(t_fail)) + c_r (F_g(t_fail) - F_g(t_pass)))``, F the share of parts
    below a threshold. It is a sum of a term in each threshold, so one sweep finds the least.
    """
    tried = _between(np.concatenate([parts.good, parts.defective]))
    below_good, below_defective = (
        _share_below(parts.good, tried),
        _share_below(parts.defective, tried),
    )
    rate, look = defect_rate, costs.recheck
    passing = rate * (costs.escape - look) * below_defective - (1 - rate) * look * below_good
    failing = rate * look * below_defective
    failing += (1 - rate) * (costs.overkill * (1 - below_good) + look * below_good)
    least_passing = np.minimum.accumulate(passing)
    total = least_passing + failing
    at_fail = total.size - 1 - int(np.argmin(total[::-1]))
    at_pass = int(np.argmin(passing[: at_fail + 1]))
    return float(tried[at_pass]), float(tried[at_fail]), float(total[at_fail])


def _between(scores: Scores) -> Scores:
    """Thresholds in every gap between scores, below all and above all."""
    distinct = np.unique(scores)
    margin = max(1e-3, 0.01 * float(np.ptp(distinct)))
    inner = distinct[:-1] / 2 + distinct[1:] / 2
    return np.concatenate([[distinct[0] - margin], inner, [distinct[-1] + margin]])


def _share_below(scores: Scores, tried: Scores) -> npt.NDArray[np.float64]:
    return np.searchsorted(np.sort(scores), tried, side="left") / scores.size
