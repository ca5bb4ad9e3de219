"""Keep what every step measured, in step with the checkpoints, so that a run can be resumed."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from torch.utils.tensorboard import SummaryWriter

from span_train.contract.errors import RunError
from span_train.pretrain.health import HealthWatch
from span_train.pretrain.step_report import StepReport
from span_train.storage.durable import write_durably

_METRICS = "metrics.jsonl"
_NUMBERS = (
    "loss",
    "objective_loss",
    "prior_loss",
    "gradient_norm",
    "learning_rate",
    "images_per_s",
    "share_waiting",
)


class Journal:
    """Metrics of every step as JSON lines and as TensorBoard events, cut back when resumed.

    Args:
        out: The run folder.
        part_names: In the order of the reports' adherence.
        first: The step the run goes on with.
        watch: Looks at every step.
        on_warning: Called with what health says of a new step.

    Attributes:
        reports: Of every step so far, those before the run was resumed included.
        warnings: What health said of them.

    Raises:
        RunError: The folder cannot be written.
    """

    def __init__(
        self,
        out: Path,
        part_names: tuple[str, ...],
        first: int,
        watch: HealthWatch,
        on_warning: Callable[[str], None] | None = None,
    ) -> None:
        self.out = out
        self.part_names = part_names
        self.reports: list[StepReport] = []
        self.warnings: list[str] = []
        self._on_warning = on_warning
        self._watch = watch
        self._problem: OSError | None = None
        path = out / _METRICS
        for report in read_metrics(out)[:first] if path.is_file() else []:
            self._remember(report)
        kept = "".join(map(_line, self.reports))
        try:
            write_durably(path, lambda file: file.write_text(kept, encoding="utf-8"))
            self.file = path.open("a", encoding="utf-8")
            self.board = SummaryWriter(str(out / "tensorboard"), purge_step=first)
        except OSError as problem:
            raise self._not_written(problem) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.file.close()
            self.board.close()
        except OSError as found:
            if problem is None:
                raise self._not_written(found) from None

    def add(self, report: StepReport) -> None:
        """Write down a step; it is safe on disk after `flush`, which tells if it cannot be."""
        warned = self._remember(report)
        if self._on_warning is not None:
            for warning in warned:
                self._on_warning(warning)
        values = {name: getattr(report, name) for name in _NUMBERS} | report.health
        shares = zip(self.part_names, report.adherence, strict=True)
        values |= {f"adherence/{name}": share for name, share in shares}
        try:
            self.file.write(_line(report))
            for name, value in values.items():
                self.board.add_scalar(name, value, report.step)
            for warning in warned:
                self.board.add_text("warnings", warning, report.step)
        except OSError as problem:
            self._problem = problem

    def flush(self) -> None:
        """Hand everything to the disk; call it before each checkpoint.

        Raises:
            RunError: A step could not be written down.
        """
        try:
            if self._problem is not None:
                raise self._problem
            self.file.flush()
            os.fsync(self.file.fileno())
            self.board.flush()
        except OSError as problem:
            raise self._not_written(problem) from None

    def _remember(self, report: StepReport) -> list[str]:
        self.reports.append(report)
        warned = self._watch.observe(report)
        self.warnings += warned
        return warned

    def _not_written(self, problem: OSError) -> RunError:
        return RunError(f"{self.out}: cannot be written ({problem}); free space, then --resume.")


def read_metrics(run: Path) -> list[StepReport]:
    """The reports of every step that a run finished, in order."""
    lines = (run / _METRICS).read_text(encoding="utf-8").splitlines()
    reports = []
    for line in lines:
        try:
            found = json.loads(line)
            reports.append(StepReport(**{**found, "adherence": tuple(found["adherence"])}))
        except (ValueError, TypeError, KeyError):
            break  # a kill cut this line; what follows is done again
    return reports


def _line(report: StepReport) -> str:
    return json.dumps(asdict(report)) + "\n"
