"""Numbers, times and names the way they are written on the station."""

from datetime import datetime
from html import escape

_GROUPS = {"elsewhere": "elsewhere", "free": "free heads"}


def text(value: str) -> str:
    """Text from outside (file names, reasons, names), safe to put into HTML."""
    return escape(value, quote=True)


def number(value: float | None, digits: int = 2) -> str:
    """A number with a true minus sign; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def signed(value: float, digits: int = 2) -> str:
    """A number that always shows its sign; what rounds to nothing is 0."""
    shown = f"{value:+.{digits}f}".replace("-", "−")
    return shown[1:] if float(f"{value:.{digits}f}") == 0 else shown


def part_title(name: str) -> str:
    """`left_lead` as people say it; the two groups that are no part get words of their own."""
    return _GROUPS.get(name, name.replace("_", " "))


def local_time(moment: datetime) -> str:
    """A moment in the station's own time zone."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def clock_time(moment: datetime, seconds: bool = False) -> str:
    """Hours and minutes in the station's own time zone."""
    return moment.astimezone().strftime("%H:%M:%S" if seconds else "%H:%M")


def short_id(full: str) -> str:
    """The first characters of a hash, enough to tell two apart."""
    return full[:8]
