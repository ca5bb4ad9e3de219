"""Give a bundle's scores on new labelled parts new thresholds, with claims, costs and probability.

What `inspect calibrate` promises is decided here and nowhere else, from scores alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from span_train.policy.calibrate import outlier_limit_of, thresholds_for, worst_of_parts
from span_train.policy.claims import PartScores
from span_train.policy.costs import Costs, choose_by_cost
from span_train.policy.policy import Goal, Policy
from span_train.policy.probability import fit_probability


@dataclass(frozen=True)
class ImageScores:
    """What a bundle says to labelled images, one entry an image.

    Attributes:
        z, outlier: Its scores.
        defective: Whether the label says so.
        part: Names the physical part; None where the image is its own.
    """

    z: npt.NDArray[np.float64]
    outlier: npt.NDArray[np.float64]
    defective: npt.NDArray[np.bool_]
    part: Sequence[str | None]

    def by_part(self) -> PartScores:
        """One score a physical part, its worst image's."""
        good, defective = self._parts(~self.defective), self._parts(self.defective)
        return worst_of_parts(self.z[~self.defective], self.z[self.defective], good, defective)

    def outlier_limit(self) -> float | None:
        """The outlier score above which a part is at least rechecked, from the good parts."""
        spoilt = {part for part in self._parts(self.defective) if part is not None}
        usable = ~self.defective & np.array([part not in spoilt for part in self.part], bool)
        return outlier_limit_of(self.outlier[usable], self._parts(usable))

    def _parts(self, which: npt.NDArray[np.bool_]) -> list[str | None]:
        return [part for part, chosen in zip(self.part, which, strict=True) if chosen]


@dataclass(frozen=True)
class Wish:
    """What was fixed before looking.

    Attributes:
        goals: Of escape and overkill, with the confidence at which both hold.
        defect_rate: Declared share of defective parts on the line; None shows no probability.
        costs: They choose the thresholds within the goals; they need a defect rate.
        seed: Of the halves that costs need.
    """

    goals: Goal
    defect_rate: float | None = None
    costs: Costs | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.costs is not None and self.defect_rate is None:
            raise ValueError("costs depend on how often defects occur; declare a defect rate")


def calibrated(scores: ImageScores, wish: Wish) -> tuple[Policy, str]:
    """The policy that these scores allow, and in words how it was chosen.

    Raises:
        LabelError: Costs are to choose, but there are too few parts for two halves.
    """
    parts = scores.by_part()
    if wish.costs is None or wish.defect_rate is None:
        t_pass, t_fail, claims = thresholds_for(parts, wish.goals)
        rule = "the goals' thresholds on all parts"
    else:
        chosen = choose_by_cost(parts, wish.goals, wish.costs, wish.defect_rate, wish.seed)
        t_pass, t_fail, claims = chosen.t_pass, chosen.t_fail, chosen.claims
        rule = (
            f"least cost ({wish.costs}; defect rate {wish.defect_rate:g}) on "
            f"{_counted(chosen.choosing)}, within the goals and with the claims on "
            f"{_counted(chosen.claiming)}, halves drawn with seed {wish.seed}"
        )
    rate = wish.defect_rate
    policy = Policy(
        t_pass=t_pass,
        t_fail=t_fail,
        outlier_limit=scores.outlier_limit(),
        goals=wish.goals,
        claims=claims,
        probability=None if rate is None else fit_probability(parts, rate),
    )
    return policy, rule


def _counted(parts: PartScores) -> str:
    return f"{parts.good.size} good and {parts.defective.size} defective parts"
