"""How many labels have gathered since the last export, and whether a training would be worth it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from inspect_app.store.database import Database
from inspect_app.store.decided import DecidedImage, Opinion, equal_content
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
    with database.reading() as connection:
        images = _fresh(connection)
    counted = {"pass": 0, "fail": 0}
    surprising = conflicts = 0
    for same in equal_content(images):
        said = _said(same)
        if said is None:
            conflicts += 1
        elif said != "recheck":
            counted[said] += 1
            surprising += any(one.part["verdict"] != said for one in same)
    return NewLabels(counted["pass"], counted["fail"], surprising, conflicts)


def _fresh(connection: Connection) -> list[DecidedImage]:
    """Readable images with a decision that no export has had, each with all its decisions."""
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
    query = (
        select(decisions.c.id.label("number"), *part, *said)
        .join(inspections, inspections.c.id == decisions.c.inspection_id)
        .where(inspections.c.status == "ok", decisions.c.inspection_id.in_(not_exported))
    )
    gathered: dict[int, tuple[dict[str, Any], list[Opinion]]] = {}
    for row in sorted(connection.execute(query).all(), key=lambda row: int(row.number)):
        found = {"id": row.id, "sha256": row.sha256, "verdict": row.verdict}
        opinion = Opinion(row.operator, row.role, row.decision, reason="")
        gathered.setdefault(row.id, (found, []))[1].append(opinion)
    return [DecidedImage(found, None, tuple(opinions)) for found, opinions in gathered.values()]


def _said(same: list[DecidedImage]) -> str | None:
    """What was decided about equal images; None where decisions differ."""
    agreed = [image.agreed for image in same]
    said = {opinion.decision for opinion in agreed if opinion is not None}
    if None in agreed or len(said - {"recheck"}) > 1:
        return None
    return next(iter(said - {"recheck"}), "recheck")
