"""Progress of long work on stderr: a bar on a terminal, now and then a line elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

_LINE_EVERY_S = 15.0


class Report(Protocol):
    """The part of a pretraining step's report that is shown."""

    step: int
    objective_loss: float
    prior_loss: float
    adherence: tuple[float, ...]


Show = Callable[[Any, int, tuple[str, ...]], None]


@contextmanager
def training_progress() -> Iterator[Show]:
    """Give a function that shows (report, steps, part names) of each step."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    said = TextColumn("{task.description}")
    columns = (BarColumn(20), MofNCompleteColumn(), TimeRemainingColumn(), said)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("pretraining", total=None)
        shown_at = time.monotonic()

        def show(report: Report, steps: int, parts: tuple[str, ...]) -> None:
            nonlocal shown_at
            line = describe(report, parts)
            bar.update(task, completed=report.step + 1, total=steps, description=line)
            last = report.step + 1 == steps
            if not console.is_terminal and (last or time.monotonic() - shown_at > _LINE_EVERY_S):
                shown_at = time.monotonic()
                sys.stderr.write(f"  step {report.step + 1}/{steps}  {line}\n")
                sys.stderr.flush()

        yield show


def describe(report: Report, parts: tuple[str, ...]) -> str:
    """The losses and each head's attention inside its part, in one line."""
    shares = zip(parts, report.adherence, strict=True)
    heads = ", ".join(f"{part} {share:.0%}" for part, share in shares)
    return (
        f"objective {report.objective_loss:.3f}  prior {report.prior_loss:.3f}  "
        f"attention in part: {heads}"
    )


def note(*remarks: str) -> None:
    """Remarks for the user, on stderr."""
    for remark in remarks:
        sys.stderr.write(f"note: {remark}\n")
