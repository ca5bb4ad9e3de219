"""What reports, reviews and the line's health ask of a store: many inspections at once."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Column, Select, func, select

from inspect_app.store.database import Database
from inspect_app.store.new_labels import NewLabels, new_labels
from inspect_app.store.period import (
    FailedPart,
    PartGroup,
    Period,
    Readings,
    counted_query,
    decided_query,
    failed_query,
    first_query,
    latency_query,
    newest_query,
    sample_query,
    since_query,
)
from inspect_app.store.records import BundleRecord, DecisionName, InspectionRecord
from inspect_app.store.review import (
    LOOKED_THROUGH,
    ReviewFilter,
    blind_query,
    operators_query,
    review_query,
)
from inspect_app.store.schema import bundles, inspections
from inspect_app.store.similar import similar_ids
from inspect_app.store.strongest import strongest_part

_NEWEST_TIMED = 500


@dataclass(frozen=True)
class RecentWork:
    """What the line did lately.

    Attributes:
        inspected: How many images.
        took_ms: What the newest of them took, each.
    """

    inspected: int
    took_ms: list[float]


class Questions:
    """Asks one open database; see `StoreReader.questions`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def groups(self, period: Period) -> list[PartGroup]:
        """What was inspected in a period, counted by what the line and operators said."""
        with self._database.reading() as connection:  # in this order: every decided part counts
            decided = connection.execute(decided_query(period)).all()
            counted = connection.execute(counted_query(period)).all()
        groups = [PartGroup(*row) for row in decided]
        alike: Counter[tuple[int, str, DecisionName | None, bool]] = Counter()
        for piece, bundle_id, verdict, blind_review, count in counted:
            alike[piece, bundle_id, verdict, blind_review] = int(count)
        for group in groups:
            key = (group.piece, group.bundle_id, group.verdict, group.blind_review)
            alike[key] -= group.count
        undecided = [PartGroup(*key, None, left) for key, left in alike.items() if left]
        return sorted([*groups, *undecided], key=lambda group: group.piece)

    def failed(self, period: Period) -> list[FailedPart]:
        """The parts of a period that failed in the end."""
        return [FailedPart(*row) for row in self._rows(failed_query(period))]

    def sample_of(self, period: Period, bundle_id: str, share: float) -> list[Readings]:
        """Readings of about that share of a bundle's images, spread over a period."""
        return [Readings(*row) for row in self._rows(sample_query(period, bundle_id, share))]

    def first_of(self, bundle_id: str, until: datetime, most: int) -> list[Readings]:
        """Readings of the first images that a bundle inspected, before `until`."""
        return [Readings(*row) for row in self._rows(first_query(bundle_id, until, most))]

    def recent_work(self, since: datetime) -> RecentWork:
        """How much was inspected since a moment, and how long it took."""
        (counted,) = self._rows(since_query(since))
        took = self._rows(latency_query(since, _NEWEST_TIMED))
        return RecentWork(int(counted[0]), [float(row[0]) for row in took])

    def review(self, wanted: ReviewFilter, limit: int) -> list[dict[str, Any]]:
        """The newest inspections that fit, each with its latest decision."""
        if wanted.strongest is None:
            return [dict(row._mapping) for row in self._rows(review_query(wanted, limit))]
        fitting = (
            dict(row._mapping)
            for row in self._rows(review_query(wanted, LOOKED_THROUGH))
            if strongest_part(row.contributions) == wanted.strongest
        )
        return list(islice(fitting, limit))

    def similar(self, part: InspectionRecord, most: int) -> list[int]:
        """The inspections most like one, the most similar first: see `similar_ids`."""
        return similar_ids(self._database, part, most)

    def blind_ids(self) -> list[int]:
        """Passes that wait to be judged without knowing their verdict, the oldest first."""
        return [int(row[0]) for row in self._rows(blind_query())]

    def defect_types(self) -> list[str]:
        """The defect types that the line named, sorted."""
        return self._values(inspections.c.defect_type)

    def deciders(self) -> list[str]:
        """Who decided, sorted."""
        return sorted(row[0] for row in self._rows(operators_query()))

    def lines(self) -> list[str]:
        """The names of the lines that sent images, sorted."""
        return self._values(inspections.c.line)

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

    def _values(self, column: Column[str]) -> list[str]:
        """The values of an indexed column, sorted: one step into the index for each."""
        found: list[str] = []
        query = select(func.min(column))
        with self._database.reading() as connection:
            while True:
                larger = query.where(column > found[-1]) if found else query
                value = connection.execute(larger).scalar_one()
                if value is None:
                    return found
                found.append(value)

    def _rows(self, query: Select[Any]) -> list[Any]:
        with self._database.reading() as connection:
            return list(connection.execute(query))
