"""Count what a shift produced: yield, defects, and how often line and operators disagree.

A part counts as what became of it: the latest decision, else the verdict. Overkill and escapes are
counted where somebody decided; the escape rate comes from blind reviews alone, for other passes are
rarely looked at.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scipy import stats

from inspect_app.reports.shifts import Shift
from inspect_app.store.period import FailedPart, PartGroup
from inspect_app.store.strongest import strongest_part

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


def count_shift(
    shift: Shift, groups: Sequence[PartGroup], failed: Sequence[FailedPart]
) -> ShiftNumbers:
    """Count a shift's parts; `failed` are those that failed in the end, one by one."""
    read = [group for group in groups if group.verdict is not None]
    fails = [group for group in read if group.verdict == "fail" and group.decision is not None]
    passes = [group for group in read if group.verdict == "pass"]
    blind = [one for one in passes if one.blind_review and one.decision in ("pass", "fail")]
    unasked = [one for one in passes if not one.blind_review and one.decision == "fail"]
    verdicts: Counter[str] = Counter()
    for group in read:
        verdicts[str(group.verdict)] += group.count
    chart, middle = p_chart(read)
    return ShiftNumbers(
        shift=shift,
        inspected=_sum(groups),
        unreadable=_sum(groups) - _sum(read),
        decided=_sum(group for group in groups if group.decision is not None),
        verdicts=dict(verdicts),
        passed=Rate(_sum(group for group in read if group.final == "pass"), _sum(read)),
        open_rechecks=_sum(group for group in read if group.final == "recheck"),
        by_class=Counter(part.defect_type or NOT_NAMED for part in failed).most_common(),
        by_part=Counter(
            strongest_part(part.contributions) or NOT_NAMED for part in failed
        ).most_common(),
        overkill=Rate(_sum(group for group in fails if group.decision == "pass"), _sum(fails)),
        escapes=Rate(_sum(group for group in blind if group.decision == "fail"), _sum(blind)),
        escapes_seen=_sum(unasked),
        chart=chart,
        middle=middle,
    )


def p_chart(read: Sequence[PartGroup]) -> tuple[list[ControlPoint], float]:
    """Failed parts hour by hour, with limits three standard deviations from the shift's share.

    The usual p-chart for samples of different size (Montgomery, Statistical Quality Control):
    ``p ± 3 sqrt(p (1 - p) / n)``, cut at 0 and 1. Hours without a part have no point.
    """
    if not read:
        return [], 0.0
    inspected: Counter[int] = Counter()
    failed: Counter[int] = Counter()
    for group in read:
        inspected[group.piece] += group.count
        failed[group.piece] += group.count if group.final == "fail" else 0
    middle = failed.total() / inspected.total()
    points = []
    for hour, parts in sorted(inspected.items()):
        away = _SIGMAS * math.sqrt(middle * (1 - middle) / parts)
        low, high = max(middle - away, 0.0), min(middle + away, 1.0)
        points.append(ControlPoint(hour, failed[hour], parts, low, high))
    return points, middle


def _sum(groups: Iterable[PartGroup]) -> int:
    return sum(group.count for group in groups)
