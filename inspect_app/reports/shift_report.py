"""Put together what a shift report says, from the store."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from inspect_app.reports.drift import REFERENCE_PARTS, SAMPLE_PARTS, Drift, drifts
from inspect_app.reports.shift_numbers import ShiftNumbers, count_shift
from inspect_app.reports.shifts import Shift
from inspect_app.store.anchor import Anchor
from inspect_app.store.period import Period
from inspect_app.store.reader import StoreReader


@dataclass(frozen=True)
class ShiftReport:
    """What a report says.

    Attributes:
        store: Its address, without a password.
        line: Of one line; None is all.
        numbers: The counts.
        drift: Against the first parts of the bundle that inspected most of the shift.
        compared: How many images that was told from: the bundle's first, and a sample of the shift.
        bundles: Names of the bundles that inspected, with how many parts each.
        anchor: Where the chain of decisions ended when the report was made; None where this machine
            lacks the key.
        made_at: When, in UTC.
    """

    store: str
    line: str | None
    numbers: ShiftNumbers
    drift: list[Drift]
    compared: tuple[int, int]
    bundles: list[tuple[str, int]]
    anchor: Anchor | None
    made_at: datetime


def make_report(
    store: StoreReader, shift: Shift, line: str | None = None, *, anchored: bool = True
) -> ShiftReport:
    """Read a shift and count it.

    Args:
        anchored: Whether the report carries where the chain of decisions ends.

    Raises:
        StoreError: The store cannot be read, or the key of its decisions is missing.
    """
    period = Period(shift.hourly(), line)
    groups = store.questions.groups(period)
    inspected: Counter[str] = Counter()
    for group in groups:
        inspected[group.bundle_id] += group.count
    drift, compared = _drift(store, period, inspected)
    return ShiftReport(
        store=str(store.address),
        line=line,
        numbers=count_shift(shift, groups, store.questions.failed(period)),
        drift=drift,
        compared=compared,
        bundles=[(store.bundle(each).name, count) for each, count in inspected.most_common()],
        anchor=store.anchor() if anchored else None,
        made_at=datetime.now(UTC),
    )


def _drift(
    store: StoreReader, period: Period, inspected: Counter[str]
) -> tuple[list[Drift], tuple[int, int]]:
    """How far the shift is from the start of its main bundle, and from how many images each."""
    if not inspected:
        return [], (0, 0)
    ((main, count),) = inspected.most_common(1)
    start = store.questions.first_of(main, period.edges[0], REFERENCE_PARTS)
    now = store.questions.sample_of(period, main, min(1.0, SAMPLE_PARTS / count))
    return drifts(start, now), (len(start), len(now))
