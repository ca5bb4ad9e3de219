"""Wrong PINs, counted in the store: after five a name has to wait, each time twice as long.

Names that nobody has are counted as well, so that waiting tells nothing about them. What is kept is
a keyed hash of the name: now and then somebody types a PIN there.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from inspect_app.store.schema import sign_in_tries

FREE_TRIES = 5
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
FORGOTTEN_AFTER = timedelta(days=1)


def count_try(connection: Connection, name_key: str, now: datetime) -> datetime | None:
    """Count a try before it is judged, so that many at once are no more tries than one by one.

    Returns:
        Until when this name has to wait; then the try must not be judged. None where it may be.
    """
    tries = sign_in_tries.c
    connection.execute(delete(sign_in_tries).where(tries.last_at < now - FORGOTTEN_AFTER))
    ours = tries.name_key == name_key
    row = connection.execute(select(tries.wrong, tries.locked_until).where(ours)).one_or_none()
    wrong = 0 if row is None else int(row.wrong)
    waits: datetime | None = None if row is None else row.locked_until
    if waits is not None and now < waits:
        return min(waits, now + LONGEST_WAIT)
    connection.execute(delete(sign_in_tries).where(ours))
    values = {"name_key": name_key, "wrong": wrong + 1, "last_at": now}
    values["locked_until"] = now + _wait(wrong + 1) if wrong + 1 >= FREE_TRIES else None
    connection.execute(insert(sign_in_tries).values(**values))
    return None


def locked_until(connection: Connection, name_key: str) -> datetime | None:
    """Until when a name has to wait, after the tries that were counted."""
    query = select(sign_in_tries.c.locked_until).where(sign_in_tries.c.name_key == name_key)
    until: datetime | None = connection.execute(query).scalar_one_or_none()
    return until


def forget_tries(connection: Connection, name_key: str) -> None:
    """Start to count anew: the right PIN was given, or a new one was set."""
    connection.execute(delete(sign_in_tries).where(sign_in_tries.c.name_key == name_key))


def _wait(wrong: int) -> timedelta:
    wait = FIRST_WAIT
    for _ in range(min(wrong - FREE_TRIES, 10)):
        wait *= 2
    return min(wait, LONGEST_WAIT)
