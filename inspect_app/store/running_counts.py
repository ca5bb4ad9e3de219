"""How many inspections and decisions there are: counted once, then only what came after.

Neither ever changes or goes, and both become visible in the order of their ids. So what was counted
up to one id stays true, and a page that looks twice a second never counts a whole table again.
"""

from collections import Counter
from threading import Lock
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, select

from inspect_app.store.database import Database
from inspect_app.store.outcome import has_outcome
from inspect_app.store.records import OUTCOMES, Counts, DecisionName, Outcome
from inspect_app.store.schema import decisions, inspections

# A bound value would not group on PostgreSQL.
_OUTCOME = func.coalesce(inspections.c.verdict, literal_column("'unreadable'"))


class RunningCounts:
    """The counts of one open store; threads may share them."""

    def __init__(self, database: Database) -> None:
        """Nothing is counted yet."""
        self._database, self._lock = database, Lock()
        self._start_over()

    def counts(self) -> Counts:
        """Inspections and decided ones, by outcome."""
        with self._lock:
            self._go_on()
            decided: Counter[Outcome] = Counter()
            for (outcome, _), count in self._latest.items():
                decided[outcome] += count
            return Counts(
                {name: self._inspected[name] for name in OUTCOMES},
                {name: decided[name] for name in OUTCOMES},
                self._newest,
            )

    def by_decision(self) -> dict[tuple[Outcome, DecisionName], int]:
        """How many inspections of each outcome ended in each decision; the latest one counts."""
        with self._lock:
            self._go_on()
            return {both: count for both, count in self._latest.items() if count}

    def _start_over(self) -> None:
        self._newest = self._last_decision = 0
        self._inspected: Counter[Outcome] = Counter()
        self._latest: Counter[tuple[Outcome, DecisionName]] = Counter()

    def _go_on(self) -> None:
        with self._database.reading() as connection:
            # In this order: every decision up to the last is about an inspection up to the newest.
            last = _highest(connection, decisions.c.id)
            newest = _highest(connection, inspections.c.id)
            if newest < self._newest or last < self._last_decision:
                self._start_over()  # an older copy of the store was put in its place
            if (newest, last) != (self._newest, self._last_decision):
                self._add(connection, newest, last)

    def _add(self, connection: Connection, newest: int, last: int) -> None:
        added = connection.execute(inspected_query(self._newest, newest)).one()
        said = connection.execute(decided_query(self._last_decision, last)).all()
        for outcome, count in zip(OUTCOMES, added, strict=True):
            self._inspected[outcome] += int(count)
        for outcome, decision, before, count in said:
            self._latest[outcome, decision] += int(count)
            if before is not None:
                self._latest[outcome, before] -= int(count)
        self._newest, self._last_decision = newest, last


def inspected_query(after: int, up_to: int) -> Select[Any]:
    """How many came after one id, up to another: a column for each outcome, by its own index."""
    each = inspections.c.id
    return select(
        *(
            select(func.count())
            .where(has_outcome(name), each > after, each <= up_to)
            .scalar_subquery()
            .label(name)
            for name in OUTCOMES
        )
    )


def decided_query(after: int, up_to: int) -> Select[Any]:
    """New decisions by outcome, what was decided, and what had been decided before."""
    earlier = decisions.alias()
    before = (
        select(earlier.c.decision)
        .where(earlier.c.inspection_id == decisions.c.inspection_id, earlier.c.id < decisions.c.id)
        .order_by(earlier.c.id.desc())
        .limit(1)
        .correlate(decisions)
        .scalar_subquery()
    )
    each = (
        select(_OUTCOME.label("outcome"), decisions.c.decision, before.label("before"))
        .join(inspections, inspections.c.id == decisions.c.inspection_id)
        .where(decisions.c.id > after, decisions.c.id <= up_to)
        .subquery()
    )
    return select(*each.c, func.count()).group_by(*each.c)


def _highest(connection: Connection, column: ColumnElement[int]) -> int:
    return int(connection.execute(select(func.coalesce(func.max(column), 0))).scalar_one())
