"""What the line inspected in a stretch of time, with the decision that counts for each part."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Select, func, select

from inspect_app.store.records import DecisionName
from inspect_app.store.schema import decisions, inspections


@dataclass(frozen=True)
class InspectedPart:
    """One inspection of a period, as far as reports need it.

    Attributes:
        verdict: The line's; None where the file was unreadable.
        decision: The latest; None while nobody decided.
        contributions: What each part adds to z.
        quality: Brightness, contrast, sharpness, clipped; None where unreadable.
    """

    id: int
    inspected_at: datetime
    bundle_id: str
    verdict: DecisionName | None
    decision: DecisionName | None
    defect_type: str | None
    z: float | None
    outlier: float | None
    contributions: Mapping[str, float]
    quality: Mapping[str, float] | None
    blind_review: bool
    line: str | None
    latency_ms: float | None

    @property
    def final(self) -> DecisionName | None:
        """What became of the part: the decision, else the verdict."""
        return self.decision or self.verdict


def period_query(start: datetime, end: datetime, line: str | None = None) -> Select[Any]:
    """Inspections from `start` up to `end`, in order of time; of one line, or of all."""
    latest = (
        select(decisions.c.decision)
        .where(decisions.c.inspection_id == inspections.c.id)
        .order_by(decisions.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(*_wanted(), latest.label("decision"))
        .where(inspections.c.inspected_at >= start, inspections.c.inspected_at < end)
        .order_by(inspections.c.inspected_at, inspections.c.id)
    )
    return query if line is None else query.where(inspections.c.line == line)


def before_query(bundle_id: str, until: datetime, most: int) -> Select[Any]:
    """The first inspections that a bundle made, up to `until`: what it was like at its start."""
    return (
        select(*_wanted(), inspections.c.verdict.label("decision"))
        .where(
            inspections.c.bundle_id == bundle_id,
            inspections.c.status == "ok",
            inspections.c.inspected_at < until,
        )
        .order_by(inspections.c.id)
        .limit(most)
    )


def lines_query() -> Select[Any]:
    """The names of the lines that sent images."""
    return select(inspections.c.line).where(inspections.c.line.is_not(None)).distinct()


def newest_query() -> Select[Any]:
    """When the newest inspection was made."""
    return select(func.max(inspections.c.inspected_at))


def _wanted() -> list[Column[Any]]:
    names = InspectedPart.__dataclass_fields__
    return [inspections.c[name] for name in names if name != "decision"]
