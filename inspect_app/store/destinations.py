"""Who is told of verdicts and decisions, how far that has come, and whose turn it is to tell.

One process at a time sends to a destination, so that the order holds: on PostgreSQL it has an
advisory lock of its session, beside an SQLite file the lock of a file. Both end with the process,
however it ends, and the next one goes on from the position in the database.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from deploy.scoring.file_lock import lock_file
from inspect_app.store.database import Database
from inspect_app.store.outbox import Entry, entries_after
from inspect_app.store.schema import destinations, outbox
from span_train.contract.errors import StoreError

LOCKS = "send"
SEEN_EVERY = timedelta(seconds=5)
LONGEST_TROUBLE = 500
# So that the server notices soon that the machine of a sender is gone, and frees its lock.
_NOTICE_A_LOST_SENDER = ("tcp_keepalives_idle = 30", "tcp_keepalives_interval = 10")


@dataclass(frozen=True)
class DestinationRecord:
    """How one destination is doing; *Line health* shows it.

    Attributes:
        address: Where it is, without any secret.
        since: When it was told of for the first time.
        waiting: How much it has not been told yet.
        sent_at: When it last took something.
        seen_at: When a process that sends to it last said that it lives.
        trouble: Why it takes nothing; None while it is well.
    """

    name: str
    address: str
    since: datetime
    waiting: int
    sent_at: datetime | None
    seen_at: datetime | None
    trouble: str | None
    trouble_since: datetime | None


def read_destinations(database: Database) -> list[DestinationRecord]:
    """All destinations that were ever sent to, by name."""
    behind = (
        select(func.count())
        .select_from(outbox)
        .where(outbox.c.id > destinations.c.sent_up_to)
        .scalar_subquery()
    )
    named = [
        destinations.c[name] for name in DestinationRecord.__annotations__ if name != "waiting"
    ]
    query = select(*named, behind.label("waiting")).order_by(destinations.c.name)
    with database.reading() as connection:
        return [DestinationRecord(**row._mapping) for row in connection.execute(query)]


def add_destination(
    database: Database, name: str, address: str, now: datetime, from_start: bool
) -> None:
    """Make a destination known; it is told what comes from now on, or all from the start.

    One that is known already keeps its position, and takes the new address.
    """
    ours = destinations.c.name == name
    with database.writing(destinations) as connection:
        if connection.execute(select(destinations.c.name).where(ours)).first() is not None:
            connection.execute(update(destinations).where(ours).values(address=address))
            return
        newest = select(func.coalesce(func.max(outbox.c.id), 0))
        position = 0 if from_start else connection.execute(newest).scalar_one()
        values = {"name": name, "address": address, "since": now, "sent_up_to": position}
        connection.execute(insert(destinations).values(**values))


class Turn:
    """The right to send to one destination."""

    def __init__(self, connection: Connection, name: str) -> None:
        """Take the session that holds the right; `turn` makes one."""
        self._connection, self._ours = connection, destinations.c.name == name
        self._seen_at: datetime | None = None

    def waiting(self, most: int) -> list[Entry]:
        """What is to be told next, in order."""
        position = select(destinations.c.sent_up_to).where(self._ours)
        with self._connection.begin():
            sent_up_to = self._connection.execute(position).scalar_one()
            return entries_after(self._connection, sent_up_to, most)

    def sent(self, up_to: int, now: datetime) -> None:
        """The destination has taken everything up to this entry, and is well."""
        self._note(now, sent_up_to=up_to, sent_at=now, trouble=None, trouble_since=None)

    def trouble(self, text: str, now: datetime) -> None:
        """Why it takes nothing now."""
        self._note(now, trouble=text.replace("\0", " ")[:LONGEST_TROUBLE], trouble_since=now)

    def alive(self, now: datetime) -> None:
        """Say now and then that somebody sends."""
        if self._seen_at is None or not timedelta() <= now - self._seen_at < SEEN_EVERY:
            self._note(now)

    def _note(self, now: datetime, **values: Any) -> None:
        self._seen_at = now
        with self._connection.begin():
            change = update(destinations).where(self._ours)
            self._connection.execute(change.values(seen_at=now, **values))


@contextmanager
def turn(database: Database, name: str) -> Iterator[Turn | None]:
    """The right to send to a destination until the block ends; None where another process has it.

    Raises:
        StoreError: The database refuses, then or later: the right is lost with its session.
    """
    with database.session() as connection:
        if database.address.file is None:
            yield Turn(connection, name) if _locked_on_server(connection, name) else None
        else:
            with _locked_file(database.address.assets, name) as is_ours:
                yield Turn(connection, name) if is_ours else None


def _locked_on_server(connection: Connection, name: str) -> bool:
    digest = hashlib.sha256(f"send to {name}".encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    with connection.begin():
        for setting in _NOTICE_A_LOST_SENDER:
            connection.exec_driver_sql(f"SET {setting}")
        return bool(connection.execute(select(func.pg_try_advisory_lock(number))).scalar_one())


@contextmanager
def _locked_file(assets: Path, name: str) -> Iterator[bool]:
    place = assets / LOCKS / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        file = place.open("ab")
    except OSError as problem:
        raise StoreError(
            f"{place}: cannot be locked ({problem}); give this user the right."
        ) from None
    with file:
        try:
            lock_file(file)
        except BlockingIOError:
            yield False
        else:
            yield True
