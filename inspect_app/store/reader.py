"""What the station asks of the store, and the one thing it adds to it: an operator's decision."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Row, Select, func, select

from inspect_app.store.address import store_address
from inspect_app.store.anchor import Anchor
from inspect_app.store.anchors import current_anchor
from inspect_app.store.assets import Assets
from inspect_app.store.bundle_switches import BundleSwitches
from inspect_app.store.chain_key import ChainKeyFile
from inspect_app.store.checked_text import checked_text
from inspect_app.store.closing import Closing
from inspect_app.store.database import open_database
from inspect_app.store.decide import append_decision
from inspect_app.store.destinations import DestinationRecord, read_destinations
from inspect_app.store.live import Live
from inspect_app.store.operators import Operators
from inspect_app.store.outcome import has_outcome
from inspect_app.store.part_verdict import part_verdict_then
from inspect_app.store.questions import Questions
from inspect_app.store.records import (
    DECISIONS,
    LONGEST_OPERATOR,
    LONGEST_REASON,
    OUTCOMES,
    ROLES,
    BundleRecord,
    Counts,
    DecidedPart,
    DecisionName,
    DecisionRecord,
    InspectionRecord,
    Outcome,
    PartEvidence,
    Role,
)
from inspect_app.store.running_counts import RunningCounts
from inspect_app.store.schema import asset_removals, bundles, decisions, inspections
from span_train.contract.errors import StoreError
from span_train.contract.geometry import Geometry


def _now() -> datetime:
    return datetime.now(UTC)


class StoreReader(Closing):
    """Read a store that exists, and append decisions to it.

    `outcome` selects inspections by verdict, or the unreadable ones; None is all of them. Order is
    that of arrival: by id.
    """

    def __init__(
        self, url: str, clock: Callable[[], datetime] = _now, chain_key: Path | None = None
    ) -> None:
        """Open the store.

        Args:
            chain_key: Where the key that seals decisions lies; see `ChainKeyFile`.

        Raises:
            StoreError: The URL names no store, or its decisions could not be written.
        """
        self.address = store_address(url)
        self._key_file = ChainKeyFile(chain_key)
        self._database = open_database(self.address, self._key_file)
        self._assets = Assets(self.address.assets)
        self._clock = clock
        self._running = RunningCounts(self._database)
        self.questions = Questions(self._database)
        self.live = Live(self._database)
        self.bundle_switches = BundleSwitches(self._database, clock)
        self.operators = Operators(self._database, self._key_file, clock)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def counts(self) -> Counts:
        """Inspections and decided ones, by outcome."""
        return self._running.counts()

    def page(
        self,
        outcome: Outcome | None = None,
        *,
        limit: int = 50,
        offset: int = 0,
        newest_first: bool = True,
    ) -> list[InspectionRecord]:
        """A page of inspections, by time of arrival in the store."""
        order = inspections.c.id.desc() if newest_first else inspections.c.id
        query = select(inspections).where(has_outcome(outcome)).order_by(order)
        return [_inspection(row) for row in self._rows(query.limit(limit).offset(offset))]

    def inspection(self, inspection_id: int) -> InspectionRecord:
        """One inspection.

        Raises:
            StoreError: There is none with this id.
        """
        rows = self._rows(select(inspections).where(inspections.c.id == inspection_id))
        if not rows:
            raise StoreError(f"{self.address}: holds no inspection {inspection_id}.")
        return _inspection(rows[0])

    def next_id(self, inspection_id: int, outcome: Outcome | None = None) -> int | None:
        """The inspection after this one, or None at the end; it need not exist itself."""
        column = inspections.c.id
        return self._id(_ids(outcome).where(column > inspection_id).order_by(column))

    def previous_id(self, inspection_id: int, outcome: Outcome | None = None) -> int | None:
        """The inspection before this one, or None at the start; it need not exist itself."""
        column = inspections.c.id
        return self._id(_ids(outcome).where(column < inspection_id).order_by(column.desc()))

    def next_undecided_id(self, inspection_id: int, outcome: Outcome | None = None) -> int | None:
        """The next inspection without a decision; behind the last it starts over from the first."""
        open_ids = _ids(outcome).where(~_is_decided()).order_by(inspections.c.id)
        after = self._id(open_ids.where(inspections.c.id > inspection_id))
        return after if after is not None else self._id(open_ids)

    def position(self, inspection_id: int, outcome: Outcome | None = None) -> int:
        """Which one it is among those of this outcome, counted from 1."""
        up_to = inspections.c.id <= inspection_id
        query = select(func.count()).select_from(inspections)
        each = (outcome,) if outcome else OUTCOMES  # each by its own index: rows are wide
        return sum(int(self._rows(query.where(has_outcome(one), up_to))[0][0]) for one in each)

    def decisions_of(self, inspection_id: int) -> list[DecisionRecord]:
        """Every decision about one inspection, oldest first."""
        query = select(decisions).where(decisions.c.inspection_id == inspection_id)
        return [_decision(row) for row in self._rows(query.order_by(decisions.c.id))]

    def latest_decision(self, inspection_id: int) -> DecisionRecord | None:
        """The decision that counts for one inspection, or None while there is none."""
        query = select(decisions).where(decisions.c.inspection_id == inspection_id)
        rows = self._rows(query.order_by(decisions.c.id.desc()).limit(1))
        return _decision(rows[0]) if rows else None

    def recent_decisions(self, *, limit: int = 50, offset: int = 0) -> list[DecidedPart]:
        """Decisions about all inspections, newest first."""
        query = select(
            decisions, inspections.c.file_name, inspections.c.verdict, inspections.c.z
        ).join(inspections, inspections.c.id == decisions.c.inspection_id)
        rows = self._rows(query.order_by(decisions.c.id.desc()).limit(limit).offset(offset))
        return [DecidedPart(_decision(row), row.file_name, row.verdict, row.z) for row in rows]

    def decision_counts(self) -> dict[tuple[Outcome, DecisionName], int]:
        """How many inspections of each outcome ended in each decision; the latest one counts."""
        return self._running.by_decision()

    def bundle(self, bundle_id: str) -> BundleRecord:
        """A bundle that inspections were made with.

        Raises:
            StoreError: It was never registered here.
        """
        rows = self._rows(select(bundles).where(bundles.c.bundle_id == bundle_id))
        if not rows:
            raise StoreError(f"{self.address}: bundle {bundle_id} is not registered here.")
        return BundleRecord(**rows[0]._mapping)

    def evidence(self, inspection: InspectionRecord) -> PartEvidence | None:
        """Picture and maps of one inspection; None where the file was unreadable, or cleaned away.

        Raises:
            StoreError: A file beside the database is missing or damaged.
        """
        picture, maps, geometry = (
            inspection.picture_asset,
            inspection.maps_asset,
            inspection.geometry,
        )
        if picture is None or maps is None or geometry is None:
            return None
        if not self._assets.has(picture) and self._was_removed(picture):
            return None
        return self._assets.load_part(picture, maps, geometry)

    def layout(self, bundle: BundleRecord) -> npt.NDArray[np.float32] | None:
        """The parts' masks in the fitted square, (K, S, S), where the bundle brought them."""
        return (
            None if bundle.layout_asset is None else self._assets.load_layout(bundle.layout_asset)
        )

    def record_decision(
        self,
        inspection_id: int,
        operator: str,
        decision: DecisionName,
        reason: str = "",
        role: Role = "operator",
    ) -> DecisionRecord:
        """Append an operator's decision, sealed; earlier ones stay, the latest counts.

        Raises:
            StoreError: No operator is named, a text is too long, there is no such inspection, or
                the key that seals decisions is missing or another one.
            ValueError: `decision` or `role` is none of those that exist.
        """
        for name, known in ((decision, DECISIONS), (role, ROLES)):
            if name not in known:
                raise ValueError(f"expected one of {', '.join(known)}, found {name!r}")
        values = {
            "inspection_id": inspection_id,
            "operator": checked_text("operator's name", operator, LONGEST_OPERATOR, needed=True),
            "role": role,
            "decision": decision,
            "reason": checked_text("reason", reason, LONGEST_REASON),
            "decided_at": self._clock(),
        }
        return _decision(append_decision(self._database, self._assets, self._key_file, values))

    def anchor(self) -> Anchor:
        """Where the chain of decisions ends now, for reports and messages to carry.

        Raises:
            StoreError: The key that seals decisions is missing or another one.
        """
        return current_anchor(self._database, self._key_file, self._clock())

    def destinations(self) -> list[DestinationRecord]:
        """Who in the plant is told of verdicts and decisions, and how far that has come."""
        return read_destinations(self._database)

    def part_verdict(self, inspection: InspectionRecord) -> DecisionName | None:
        """The verdict on the part by all its images up to this one; None: of no known part."""
        with self._database.reading() as connection:
            return part_verdict_then(connection, vars(inspection))

    def _was_removed(self, asset: str) -> bool:
        query = select(asset_removals.c.asset).where(asset_removals.c.asset == asset)
        return bool(self._rows(query))

    def _rows(self, query: Select[Any]) -> list[Any]:
        with self._database.reading() as connection:
            return list(connection.execute(query))

    def _id(self, query: Select[Any]) -> int | None:
        rows = self._rows(query.limit(1))
        return int(rows[0][0]) if rows else None


def _ids(outcome: Outcome | None) -> Select[Any]:
    return select(inspections.c.id).where(has_outcome(outcome))


def _is_decided() -> ColumnElement[bool]:
    return select(decisions.c.id).where(decisions.c.inspection_id == inspections.c.id).exists()


def _inspection(row: Row[Any]) -> InspectionRecord:
    values = dict(row._mapping)
    values.pop("arrival_key")
    geometry = values.pop("geometry")
    return InspectionRecord(geometry=geometry and _geometry(geometry), **values)


def _geometry(kept: dict[str, Any]) -> Geometry:
    aligned = kept.get("aligned")
    return Geometry(**{**kept, "aligned": aligned and tuple(aligned)})


def _decision(row: Row[Any]) -> DecisionRecord:
    columns = DecisionRecord.__dataclass_fields__
    return DecisionRecord(**{name: row._mapping[name] for name in columns})
