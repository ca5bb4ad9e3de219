"""Pretrain on a line's unlabelled images and leave a run folder that can be resumed exactly."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from span_train.contract.errors import RunError
from span_train.contract.layout import Layout, save_layout
from span_train.contract.settings import LineSettings, dump_settings
from span_train.data.cache import image_cache
from span_train.data.line_layout import make_layout
from span_train.data.splits import LineImages, gather_images
from span_train.pretrain.build import build_loop
from span_train.pretrain.health import summarise
from span_train.pretrain.journal import Journal
from span_train.pretrain.loop import PretrainLoop, StepReport
from span_train.pretrain.resume import resumed_settings
from span_train.pretrained import BACKBONE_FILE, choose_device
from span_train.storage.checkpoint import load_checkpoint, save_checkpoint
from span_train.storage.run_folder import create_run, describe_machine, write_json

OnReport = Callable[[StepReport, int, tuple[str, ...]], None]
_CHECKPOINT = "checkpoint.safetensors"
_TIMED_STEPS = 6


def pretrain(
    settings: LineSettings,
    out: Path,
    *,
    resume: bool = False,
    budget_s: float | None = None,
    on_report: OnReport | None = None,
) -> dict[str, Any]:
    """Run, or go on with, a pretraining; returns what `health.json` holds.

    Args:
        settings: The line.
        out: The run folder; new, or one to resume.
        resume: Go on from the last checkpoint, exactly as if nothing had happened.
        budget_s: Time the first steps, then fix the number of steps that fit into this many
            seconds. The number is saved, so that the run can be repeated anywhere.
        on_report: Called with each step's report, the total of steps and the part names.

    Raises:
        InputError: Images, layout, settings, device or run folder do not fit.
    """
    started = time.perf_counter()
    device = choose_device(settings.pretrain.device)
    _open_run(out, resume)
    images = gather_images(settings)
    cached = image_cache(images.unlabelled, settings.input, out / "cache")
    layout = make_layout(settings, cached)
    facts = {"layout": layout.digest(), "images": images.digest()}
    if resume:
        settings = resumed_settings(settings, out, facts)
    loop = build_loop(settings, layout, cached, device)
    if not resume:
        if budget_s is not None:
            spent = time.perf_counter() - started
            settings = _with_steps(settings, _steps_in(loop, budget_s - spent))
            loop = build_loop(settings, layout, cached, device)
        _describe_run(out, settings, layout, facts, images)
    return _run_steps(settings, layout, loop, out, on_report)


def _open_run(out: Path, resume: bool) -> None:
    if not resume:
        create_run(out, "pretrain")
    elif not (out / "run.json").is_file():
        raise RunError(
            f"{out}: holds no run to resume, or one that was stopped before its first step; start "
            "one with a new --out, without --resume."
        )


def _run_steps(
    settings: LineSettings,
    layout: Layout,
    loop: PretrainLoop,
    out: Path,
    on_report: OnReport | None,
) -> dict[str, Any]:
    steps, first = settings.pretrain.steps, 0
    if (out / _CHECKPOINT).is_file():
        tensors, state = load_checkpoint(out / _CHECKPOINT)
        loop.load_state(tensors)
        first = int(state["step"])
    with Journal(out, layout.names, first) as journal:
        for step in range(first, steps):
            report = loop.step(step)
            journal.add(report)
            if on_report is not None:
                on_report(report, steps, layout.names)
            if (step + 1) % settings.pretrain.checkpoint_every == 0 or step + 1 == steps:
                journal.flush()
                save_checkpoint(out / _CHECKPOINT, loop.state(), {"step": step + 1})
    save_checkpoint(out / BACKBONE_FILE, loop.objective.teacher.state_dict(), {"step": steps})
    health = summarise(journal.reports, layout.names, loop.batch_size, journal.warnings)
    write_json(out / "health.json", health)
    return health


def _describe_run(
    out: Path, settings: LineSettings, layout: Layout, facts: dict[str, str], images: LineImages
) -> None:
    (out / "settings.yaml").write_text(dump_settings(settings), encoding="utf-8")
    save_layout(layout, out)
    write_json(out / "images.json", sorted(images.hashes[path] for path in images.unlabelled))
    counts = {"unlabelled": len(images.unlabelled), "unreadable": len(images.unreadable)}
    remarks = {"remarks": list(images.remarks), "counts": counts}
    described = {"kind": "pretrain", **describe_machine(), **facts, **remarks}
    write_json(out / "run.json", described)


def _steps_in(loop: PretrainLoop, budget_s: float) -> int:
    started = time.perf_counter()
    times = [loop.step(step).step_s for step in range(_TIMED_STEPS)]
    left = budget_s - (time.perf_counter() - started)
    return max(_TIMED_STEPS, int(left / statistics.median(times[1:])))


def _with_steps(settings: LineSettings, steps: int) -> LineSettings:
    return settings.model_copy(
        update={"pretrain": settings.pretrain.model_copy(update={"steps": steps})}
    )
