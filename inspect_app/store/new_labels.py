"""How many labels have gathered since the last export, and whether a training would be worth it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, func, select

from inspect_app.store.database import Database
from inspect_app.store.decided import DecidedImage, Opinion
from inspect_app.store.schema import decisions, exports, inspections

# docs/results/demo.md and DESIGN: below five labels a class they hardly move the score, and from
# 20 to 80 it still gains.
WORTH_DEFECTIVE, WORTH_IN_ALL = 5, 40


@dataclass(frozen=True)
class NewLabels:
    """Decided parts that no export has had yet; equal images count once.

    Attributes:
        good, defective: What those were called on which operators agree.
        surprising: Those among them that the line had judged otherwise: they teach most.
        conflicts: On which operators disagree; a reviewer may settle them.
    """

    good: int
    defective: int
    surprising: int
    conflicts: int

    @property
    def is_worth_it(self) -> bool:
        """Whether an export and a training are likely to show: enough of both, or in all."""
        return self.defective >= WORTH_DEFECTIVE and (
            self.good + self.defective >= WORTH_IN_ALL or self.surprising >= WORTH_DEFECTIVE
        )


def new_labels(database: Database) -> NewLabels:
    """Count what operators have decided since the last export."""
    counted = {"pass": 0, "fail": 0}
    surprising = conflicts = 0
    for same in _fresh(database):
        said = same[0].decision if len(same) == 1 else _said(same)
        if said is None:
            conflicts += 1
        elif said != "recheck":
            counted[said] += 1
            surprising += any(one.verdict != said for one in same)
    return NewLabels(counted["pass"], counted["fail"], surprising, conflicts)


def _fresh(database: Database) -> Iterable[list[Row[Any]]]:
    """Decisions about readable images that no export has had, gathered by equal content."""
    with database.reading() as connection:
        rows = connection.execute(fresh_query()).all()
    gathered: dict[str, list[Row[Any]]] = {}
    for row in rows:
        gathered.setdefault(row.sha256 or f"inspection {row.id}", []).append(row)
    return gathered.values()


def fresh_query() -> Select[Any]:
    """Decisions about each image with a decision that no export has had, all of them."""
    exported_at = (
        select(func.max(exports.c.exported_at))
        .where(exports.c.inspection_id == decisions.c.inspection_id)
        .scalar_subquery()
    )
    not_exported = select(decisions.c.inspection_id).where(
        exported_at.is_(None) | (decisions.c.decided_at > exported_at)
    )
    part = [inspections.c[name] for name in ("id", "sha256", "verdict")]
    said = [decisions.c[name] for name in ("operator", "role", "decision")]
    return (
        select(decisions.c.id.label("number"), *part, *said)
        .join(inspections, inspections.c.id == decisions.c.inspection_id)
        .where(inspections.c.status == "ok", decisions.c.inspection_id.in_(not_exported))
    )


def _said(same: list[Row[Any]]) -> str | None:
    """What was decided about equal images, each maybe several times; None where that differs."""
    opinions: dict[int, list[Opinion]] = {}
    for row in sorted(same, key=lambda row: int(row.number)):
        opinion = Opinion(row.operator, row.role, row.decision, reason="")
        opinions.setdefault(row.id, []).append(opinion)
    agreed = [DecidedImage({}, None, tuple(each)).agreed for each in opinions.values()]
    said = {opinion.decision for opinion in agreed if opinion is not None}
    if None in agreed or len(said - {"recheck"}) > 1:
        return None
    return next(iter(said - {"recheck"}), "recheck")
