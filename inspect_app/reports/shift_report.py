"""Put together what a shift report says, from the store."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from inspect_app.reports.drift import REFERENCE_PARTS, Drift, drifts
from inspect_app.reports.shift_numbers import ShiftNumbers, count_shift
from inspect_app.reports.shifts import Shift
from inspect_app.store.anchor import Anchor
from inspect_app.store.period import InspectedPart
from inspect_app.store.reader import StoreReader


@dataclass(frozen=True)
class ShiftReport:
    """What a report says.

    Attributes:
        store: Its address, without a password.
        line: Of one line; None is all.
        numbers: The counts.
        drift: Against the first parts of the bundle that inspected most of the shift.
        compared: How many parts that was told from: the bundle's first, and this shift's.
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
    parts = store.questions.period(shift.start, shift.end, line)
    inspected = Counter(part.bundle_id for part in parts)
    start: list[InspectedPart] = []
    shown: list[InspectedPart] = []
    if inspected:
        main = inspected.most_common(1)[0][0]
        start = store.questions.first_of(main, shift.start, REFERENCE_PARTS)
        shown = [part for part in parts if part.bundle_id == main]
    return ShiftReport(
        store=str(store.address),
        line=line,
        numbers=count_shift(shift, parts),
        drift=drifts(start, shown),
        compared=(len(start), len(shown)),
        bundles=[(store.bundle(each).name, count) for each, count in inspected.most_common()],
        anchor=store.anchor() if anchored else None,
        made_at=datetime.now(UTC),
    )
