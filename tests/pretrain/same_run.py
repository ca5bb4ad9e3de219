"""Whether two runs are the same run, and a way to cut one off in the middle."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from span_train.pretrain.journal import read_metrics
from span_train.pretrain.step_report import StepReport
from span_train.storage.checkpoint import load_checkpoint

TIMES = {"data_s", "step_s", "images_per_s", "share_waiting_for_data"}


class PowerCut(Exception):
    """Stands for whatever ends a run in the middle."""


def cut_at(last: int) -> Callable[[StepReport, int, tuple[str, ...]], None]:
    def stop(report: StepReport, steps: int, parts: tuple[str, ...]) -> None:
        if report.step == last:
            raise PowerCut

    return stop


def metrics(run: Path) -> list[dict[str, Any]]:
    reports = [report.__dict__ for report in read_metrics(run)]
    return [{key: v for key, v in report.items() if key not in TIMES} for report in reports]


def health(run: Path) -> dict[str, Any]:
    found = json.loads((run / "health.json").read_text())
    return {key: value for key, value in found.items() if key not in TIMES}


def check_same_run(run: Path, expected: Path) -> None:
    """Weights bit for bit, every step's numbers, and what is said of them."""
    for file in ("backbone.safetensors", "checkpoint.safetensors"):
        found, whole = load_checkpoint(run / file)[0], load_checkpoint(expected / file)[0]
        assert found.keys() == whole.keys()
        assert [name for name in whole if not torch.equal(found[name], whole[name])] == []
    assert metrics(run) == metrics(expected)
    assert health(run) == health(expected)
