"""What reports, reviews and the line's health ask of a store: many inspections at once."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from inspect_app.store.database import Database
from inspect_app.store.new_labels import NewLabels, new_labels
from inspect_app.store.period import (
    InspectedPart,
    before_query,
    lines_query,
    newest_query,
    period_query,
)
from inspect_app.store.records import BundleRecord
from inspect_app.store.review import (
    ReviewFilter,
    blind_query,
    operators_query,
    review_query,
    types_query,
)
from inspect_app.store.schema import bundles


class Questions:
    """Asks one open database; see `StoreReader.questions`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def period(
        self, start: datetime, end: datetime, line: str | None = None
    ) -> list[InspectedPart]:
        """What was inspected from `start` up to `end`, with the decisions that count."""
        rows = self._rows(period_query(start, end, line))
        return [InspectedPart(**row._mapping) for row in rows]

    def first_of(self, bundle_id: str, until: datetime, most: int) -> list[InspectedPart]:
        """The first parts that a bundle inspected, before `until`."""
        rows = self._rows(before_query(bundle_id, until, most))
        return [InspectedPart(**row._mapping) for row in rows]

    def review(self, wanted: ReviewFilter, limit: int) -> list[dict[str, Any]]:
        """The newest inspections that fit, each with its latest decision."""
        return [dict(row._mapping) for row in self._rows(review_query(wanted, limit))]

    def blind_ids(self) -> list[int]:
        """Passes that wait to be judged without knowing their verdict, the oldest first."""
        return [int(row[0]) for row in self._rows(blind_query())]

    def defect_types(self) -> list[str]:
        """The defect types that the line named, sorted."""
        return sorted(row[0] for row in self._rows(types_query()))

    def deciders(self) -> list[str]:
        """Who decided, sorted."""
        return sorted(row[0] for row in self._rows(operators_query()))

    def lines(self) -> list[str]:
        """The names of the lines that sent images, sorted."""
        return sorted(row[0] for row in self._rows(lines_query()))

    def newest_at(self) -> datetime | None:
        """When the newest inspection was made; None while there is none."""
        newest: datetime | None = self._rows(newest_query())[0][0]
        return newest

    def bundles(self) -> list[BundleRecord]:
        """Every bundle that inspections were made with, the newest first."""
        rows = self._rows(select(bundles).order_by(bundles.c.registered_at.desc()))
        return [BundleRecord(**row._mapping) for row in rows]

    def new_labels(self) -> NewLabels:
        """What operators have decided since the last export of labels."""
        return new_labels(self._database)

    def _rows(self, query: Select[Any]) -> list[Any]:
        with self._database.reading() as connection:
            return list(connection.execute(query))
