"""A pretraining run: resumed is the same as uninterrupted, and what does not fit is refused."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from span_train.contract.errors import DeviceError, LayoutError, RunError
from span_train.contract.settings import LineSettings, dump_settings, read_settings
from span_train.pretrain.journal import read_metrics
from span_train.pretrain.loop import StepReport
from span_train.pretrain.run import pretrain
from span_train.storage.checkpoint import load_checkpoint

TinyLine = Callable[..., LineSettings]
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


def test_a_finished_run_holds_what_it_promises(pretrained_run: Path) -> None:
    names = {path.name for path in pretrained_run.iterdir()}
    assert names >= {
        "settings.yaml",
        "run.json",
        "layout.json",
        "layout.png",
        "images.json",
        "metrics.jsonl",
        "health.json",
        "checkpoint.safetensors",
        "backbone.safetensors",
        "tensorboard",
    }
    assert [report.step for report in read_metrics(pretrained_run)] == list(range(6))
    described = json.loads((pretrained_run / "run.json").read_text())
    assert described["kind"] == "pretrain"
    assert described["counts"] == {"unlabelled": 32, "unreadable": 0}
    adherence = json.loads((pretrained_run / "health.json").read_text())["adherence"]
    assert list(adherence) == ["body", "left_lead", "marking", "right_lead"]


def test_the_same_settings_give_the_same_run(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    pretrain(tiny_line(), tmp_path / "run")
    check_same_run(tmp_path / "run", pretrained_run)


@pytest.mark.parametrize("last", [1, 2, 3, 5])
def test_a_resumed_run_equals_an_uninterrupted_one(
    last: int, tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    with pytest.raises(PowerCut):
        pretrain(tiny_line(), tmp_path / "run", on_report=cut_at(last))
    pretrain(tiny_line(), tmp_path / "run", resume=True)
    check_same_run(tmp_path / "run", pretrained_run)


def test_a_resumed_dino_run_equals_an_uninterrupted_one(
    tiny_line: TinyLine, tmp_path: Path
) -> None:
    settings = tiny_line("pretrain.objective=dino", "pretrain.dino.outputs=64")
    pretrain(settings, tmp_path / "whole")
    with pytest.raises(PowerCut):
        pretrain(settings, tmp_path / "run", on_report=cut_at(3))
    pretrain(settings, tmp_path / "run", resume=True)
    check_same_run(tmp_path / "run", tmp_path / "whole")


def test_warnings_before_an_interruption_are_not_forgotten(
    tiny_line: TinyLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("span_train.pretrain.health._SMALLEST_SPREAD", 2.0)
    pretrain(tiny_line(), tmp_path / "whole")
    with pytest.raises(PowerCut):
        pretrain(tiny_line(), tmp_path / "run", on_report=cut_at(4))
    found = pretrain(tiny_line(), tmp_path / "run", resume=True)
    assert found["warnings"][0].startswith("step 0: feature spread")
    check_same_run(tmp_path / "run", tmp_path / "whole")


_KILLED = """
import os, signal, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from span_train.contract.settings import read_settings
from span_train.pretrain import run
from span_train.storage import checkpoint

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def die_at_step_3(report, steps, parts):
    if report.step == 3:
        die()

def die_half_way(tensors, path, metadata):
    if '"step": 4' in metadata["state"]:
        Path(path).write_bytes(b"half a file")
        die()
    save_file(tensors, path, metadata)

def run_and_die(place):
    if place == "checkpoint":
        checkpoint.save_file = die_half_way
    run.pretrain(
        read_settings(Path(sys.argv[1])),
        Path(sys.argv[2]) / place,
        on_report=die_at_step_3 if place == "step" else None,
    )

save_file = checkpoint.save_file
for place in ("step", "checkpoint"):
    child = os.fork()
    if child == 0:
        run_and_die(place)
        os._exit(0)
    print(place, "killed by signal", os.WTERMSIG(os.waitpid(child, 0)[1]))
