"""What the line inspected in a stretch of time, counted by the database.

A shift may hold a hundred thousand inspections: only counts, failed parts and a sample of readings
leave the store.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ScalarSelect,
    Select,
    and_,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from inspect_app.store.records import DecisionName
from inspect_app.store.schema import decisions, inspections

_SPREAD, _OUT_OF = 7919, 10007  # primes: samples keep no rhythm, such as every fourth camera


@dataclass(frozen=True)
class Period:
    """A stretch of time.

    Attributes:
        edges: Where its pieces begin, and at last where it ends; each knows its time zone.
        line: Only this line; None is all.
    """

    edges: Sequence[datetime]
    line: str | None = None


@dataclass(frozen=True)
class PartGroup:
    """How many parts of a period are alike in all that is counted.

    Attributes:
        piece: Which piece of the period, from 0.
        verdict: The line's; None where the file was unreadable.
        decision: The latest; None while nobody decided.
    """

    piece: int
    bundle_id: str
    verdict: DecisionName | None
    blind_review: bool
    decision: DecisionName | None
    count: int

    @property
    def final(self) -> DecisionName | None:
        """What became of the parts: the decision, else the verdict."""
        return self.decision or self.verdict


@dataclass(frozen=True)
class FailedPart:
    """A part that failed in the end.

    Attributes:
        contributions: What each part of the layout adds to z.
    """

    defect_type: str | None
    contributions: Mapping[str, float]


@dataclass(frozen=True)
class Readings:
    """What was measured on one image.

    Attributes:
        quality: Brightness, contrast, sharpness, clipped.
        adherence: By part, the share of its head's attention that lay on it; None in old rows.
    """

    z: float | None
    outlier: float | None
    quality: Mapping[str, float] | None
    adherence: Mapping[str, float] | None = None


def counted_query(period: Period) -> Select[Any]:
    """How many parts are alike, decided or not: by piece, bundle, verdict and blind review."""
    alike = [inspections.c[name] for name in ("bundle_id", "verdict", "blind_review")]
    pieces = [
        select(literal_column(str(number)).label("piece"), *alike, func.count().label("count"))
        .where(_within(Period([start, end], period.line)))
        .group_by(*alike)
        for number, (start, end) in enumerate(pairwise(period.edges))
    ]
    return select(union_all(*pieces).subquery())


def decided_query(period: Period) -> Select[Any]:
    """How many of the decided parts are alike, and what was decided last."""
    later = decisions.alias()
    overruled = select(later.c.id).where(
        later.c.inspection_id == decisions.c.inspection_id, later.c.id > decisions.c.id
    )
    each = (
        select(
            _piece(period.edges).label("piece"),
            inspections.c.bundle_id,
            inspections.c.verdict,
            inspections.c.blind_review,
            decisions.c.decision,
        )
        .join(inspections, inspections.c.id == decisions.c.inspection_id)
        .where(_within(period), ~overruled.exists())
        .subquery()
    )
    return select(*each.c, func.count()).group_by(*each.c)


def failed_query(period: Period) -> Select[Any]:
    """The parts that failed in the end."""
    became = func.coalesce(_latest(), inspections.c.verdict)
    said = select(decisions.c.inspection_id).where(decisions.c.decision == "fail")
    maybe = or_(inspections.c.verdict == "fail", inspections.c.id.in_(said))  # quick to tell
    return select(inspections.c.defect_type, inspections.c.contributions).where(
        _within(period), maybe, became == "fail"
    )


def sample_query(period: Period, bundle_id: str, share: float) -> Select[Any]:
    """Readings of about that share of the images of a bundle, spread over the period."""
    mixed = cast(inspections.c.id, BigInteger) * _SPREAD % _OUT_OF
    return _readings(bundle_id).where(_within(period), mixed < share * _OUT_OF)


def first_query(bundle_id: str, until: datetime, most: int) -> Select[Any]:
    """Readings of the first images of a bundle, before a moment: what it was like at its start."""
    return (
        _readings(bundle_id)
        .where(inspections.c.inspected_at < until)
        .order_by(inspections.c.id)
        .limit(most)
    )


def newest_query() -> Select[Any]:
    """When the newest inspection was made."""
    return select(func.max(inspections.c.inspected_at))


def since_query(since: datetime) -> Select[Any]:
    """How many were inspected since a moment."""
    return select(func.count()).where(inspections.c.inspected_at >= since)


def latency_query(since: datetime, most: int) -> Select[Any]:
    """What the newest ones took, in milliseconds."""
    newest = (
        select(inspections.c.inspected_at, inspections.c.latency_ms)
        .order_by(inspections.c.id.desc())
        .limit(most)
        .subquery()
    )
    took_ms = newest.c.latency_ms
    return select(took_ms).where(newest.c.inspected_at >= since, took_ms.is_not(None))


def _readings(bundle_id: str) -> Select[Any]:
    columns = [inspections.c[name] for name in Readings.__dataclass_fields__]
    return select(*columns).where(
        inspections.c.bundle_id == bundle_id, inspections.c.status == "ok"
    )


def _within(period: Period) -> ColumnElement[bool]:
    at = inspections.c.inspected_at
    found = and_(at >= period.edges[0], at < period.edges[-1])
    return found if period.line is None else and_(found, inspections.c.line == period.line)


def _piece(edges: Sequence[datetime]) -> ColumnElement[int]:
    """The number of the piece that an inspection lies in."""
    ends = enumerate(edges[1:-1])
    before: list[tuple[ColumnElement[bool], ColumnElement[int]]] = [
        (inspections.c.inspected_at < end, literal_column(str(number))) for number, end in ends
    ]
    last: ColumnElement[int] = literal_column(str(len(before)))
    return case(*before, else_=last) if before else last


def _latest() -> ScalarSelect[Any]:
    """The decision that counts for an inspection."""
    return (
        select(decisions.c.decision)
        .where(decisions.c.inspection_id == inspections.c.id)
        .order_by(decisions.c.id.desc())
        .limit(1)
        .correlate(inspections)
        .scalar_subquery()
    )
