"""Count what a shift produced: yield, defects, and how often line and operators disagree.

A part counts as what became of it: the latest decision, else the verdict. Overkill and escapes are
counted where somebody decided; the escape rate comes from blind reviews alone, for other passes are
rarely looked at.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

from inspect_app.reports.shifts import Shift
from inspect_app.store.period import InspectedPart

CONFIDENCE = 0.95
NOT_NAMED = ""
_SIGMAS = 3.0


@dataclass(frozen=True)
class Rate:
    """A share with its two-sided Clopper-Pearson interval; None where nothing was counted."""

    count: int
    of: int

    @property
    def value(self) -> float | None:
        """The share."""
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its 95 % interval."""
        if not self.of:
            return None
        tail = (1 - CONFIDENCE) / 2
        low = stats.beta.ppf(tail, self.count, self.of - self.count + 1) if self.count else 0.0
        rest = self.of - self.count
        high = stats.beta.ppf(1 - tail, self.count + 1, rest) if rest else 1.0
        return float(low), float(high)


@dataclass(frozen=True)
class ControlPoint:
    """The share of failed parts in one hour, with the limits of a p-chart for so many parts."""

    hour: int
    failed: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Failed parts among those inspected."""
        return self.failed / self.of

    @property
    def is_out(self) -> bool:
        """Whether it lies beyond the limits."""
        return not self.low <= self.share <= self.high


@dataclass(frozen=True)
class ShiftNumbers:
    """What is counted of a shift.

    Attributes:
        inspected, unreadable, decided: Parts.
        verdicts: The line's, by name.
        passed: Parts that passed in the end, among those that could be read.
        open_rechecks: Rechecks that nobody decided.
        by_class, by_part: Failed parts by defect type, and by the part that speaks most for it.
        overkill: Fails of the line that an operator passed, among its decided fails.
        escapes: Passes failed in blind review, among the passes decided there.
        escapes_seen: Passes that somebody failed without being asked to look.
        chart: The p-chart, hour by hour, and its middle.
    """

    shift: Shift
    inspected: int
    unreadable: int
    decided: int
    verdicts: dict[str, int]
    passed: Rate
    open_rechecks: int
    by_class: list[tuple[str, int]]
    by_part: list[tuple[str, int]]
    overkill: Rate
    escapes: Rate
    escapes_seen: int
    chart: list[ControlPoint]
    middle: float

    @property
    def an_hour(self) -> float:
        """Parts inspected an hour."""
        return self.inspected / self.shift.hours


def count_shift(shift: Shift, parts: Sequence[InspectedPart]) -> ShiftNumbers:
    """Count a shift's parts."""
    read = [part for part in parts if part.verdict is not None]
    failed = [part for part in read if part.final == "fail"]
    fails = [part for part in read if part.verdict == "fail" and part.decision is not None]
    blind = [
        part
        for part in read
        if part.verdict == "pass" and part.blind_review and part.decision in ("pass", "fail")
    ]
    unasked = [part for part in read if part.verdict == "pass" and not part.blind_review]
    chart, middle = p_chart(shift, read)
    return ShiftNumbers(
        shift=shift,
        inspected=len(parts),
        unreadable=len(parts) - len(read),
        decided=sum(part.decision is not None for part in parts),
        verdicts=dict(Counter(str(part.verdict) for part in read)),
        passed=Rate(sum(part.final == "pass" for part in read), len(read)),
        open_rechecks=sum(part.final == "recheck" for part in read),
        by_class=Counter(part.defect_type or NOT_NAMED for part in failed).most_common(),
        by_part=Counter(_strongest(part) for part in failed).most_common(),
        overkill=Rate(sum(part.decision == "pass" for part in fails), len(fails)),
        escapes=Rate(sum(part.decision == "fail" for part in blind), len(blind)),
        escapes_seen=sum(part.decision == "fail" for part in unasked),
        chart=chart,
        middle=middle,
    )


def p_chart(shift: Shift, read: Sequence[InspectedPart]) -> tuple[list[ControlPoint], float]:
    """Failed parts hour by hour, with limits three standard deviations from the shift's share.

    The usual p-chart for samples of different size (Montgomery, Statistical Quality Control):
    ``p ± 3 sqrt(p (1 - p) / n)``, cut at 0 and 1. Hours without a part have no point.
    """
    if not read:
        return [], 0.0
    middle = sum(part.final == "fail" for part in read) / len(read)
    counted: dict[int, list[int]] = {}
    for part in read:
        hour = int((part.inspected_at - shift.start).total_seconds() // 3600)
        counted.setdefault(hour, []).append(part.final == "fail")
    points = []
    for hour, fails in sorted(counted.items()):
        away = _SIGMAS * math.sqrt(middle * (1 - middle) / len(fails))
        low, high = max(middle - away, 0.0), min(middle + away, 1.0)
        points.append(ControlPoint(hour, sum(fails), len(fails), low, high))
    return points, middle


def _strongest(part: InspectedPart) -> str:
    named = {name: value for name, value in part.contributions.items() if name != "free"}
    if not named or max(named.values()) <= 0:
        return NOT_NAMED
    return max(named, key=lambda name: named[name])
