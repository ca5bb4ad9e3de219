"""A pretraining run: what it leaves, how long it takes, and what does not fit is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml

from span_train.contract.errors import DeviceError, InputError, LayoutError, RunError
from span_train.contract.settings import LineSettings, read_settings
from span_train.pretrain.journal import read_metrics
from span_train.pretrain.loop import PretrainLoop
from span_train.pretrain.run import pretrain
from tests.pretrain.same_run import check_same_run, metrics

TinyLine = Callable[..., LineSettings]


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


def test_heads_are_held_to_the_parts_as_carried_over_to_each_image(
    tiny_line: TinyLine, tmp_path: Path
) -> None:
    prior_losses = set()
    for refine in ("registration", "none"):
        pretrain(tiny_line("pretrain.steps=1", f"layout.refine={refine}"), tmp_path / refine)
        (report,) = read_metrics(tmp_path / refine)
        prior_losses.add(report.prior_loss)
    assert len(prior_losses) == 2


def test_a_batch_larger_than_the_images_takes_all_of_them_and_says_so(
    tiny_line: TinyLine, tmp_path: Path
) -> None:
    said: list[str] = []
    settings = tiny_line("pretrain.batch_size=64", "pretrain.steps=2")
    health = pretrain(settings, tmp_path / "run", on_remark=said.append)
    remark = (
        "pretrain.batch_size 64 is more than the 32 images to learn from: every step takes all 32"
    )
    assert remark in said
    assert remark in health["remarks"]
    assert remark in json.loads((tmp_path / "run" / "run.json").read_text())["remarks"]
    assert [report.images for report in read_metrics(tmp_path / "run")] == [32, 32]


def test_more_shares_than_images_are_refused(tiny_line: TinyLine, tmp_path: Path) -> None:
    settings = tiny_line("pretrain.accumulate=9")
    with pytest.raises(InputError, match=r"a batch of 8 .*accumulate 9 need at least 9; raise the"):
        pretrain(settings, tmp_path / "run")


def test_several_runs_may_share_a_cache(tiny_line: TinyLine, tmp_path: Path) -> None:
    settings = tiny_line("pretrain.steps=1")
    shared = settings.pretrain.model_copy(update={"cache": tmp_path / "cache"})
    for name in ("one", "two"):
        pretrain(settings.model_copy(update={"pretrain": shared}), tmp_path / name)
        assert not (tmp_path / name / "cache").exists()
    assert len(list((tmp_path / "cache").glob("images-*.npy"))) == 1


def test_local_views_that_do_not_fit_the_patches_are_refused(
    tiny_line: TinyLine, tmp_path: Path
) -> None:
    settings = tiny_line(
        "pretrain.objective=dino", "pretrain.dino.local_views=2", "pretrain.dino.local_side_px=50"
    )
    with pytest.raises(InputError, match="local_side_px 50: expected a multiple of the patch, 8"):
        pretrain(settings, tmp_path / "run")


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
    tiny_line: TinyLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = PretrainLoop.step
    clock = SimpleNamespace(perf_counter=lambda: 0.0)
    monkeypatch.setattr("span_train.pretrain.run.time", clock)
    monkeypatch.setattr(
        PretrainLoop, "step", lambda self, number: replace(step(self, number), step_s=0.1)
    )
    steps = pretrain(tiny_line(), tmp_path / "timed", budget_s=0.91)["steps"]
    assert steps == 9
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
