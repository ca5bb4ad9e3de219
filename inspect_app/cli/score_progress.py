"""How far scoring has come, how fast it is and how long it will take, on stderr."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LINE_EVERY_S = 15.0


@contextmanager
def scoring_progress() -> Iterator[Callable[[int, int], None]]:
    """Give a function that shows (images done, images in all): a bar, or now and then a line.

    Its first call tells where this start begins: what an earlier one did counts for no rate.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (BarColumn(20), TextColumn("{task.description}"))
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("listing images", total=None)
        started = shown_at = time.monotonic()
        first: int | None = None

        def show(done: int, total: int) -> None:
            nonlocal first, started, shown_at
            now = time.monotonic()
            if first is None:
                first, started = done, now
            line = progress_line(done, total, done - first, now - started)
            bar.update(task, completed=done, total=total, description=line)
            if not console.is_terminal and now - shown_at > _LINE_EVERY_S:
                shown_at = now
                sys.stderr.write(f"  {line}\n")
                sys.stderr.flush()

        yield show


def progress_line(done: int, total: int, done_now: int, seconds: float) -> str:
    """How many of how many images, at what rate, and the time that is left at this rate."""
    line = f"{done:,} of {total:,} images"
    if not done_now or seconds <= 0:
        return line
    rate = done_now / seconds
    return f"{line}  {rate:,.0f} images/s  {_clock((total - done) / rate)} left"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
