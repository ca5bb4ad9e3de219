"""A resumed run is the same as an uninterrupted one, and what would make it another is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from span_train.contract.errors import RunError
from span_train.contract.settings import LineSettings
from span_train.pretrain.run import pretrain
from span_train.pretrain.step_report import StepReport
from span_train.storage.checkpoint import load_checkpoint
from span_train.storage.lock import locked
from tests.pretrain.same_run import PowerCut, check_same_run, cut_at

TinyLine = Callable[..., LineSettings]


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
    monkeypatch.setattr("span_train.pretrain.health.AVERAGED", 2)
    said: list[str] = []
    pretrain(tiny_line(), tmp_path / "whole", on_remark=said.append)
    assert any(remark.startswith("step 1: feature spread") for remark in said)
    with pytest.raises(PowerCut):
        pretrain(tiny_line(), tmp_path / "run", on_report=cut_at(4))
    found = pretrain(tiny_line(), tmp_path / "run", resume=True)
    assert found["warnings"][0].startswith("step 1: feature spread")
    check_same_run(tmp_path / "run", tmp_path / "whole")


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
        ("pretrain.prior_weight=0.0", "pretrain.prior_weight: {prior_weight} in the run, 0.0 now"),
        ("pretrain.steps=999", "pretrain.steps: 6 in the run, 999 now"),
    ],
)
def test_resuming_with_other_settings_is_refused_by_name(
    override: str, message: str, tiny_line: TinyLine, pretrained_run: Path
) -> None:
    with pytest.raises(RunError, match="cannot be resumed, this would be another run:") as refused:
        pretrain(tiny_line(override), pretrained_run, resume=True)
    usual = message.format(prior_weight=tiny_line().pretrain.prior_weight)
    assert f"\n  {usual}\n" in str(refused.value)
    assert str(refused.value).count("in the run") == 1


def test_resuming_with_other_images_is_refused(tiny_line: TinyLine, pretrained_run: Path) -> None:
    with pytest.raises(RunError, match="the images changed"):
        pretrain(tiny_line("labels=null"), pretrained_run, resume=True)


def test_a_run_that_does_not_say_what_it_was_aligned_to_is_refused(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(pretrained_run, tmp_path / "run"))
    described = json.loads((run / "run.json").read_text())
    del described["reference"]
    (run / "run.json").write_text(json.dumps(described))
    with pytest.raises(RunError, match="the reference changed"):
        pretrain(tiny_line(), run, resume=True)


def test_what_only_later_commands_use_may_change(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(pretrained_run, tmp_path / "run"))
    changed = tiny_line("goals.escape=0.2", "train.top_k=3", "pretrain.checkpoint_every=3")
    assert pretrain(changed, run, resume=True)["steps"] == 6
    check_same_run(run, pretrained_run)


def test_a_changed_exemplar_is_refused(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    settings = tiny_line()
    drawn = settings.layout.masks
    assert drawn is not None
    masks = Path(shutil.copytree(drawn, tmp_path / "masks"))
    mask = cv2.imread(str(masks / "marking.png"), cv2.IMREAD_GRAYSCALE)
    assert mask is not None
    cv2.imwrite(str(masks / "marking.png"), cv2.erode(mask, np.ones((3, 3), np.uint8)))
    shutil.copytree(pretrained_run, tmp_path / "run")
    moved = settings.layout.model_copy(update={"masks": masks})
    with pytest.raises(RunError, match="the layout changed"):
        pretrain(settings.model_copy(update={"layout": moved}), tmp_path / "run", resume=True)


def test_a_run_with_a_budget_keeps_the_number_of_steps_it_once_fixed(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    long = tiny_line("pretrain.steps=999")
    with pytest.raises(PowerCut):
        pretrain(long, tmp_path / "run", budget_s=0.0, on_report=cut_at(3))
    said: list[str] = []
    pretrain(long, tmp_path / "run", resume=True, budget_s=900.0, on_remark=said.append)
    assert "goes on to the 6 steps fixed at its start" in said
    check_same_run(tmp_path / "run", pretrained_run)


def test_a_run_stopped_before_its_first_step_begins_again(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise PowerCut

    monkeypatch.setattr("span_train.pretrain.run.describe_run", stop)
    with pytest.raises(PowerCut):
        pretrain(tiny_line(), tmp_path / "run")
    monkeypatch.undo()
    assert not (tmp_path / "run" / "run.json").exists()
    with pytest.raises(RunError, match=r"is not empty; .* or go on with --resume\."):
        pretrain(tiny_line(), tmp_path / "run")
    pretrain(tiny_line(), tmp_path / "run", resume=True)
    check_same_run(tmp_path / "run", pretrained_run)


def test_a_run_that_another_process_writes_is_left_alone(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(pretrained_run, tmp_path / "run"))
    with (
        locked(run / ".lock", wait=False),
        pytest.raises(RunError, match="another process is writing this run"),
    ):
        pretrain(tiny_line(), run, resume=True)


def test_a_full_disk_ends_a_run_that_can_go_on(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError("no space left on device")

    def fill_disk(report: StepReport, *_: object) -> None:
        if report.step == 2:
            monkeypatch.setattr("span_train.pretrain.journal.os.fsync", full)

    with pytest.raises(RunError, match=r"cannot be written \(no space left .* then --resume"):
        pretrain(tiny_line(), tmp_path / "run", on_report=fill_disk)
    monkeypatch.undo()
    assert load_checkpoint(tmp_path / "run" / "checkpoint.safetensors")[1] == {"step": 2}
    pretrain(tiny_line(), tmp_path / "run", resume=True)
    check_same_run(tmp_path / "run", pretrained_run)


def test_a_checkpoint_of_another_network_is_refused_by_its_name(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(pretrained_run, tmp_path / "run"))
    shutil.copy(run / "backbone.safetensors", run / "checkpoint.safetensors")
    with pytest.raises(RunError, match=r"checkpoint\.safetensors: the checkpoint is of another"):
        pretrain(tiny_line(), run, resume=True)


def test_nothing_to_resume_is_said(tiny_line: TinyLine, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no run to resume"):
        pretrain(tiny_line(), tmp_path / "nothing", resume=True)
