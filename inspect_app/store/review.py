"""Find the inspections that somebody wants to look at again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, func, or_, select, union

from inspect_app.store.outcome import has_outcome
from inspect_app.store.records import DecisionName, Outcome
from inspect_app.store.schema import decisions, inspections

LOOKED_THROUGH = 5000


@dataclass(frozen=True)
class ReviewFilter:
    """Which inspections; what is None, empty or False does not narrow them.

    Attributes:
        outcome: The line's verdict, or unreadable.
        defect_type: The class that the line named.
        since, until: When they were inspected.
        operator: Who decided last.
        disagreement: Only where the latest decision and the verdict differ, or decisions do.
        open_only: Only where nobody decided.
        name: Part of the file's name or of the part's id.
        strongest: The part of the layout that speaks most for a defect; looked for among the
            newest `LOOKED_THROUGH` that fit all else.
    """

    outcome: Outcome | None = None
    defect_type: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    operator: str | None = None
    disagreement: bool = False
    open_only: bool = False
    name: str = ""
    strongest: str | None = None


def review_query(wanted: ReviewFilter, limit: int) -> Select[Any]:
    """The newest inspections that fit, each with its latest decision; passes in blind review are
    left out while they are open, so that nobody learns their verdict here.
    """
    latest = (
        select(func.max(decisions.c.id))
        .where(decisions.c.inspection_id == inspections.c.id)
        .correlate(inspections)
        .scalar_subquery()
    )
    columns = ["id", "file_name", "inspected_at", "verdict", "defect_type", "z", "part_id"]
    if wanted.strongest is not None:
        columns.append("contributions")
    return (
        select(
            *(inspections.c[name] for name in columns),
            decisions.c.decision,
            decisions.c.operator,
            decisions.c.reason.label("why"),
        )
        .outerjoin(decisions, decisions.c.id == latest)
        .where(_fits(wanted), or_(~inspections.c.blind_review, decisions.c.id.is_not(None)))
        .order_by(inspections.c.id.desc())
        .limit(limit)
    )


def blind_query() -> Select[Any]:
    """The oldest pass that is to be looked at without knowing its verdict."""
    decided = select(decisions.c.id).where(decisions.c.inspection_id == inspections.c.id)
    return (
        select(inspections.c.id)
        .where(inspections.c.blind_review, inspections.c.verdict == "pass", ~decided.exists())
        .order_by(inspections.c.id)
    )


def operators_query() -> Select[Any]:
    """Who decided."""
    return select(decisions.c.operator).distinct()


def _fits(wanted: ReviewFilter) -> ColumnElement[bool]:
    found: list[ColumnElement[bool]] = [inspections.c.id > 0]
    if wanted.outcome is not None:
        found.append(has_outcome(wanted.outcome))
    if wanted.defect_type is not None:
        found.append(inspections.c.defect_type == wanted.defect_type)
    if wanted.since is not None:
        found.append(inspections.c.inspected_at >= wanted.since)
    if wanted.until is not None:
        found.append(inspections.c.inspected_at < wanted.until)
    if wanted.operator is not None:
        found.append(decisions.c.operator == wanted.operator)
        said = select(decisions.c.inspection_id).where(decisions.c.operator == wanted.operator)
        found.append(inspections.c.id.in_(said))  # far fewer than all: a database begins with them
    if wanted.open_only:
        found.append(decisions.c.id.is_(None))
    if wanted.disagreement:
        found += [inspections.c.id.in_(_maybe_disagreed()), _disagree()]
    if wanted.name:
        like = f"%{_escaped(wanted.name)}%"
        found.append(
            or_(
                inspections.c.file_name.ilike(like, escape="\\"),
                inspections.c.part_id.ilike(like, escape="\\"),
            )
        )
    return and_(*found)


def _maybe_disagreed() -> CompoundSelect[Any]:
    """Whose decisions ever differed from the verdict or from each other: quick to gather."""
    judged = inspections.alias()
    otherwise = (
        select(decisions.c.inspection_id)
        .join(judged, judged.c.id == decisions.c.inspection_id)
        .where(judged.c.verdict != decisions.c.decision, judged.c.verdict != "recheck")
    )
    several = (
        select(decisions.c.inspection_id)
        .group_by(decisions.c.inspection_id)
        .having(func.min(decisions.c.decision) != func.max(decisions.c.decision))
    )
    return union(otherwise, several)


def _disagree() -> ColumnElement[bool]:
    several = (
        select(func.count(decisions.c.decision.distinct()))
        .where(decisions.c.inspection_id == inspections.c.id)
        .correlate(inspections)
        .scalar_subquery()
    )
    judged: ColumnElement[DecisionName] = inspections.c.verdict
    otherwise = and_(judged != "recheck", decisions.c.decision != judged)
    return and_(decisions.c.id.is_not(None), or_(otherwise, several > 1))


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
