"""Pretrain on a line's unlabelled images and leave a run folder that can be resumed exactly."""

import json
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from span_train.contract.errors import RunError
from span_train.contract.layout import Layout, load_layout
from span_train.contract.settings import LineSettings
from span_train.data.kept_array import open_kept
from span_train.pretrain.build import build_loop
from span_train.pretrain.health import HealthWatch, summarise
from span_train.pretrain.journal import Journal
from span_train.pretrain.kept_memory import keep_freed_memory
from span_train.pretrain.loop import PretrainLoop
from span_train.pretrain.preparation import Preparation, describe_run, prepare
from span_train.pretrain.processes import Processes
from span_train.pretrain.step_report import StepReport
from span_train.pretrained import BACKBONE_FILE
from span_train.storage.checkpoint import load_checkpoint, save_checkpoint
from span_train.storage.run_folder import read_json, write_json

OnReport = Callable[[StepReport, int, tuple[str, ...]], None]
OnRemark = Callable[[str], None]
_CHECKPOINT = "checkpoint.safetensors"
_TIMED_STEPS = 6


def pretrain(
    settings: LineSettings,
    out: Path,
    *,
    resume: bool = False,
    budget_s: float | None = None,
    on_report: OnReport | None = None,
    on_remark: OnRemark | None = None,
) -> dict[str, Any]:
    """Run, or go on with, a pretraining; returns what `health.json` holds.

    Started by `torchrun`, all processes train together and the first one writes and reports.

    Args:
        settings: The line.
        out: The run folder; new, or one to resume. All processes must see it.
        resume: Go on from the last checkpoint, exactly as if nothing had happened.
        budget_s: Time the first steps, then fix the number of steps that fit into this many
            seconds. The number is saved, so that the run can be repeated anywhere.
        on_report: Called with each step's report, the total of steps and the part names.
        on_remark: Called with what a user should know, as soon as it is known.

    Raises:
        InputError: Images, layout, settings, device or run folder do not fit.
    """
    started = time.perf_counter()
    keep_freed_memory()
    with ExitStack() as stack, Processes.join(settings.pretrain.device) as processes:
        how = {"resume": resume, "budgeted": budget_s is not None}
        told = processes.first(lambda: prepare(settings, out, stack, **how).as_text())
        prepared = Preparation.from_text(told)
        if processes.is_first and on_remark is not None:
            for remark in prepared.remarks:
                on_remark(remark)
        ground = _Ground(prepared.line(), out, prepared, processes)
        if prepared.is_new:
            _start(ground, budget_s, started)
            if processes.is_first and on_remark is not None:
                for remark in ground.loop.objective.teacher.start.in_words():
                    on_remark(remark)
        return _run_steps(ground, on_report, on_remark)


class _Ground:
    """What a run stands on, in every process: settings, layout, loop."""

    def __init__(
        self, settings: LineSettings, out: Path, prepared: Preparation, processes: Processes
    ) -> None:
        self.settings = settings
        self.out = out
        self.prepared = prepared
        self.processes = processes
        self.layout: Layout = processes.together(lambda: load_layout(out))
        self.loop = self._build()

    def fix_steps(self, steps: int) -> None:
        """Set the number of steps, and begin at the first one again."""
        fixed = self.settings.pretrain.model_copy(update={"steps": steps})
        self.settings = self.settings.model_copy(update={"pretrain": fixed})
        self.loop = self._build()

    def _build(self) -> PretrainLoop:
        def build() -> PretrainLoop:
            pixels = open_kept(Path(self.prepared.cache))
            own = self.prepared.masks
            masks = None if own is None else open_kept(Path(own))
            return build_loop(self.settings, self.layout, pixels, masks, self.processes)

        loop = self.processes.together(build)
        self.processes.share(loop.module.state_dict().values())
        return loop


def _start(ground: _Ground, budget_s: float | None, started: float) -> None:
    processes = ground.processes
    if budget_s is not None:
        steps = _steps_in(ground.loop, budget_s - (time.perf_counter() - started))
        ground.fix_steps(int(processes.first(lambda: str(steps))))

    def describe() -> str:
        start = ground.loop.objective.teacher.start
        describe_run(ground.out, ground.settings, ground.prepared, start, budget_s)
        return ""

    processes.first(describe)


def _steps_in(loop: PretrainLoop, budget_s: float) -> int:
    started = time.perf_counter()
    times = [loop.step(step).step_s for step in range(_TIMED_STEPS)]
    left = budget_s - (time.perf_counter() - started)
    return max(_TIMED_STEPS, int(left / statistics.median(times[1:])))


def _run_steps(
    ground: _Ground, on_report: OnReport | None, on_remark: OnRemark | None
) -> dict[str, Any]:
    processes, loop, asked = ground.processes, ground.loop, ground.settings.pretrain
    first = processes.together(lambda: _load(loop, ground.out / _CHECKPOINT))
    names = ground.layout.names
    with ExitStack() as stack:
        journal = None
        if processes.is_first:
            watch = HealthWatch(round(asked.warmup * asked.steps), asked.prior_weight > 0)
            journal = stack.enter_context(Journal(ground.out, names, first, watch, on_remark))
        for step in range(first, asked.steps):
            report = loop.step(step)
            if journal is not None:
                journal.add(report)
                if on_report is not None:
                    on_report(report, asked.steps, names)
            if (step + 1) % asked.checkpoint_every == 0 or step + 1 == asked.steps:
                processes.first(partial(_save, ground, journal, step + 1))
        health: dict[str, Any] = json.loads(processes.first(partial(_finish, ground, journal)))
    return health


def _load(loop: PretrainLoop, checkpoint: Path) -> int:
    """The number of steps that are done."""
    if not checkpoint.is_file():
        return 0
    tensors, state = load_checkpoint(checkpoint)
    try:
        loop.load_state(tensors)
    except RunError as problem:
        raise RunError(f"{checkpoint}: {problem}") from None
    return int(state["step"])


def _save(ground: _Ground, journal: Journal | None, done: int) -> str:
    assert journal is not None, "the first process alone saves"
    journal.flush()
    save_checkpoint(ground.out / _CHECKPOINT, ground.loop.state(), {"step": done})
    _summarise(ground, journal)
    return ""


def _finish(ground: _Ground, journal: Journal | None) -> str:
    assert journal is not None, "the first process alone saves"
    steps = {"step": ground.settings.pretrain.steps}
    save_checkpoint(ground.out / BACKBONE_FILE, ground.loop.objective.teacher.state_dict(), steps)
    return json.dumps(_summarise(ground, journal))


def _summarise(ground: _Ground, journal: Journal) -> dict[str, Any]:
    remarks = read_json(ground.out / "run.json")["remarks"]
    health = summarise(journal.reports, ground.layout.names, journal.warnings, remarks)
    write_json(ground.out / "health.json", health)
    return health
