"""Progress of long work on stderr: a bar on a terminal, now and then a line elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from span_train.pretrain.step_report import StepReport

_LINE_EVERY_S = 15.0


class TrainingProgress:
    """Shows each step of a training, and what a user should know meanwhile."""

    def __init__(self, bar: "Progress") -> None:
        self._bar = bar
        self._task = bar.add_task("pretraining", total=None)
        self._in_place = bar.console.is_terminal
        self._shown_at = time.monotonic()

    def show(self, report: "StepReport", steps: int, parts: tuple[str, ...]) -> None:
        """One step: in place on a terminal, elsewhere a line now and then."""
        line = describe(report, parts)
        self._bar.update(self._task, completed=report.step + 1, total=steps, description=line)
        due = time.monotonic() - self._shown_at > _LINE_EVERY_S
        if not self._in_place and (due or report.step + 1 == steps):
            self._shown_at = time.monotonic()
            sys.stderr.write(f"  step {report.step + 1}/{steps}  {line}\n")
            sys.stderr.flush()

    def say(self, remark: str) -> None:
        """A remark or a warning, at once and on a line of its own."""
        if self._in_place:
            self._bar.console.print(f"note: {remark}", markup=False, highlight=False)
        else:
            note(remark)


@contextmanager
def training_progress(*, hidden: bool = False) -> Iterator[TrainingProgress]:
    """A bar on stderr with what health says of each step; `hidden` where another process shows."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    said = TextColumn("{task.description}", markup=False)
    columns = (BarColumn(20), MofNCompleteColumn(), TimeRemainingColumn(), said)
    with Progress(*columns, console=console, disable=hidden or not console.is_terminal) as bar:
        yield TrainingProgress(bar)


@contextmanager
def image_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Give a function that shows (what is done, images done, images in all); quiet elsewhere."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as bar:
        task_of: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in task_of:
                task_of[what] = bar.add_task(what, total=total)
            bar.update(task_of[what], completed=done)

        yield show


def describe(report: "StepReport", parts: tuple[str, ...]) -> str:
    """Losses, speed, health and each head's attention inside its part, in one line."""
    health = report.health
    words = [
        f"objective {report.objective_loss:.3f}",
        f"prior {report.prior_loss:.3f}",
        f"{report.images_per_s:.0f} images/s ({report.share_waiting:.0%} waiting)",
        f"gradient {report.gradient_norm:.2g}",
        f"spread {health['feature_spread']:.2f}",
    ]
    if "teacher_entropy" in health:
        words.append(f"entropy {health['teacher_entropy']:.2f} of {health['uniform_loss']:.2f}")
    shares = zip(parts, report.adherence, strict=True)
    heads = ", ".join(f"{part} {share:.0%}" for part, share in shares)
    return "  ".join([*words, f"attention in part: {heads}"])


def note(*remarks: str) -> None:
    """Remarks for the user, on stderr."""
    for remark in remarks:
        sys.stderr.write(f"note: {remark}\n")