"""


def test_a_killed_run_goes_on_exactly(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    settings = tmp_path / "line.yaml"
    settings.write_text(dump_settings(tiny_line()), encoding="utf-8")
    command = [sys.executable, "-c", _KILLED, settings, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for place in ("step", "checkpoint"):
        assert f"{place} killed by signal {signal.SIGKILL.value}\n" in done.stdout, done.stderr
        run = tmp_path / place
        assert load_checkpoint(run / "checkpoint.safetensors")[1] == {"step": 2}
        assert not (run / "backbone.safetensors").exists()
        pretrain(tiny_line(), run, resume=True)
        check_same_run(run, pretrained_run)


def test_a_line_cut_in_the_middle_is_done_again(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    with pytest.raises(PowerCut):
        pretrain(tiny_line(), tmp_path / "run", on_report=cut_at(3))
    with (tmp_path / "run" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "loss": 0.')
    pretrain(tiny_line(), tmp_path / "run", resume=True)
    check_same_run(tmp_path / "run", pretrained_run)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("pretrain.learning_rate=0.01", "pretrain.learning_rate: 0.0015 in the run, 0.01 now"),
        ("model.width=96", "model.width: 48 in the run, 96 now"),
        ("pretrain.views.noise=0.1", "pretrain.views.noise: 0.0 in the run, 0.1 now"),
        ("pretrain.prior_weight=0.0", "pretrain.prior_weight: 0.3 in the run, 0.0 now"),
    ],
)
def test_resuming_with_other_settings_is_refused_by_name(
    override: str, message: str, tiny_line: TinyLine, pretrained_run: Path
) -> None:
    with pytest.raises(RunError, match="cannot be resumed, this would be another run:") as refused:
        pretrain(tiny_line(override), pretrained_run, resume=True)
    assert f"\n  {message}\n" in str(refused.value)
    assert str(refused.value).count("in the run") == 1


def test_resuming_with_other_images_is_refused(tiny_line: TinyLine, pretrained_run: Path) -> None:
    with pytest.raises(RunError, match="the images changed"):
        pretrain(tiny_line("labels=null"), pretrained_run, resume=True)


def test_what_only_later_commands_use_may_change(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(pretrained_run, tmp_path / "run"))
    changed = tiny_line("goals.escape=0.2", "train.top_k=3", "pretrain.steps=999")
    assert pretrain(changed, run, resume=True)["steps"] == 6
    check_same_run(run, pretrained_run)


def test_nothing_to_resume_is_said(tiny_line: TinyLine, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no run to resume"):
        pretrain(tiny_line(), tmp_path / "nothing", resume=True)


def test_a_used_folder_is_refused(tiny_line: TinyLine, pretrained_run: Path) -> None:
    with pytest.raises(RunError, match=r"is not empty; choose another --out .* --resume\."):
        pretrain(tiny_line(), pretrained_run)


def test_a_layout_with_a_part_for_every_head_is_refused(
    tiny_line: TinyLine, tmp_path: Path
) -> None:
    with pytest.raises(LayoutError, match=r"4 parts .* 4 heads can hold 2: 2 heads must stay free"):
        pretrain(tiny_line("model.heads=4"), tmp_path / "run")


def test_a_gpu_that_is_not_there_is_refused(
    tiny_line: TinyLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="cuda was asked for, but torch sees no GPU; use cpu"):
        pretrain(tiny_line("pretrain.device=cuda"), tmp_path / "run")


def test_a_budget_fixes_the_number_of_steps_and_saves_it(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    health = pretrain(tiny_line("pretrain.steps=999"), tmp_path / "run", budget_s=0.0)
    saved = yaml.safe_load((tmp_path / "run" / "settings.yaml").read_text())
    assert health["steps"] == saved["pretrain"]["steps"] == 6
    check_same_run(tmp_path / "run", pretrained_run)  # timing leaves no trace


def test_a_larger_budget_gives_more_steps_and_can_be_repeated(
    tiny_line: TinyLine, tmp_path: Path
) -> None:
    steps = pretrain(tiny_line(), tmp_path / "timed", budget_s=1.2)["steps"]
    assert steps > 6
    settings = read_settings(tmp_path / "timed" / "settings.yaml")
    pretrain(settings, tmp_path / "again")
    check_same_run(tmp_path / "again", tmp_path / "timed")


def test_without_its_prior_a_run_is_the_baseline(tiny_line: TinyLine, tmp_path: Path) -> None:
    pretrain(tiny_line("pretrain.prior_weight=0.0"), tmp_path / "run")
    assert all(step["loss"] == step["objective_loss"] for step in metrics(tmp_path / "run"))


def test_parts_may_come_from_statistics(tiny_line: TinyLine, tmp_path: Path) -> None:
    settings = tiny_line("layout.source=statistics", "layout.parts=3", "pretrain.steps=2")
    health = pretrain(settings, tmp_path / "run")
    assert list(health["adherence"]) == ["region_1", "region_2", "region_3"]
