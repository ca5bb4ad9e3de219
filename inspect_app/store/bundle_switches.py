"""Which bundle a watch is to go on with: asked for by an engineer, answered by the watch.

Both are rows that stay: who asked when and why, and whether the watch took it or refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Select, insert, select

from inspect_app.store.checked_text import checked_text
from inspect_app.store.database import Database
from inspect_app.store.records import LONGEST_REASON, OperatorRecord
from inspect_app.store.schema import bundle_switch_answers, bundle_switches
from span_train.contract.errors import StoreError

SwitchOutcome = Literal["taken", "refused"]
_LONGEST_WHY = 1000


@dataclass(frozen=True)
class BundleSwitch:
    """One switch that was asked for.

    Attributes:
        feed: Which watch: the name of its heartbeat file, without suffix.
        bundle, previous: Name and short id of the bundle asked for, and of the one in use then.
        outcome: None while the watch has not answered.
        why: Why it was refused; empty otherwise.
        started_with: Id of the bundle that the watch was started with when it answered.
    """

    id: int
    feed: str
    bundle_id: str
    bundle: str
    previous: str
    operator: str
    reason: str
    asked_at: datetime
    outcome: SwitchOutcome | None
    why: str | None
    started_with: str | None
    answered_at: datetime | None


class BundleSwitches:
    """The switches of a store."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        """Take an open store's database."""
        self._database, self._clock = database, clock

    def ask(
        self, feed: str, bundle_id: str, names: tuple[str, str], by: OperatorRecord, reason: str
    ) -> None:
        """Ask a watch to go on with another bundle.

        Args:
            names: Of that bundle, and of the one in use.

        Raises:
            StoreError: Whoever asks is no engineer, says no reason, or the watch has yet to answer
                another one.
        """
        if not by.may("engineer"):
            raise StoreError(f"{by.name}: switching a bundle takes the role of engineer.")
        values = {
            "feed": feed,
            "bundle_id": bundle_id,
            "bundle": names[0],
            "previous": names[1],
            "operator": by.name,
            "role": by.role,
            "reason": checked_text("reason", reason, LONGEST_REASON, needed=True),
            "asked_at": self._clock(),
        }
        with self._database.writing(bundle_switches) as connection:
            if (waiting := _open(connection, feed)) is not None:
                raise StoreError(
                    f"{waiting.bundle}: was asked for by {waiting.operator}, and the watch has not "
                    "answered yet; wait for it."
                )
            connection.execute(insert(bundle_switches).values(**values))

    def open_for(self, feed: str) -> BundleSwitch | None:
        """What a watch has yet to answer."""
        with self._database.reading() as connection:
            return _open(connection, feed)

    def answer(
        self, switch_id: int, outcome: SwitchOutcome, started_with: str, why: str = ""
    ) -> None:
        """Say that the bundle is taken, or why not."""
        values = {
            "switch_id": switch_id,
            "outcome": outcome,
            "why": why.replace("\0", " ")[:_LONGEST_WHY],
            "started_with": started_with,
            "answered_at": self._clock(),
        }
        with self._database.writing(bundle_switch_answers) as connection:
            connection.execute(insert(bundle_switch_answers).values(**values))

    def last_taken(self, feed: str) -> BundleSwitch | None:
        """The switch that a watch made last."""
        query = _switches().where(
            bundle_switches.c.feed == feed, bundle_switch_answers.c.outcome == "taken"
        )
        return next(iter(self._found(query.limit(1))), None)

    def recent(self, limit: int = 20) -> list[BundleSwitch]:
        """Of all watches, the newest first."""
        return self._found(_switches().limit(limit))

    def _found(self, query: Select[Any]) -> list[BundleSwitch]:
        with self._database.reading() as connection:
            return [BundleSwitch(**row._mapping) for row in connection.execute(query)]


def _open(connection: Connection, feed: str) -> BundleSwitch | None:
    unanswered = bundle_switch_answers.c.switch_id.is_(None)
    query = _switches().where(bundle_switches.c.feed == feed, unanswered)
    row = connection.execute(query.limit(1)).one_or_none()
    return None if row is None else BundleSwitch(**row._mapping)


def _switches() -> Select[Any]:
    asked = [name for name in BundleSwitch.__annotations__ if name in bundle_switches.c]
    answered = [name for name in BundleSwitch.__annotations__ if name not in asked]
    return (
        select(
            *(bundle_switches.c[name] for name in asked),
            *(bundle_switch_answers.c[name] for name in answered),
        )
        .outerjoin(bundle_switch_answers, bundle_switch_answers.c.switch_id == bundle_switches.c.id)
        .order_by(bundle_switches.c.id.desc())
    )
