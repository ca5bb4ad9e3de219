"""When shifts begin and end, in the station's own time zone."""

import math
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from span_train.contract.errors import InputError

USUAL_STARTS = ("06:00", "14:00", "22:00")
_MOST_BACK = timedelta(days=2)


@dataclass(frozen=True)
class Shift:
    """A stretch of time, from `start` up to `end`; both know their time zone."""

    start: datetime
    end: datetime

    @property
    def hours(self) -> float:
        """How long it is."""
        return (self.end - self.start).total_seconds() / 3600

    def hourly(self) -> list[datetime]:
        """Where its hours begin, and at last its end; the last piece may be shorter."""
        begins = [self.start + timedelta(hours=hour) for hour in range(math.ceil(self.hours))]
        return [*begins, self.end]

    def name(self) -> str:
        """`2026-11-28 06:00–14:00`, in local time."""
        start, end = self.start.astimezone(), self.end.astimezone()
        day = "" if start.date() == end.date() else f"{end:%Y-%m-%d} "
        return f"{start:%Y-%m-%d %H:%M}–{day}{end:%H:%M}"


def read_starts(text: str) -> tuple[time, ...]:
    """Times of day at which shifts begin, from text like ``06:00,14:00,22:00``.

    Raises:
        InputError: A time cannot be read, or stands there twice.
    """
    try:
        starts = [time.fromisoformat(one.strip()) for one in text.split(",")]
    except ValueError:
        raise InputError(
            f"shift times {text!r}: expected times of day with commas, like 06:00,14:00,22:00."
        ) from None
    if len(set(starts)) != len(starts):
        raise InputError(f"shift times {text!r}: one stands there twice.")
    return tuple(sorted(starts))


def shift_at(moment: datetime, starts: tuple[time, ...]) -> Shift:
    """The shift that a moment belongs to."""
    local = moment.astimezone()
    first = (local - _MOST_BACK).date()
    days = [first + timedelta(days=day) for day in range(5)]
    begins = [datetime.combine(day, start).astimezone() for day in days for start in starts]
    later = next(place for place, begin in enumerate(begins) if begin > local)
    return Shift(begins[later - 1], begins[later])


def shifts_back(moment: datetime, starts: tuple[time, ...], count: int) -> list[Shift]:
    """The shift of a moment and those before it, newest first."""
    found = [shift_at(moment, starts)]
    while len(found) < count:
        found.append(shift_at(found[-1].start - timedelta(minutes=1), starts))
    return found
