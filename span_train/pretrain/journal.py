"""Keep what every step measured, in step with the checkpoints, so that a run can be resumed."""

import json
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from torch.utils.tensorboard import SummaryWriter

from span_train.pretrain.health import warnings_of
from span_train.pretrain.loop import StepReport

_METRICS = "metrics.jsonl"
_WARN_EVERY = 50


class Journal:
    """Metrics of every step as JSON lines and as TensorBoard events, cut back when resumed.

    Attributes:
        reports: Of every step so far, those before the run was resumed included.
        warnings: What health said of them.
    """

    def __init__(self, out: Path, part_names: tuple[str, ...], first: int) -> None:
        self.part_names = part_names
        self.reports: list[StepReport] = []
        self.warnings: list[str] = []
        path, unfinished = out / _METRICS, out / f"{_METRICS}.partial"
        for report in read_metrics(out)[:first] if path.is_file() else []:
            self._remember(report)
        unfinished.write_text("".join(map(_line, self.reports)), encoding="utf-8")
        unfinished.replace(path)
        self.file = path.open("a", encoding="utf-8")
        self.board = SummaryWriter(str(out / "tensorboard"), purge_step=first)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.file.close()
        self.board.close()

    def add(self, report: StepReport) -> None:
        """Write down a step; it is safe on disk after `flush`."""
        self._remember(report)
        self.file.write(_line(report))
        names = ("loss", "objective_loss", "prior_loss", "gradient_norm", "learning_rate")
        values = {name: getattr(report, name) for name in names} | report.health
        shares = zip(self.part_names, report.adherence, strict=True)
        values |= {f"adherence/{name}": share for name, share in shares}
        for name, value in values.items():
            self.board.add_scalar(name, value, report.step)

    def flush(self) -> None:
        """Hand everything to the disk; call it before each checkpoint."""
        self.file.flush()
        self.board.flush()

    def _remember(self, report: StepReport) -> None:
        self.reports.append(report)
        if not self.warnings or report.step % _WARN_EVERY == 0:
            self.warnings += warnings_of(report)


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
