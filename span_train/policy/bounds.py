"""How sure a count among parts makes us of a share, by Clopper and Pearson's exact bound.

`k` of `n` parts missed: the one-sided upper bound at confidence c is the share p at which seeing at
most k misses would have the probability 1 - c. Zero of n shows no better than about 3/n at 95 %.
"""

import math

import numpy as np
from scipy import stats


def upper_bound(count: int, of: int, confidence: float) -> float:
    """One-sided Clopper-Pearson upper bound of a share, `count` seen among `of`."""
    if count >= of:
        return 1.0
    return float(stats.beta.ppf(confidence, count + 1, of - count))


def most_allowed(of: int, goal: float, confidence: float) -> int | None:
    """The largest count whose upper bound meets the goal; None where even 0 does not."""
    counts = np.arange(of)
    bounds = stats.beta.ppf(confidence, counts + 1, of - counts)
    met = int(np.searchsorted(bounds, goal, side="right"))
    return met - 1 if met else None


def needed_parts(goal: float, confidence: float) -> int:
    """How many parts without a single miss show the goal: 299 for 1 % at 95 %."""
    needed = math.ceil(math.log1p(-confidence) / math.log1p(-goal) - 1e-9)
    while upper_bound(0, needed, confidence) > goal:
        needed += 1
    return needed
