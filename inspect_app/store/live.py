"""What changes while the line runs: the newest part, and what waits for a decision."""

from dataclasses import dataclass

from sqlalchemy import func, select

from inspect_app.store.database import Database
from inspect_app.store.records import DecisionName
from inspect_app.store.schema import decisions, inspections

_LOOKED_THROUGH = 200  # of the first passes of a bundle, for a typical one


@dataclass(frozen=True)
class WaitingPart:
    """A recheck or a fail that nobody has decided on."""

    id: int
    file_name: str
    verdict: DecisionName


class Live:
    """Quick questions, asked about twice a second."""

    def __init__(self, database: Database) -> None:
        """Take an open store's database."""
        self._database = database

    def newest_id(self) -> int:
        """The id of the newest inspection; 0 while there is none."""
        with self._database.reading() as connection:
            query = select(func.coalesce(func.max(inspections.c.id), 0))
            return int(connection.execute(query).scalar_one())

    def waiting(self, limit: int) -> list[WaitingPart]:
        """The oldest rechecks and fails without a decision."""
        decided = select(decisions.c.id).where(decisions.c.inspection_id == inspections.c.id)
        found: list[WaitingPart] = []
        with self._database.reading() as connection:
            for verdict in ("recheck", "fail"):  # each by its index, in order of arrival
                query = (
                    select(inspections.c.id, inspections.c.file_name, inspections.c.verdict)
                    .where(inspections.c.verdict == verdict, ~decided.exists())
                    .order_by(inspections.c.id)
                    .limit(limit)
                )
                found += [WaitingPart(*row) for row in connection.execute(query)]
        return sorted(found, key=lambda part: part.id)[:limit]

    def typical_good_id(self, bundle_id: str) -> int | None:
        """A pass to compare with: the least unusual among the bundle's first ones."""
        early = (
            select(inspections.c.id, inspections.c.outlier)
            .where(inspections.c.verdict == "pass", inspections.c.bundle_id == bundle_id)
            .order_by(inspections.c.id)
            .limit(_LOOKED_THROUGH)
            .subquery()
        )
        query = select(early.c.id).order_by(early.c.outlier, early.c.id).limit(1)
        with self._database.reading() as connection:
            return connection.execute(query).scalar_one_or_none()
