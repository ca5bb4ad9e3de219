"""A finished pretraining read back: the averaged network, its parts and its images."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from span_train.contract.errors import DeviceError, RunError
from span_train.contract.settings import LineSettings
from span_train.pretrained import choose_device, line_backbone, load_pretrained
from span_train.storage.checkpoint import load_checkpoint


def test_the_averaged_network_comes_back_with_its_layout(pretrained_run: Path) -> None:
    pretrained = load_pretrained(pretrained_run)
    saved, _ = load_checkpoint(pretrained_run / "checkpoint.safetensors")
    for name, tensor in pretrained.backbone.state_dict().items():
        assert torch.equal(tensor, saved[f"objective.teacher.{name}"]), name
    assert not pretrained.backbone.training
    assert pretrained.layout.names == ("body", "left_lead", "marking", "right_lead")
    assert pretrained.layout.digest() == pretrained.summary["layout"]
    assert len(pretrained.images) == 32


def test_a_run_of_another_kind_is_refused(pretrained_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(pretrained_run, tmp_path / "run"))
    described = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**described, "kind": "train"}))
    with pytest.raises(RunError, match="no finished pretraining"):
        load_pretrained(run)


def test_a_backbone_of_another_network_is_refused(pretrained_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(pretrained_run, tmp_path / "run"))
    text = (run / "settings.yaml").read_text()
    (run / "settings.yaml").write_text(text.replace("depth: 2", "depth: 3", 1))
    with pytest.raises(RunError, match="a backbone of another network"):
        load_pretrained(run)


def test_a_lines_network_starts_from_the_weights_it_names(
    tiny_line: Callable[..., LineSettings], pretrained_run: Path, tmp_path: Path
) -> None:
    from safetensors.torch import save_file

    expected = load_pretrained(pretrained_run).backbone.vit.state_dict()
    save_file(expected, tmp_path / "vit.safetensors")
    line = tiny_line(f"model.weights={tmp_path / 'vit.safetensors'}")
    fresh, bare = line_backbone(line), line_backbone(line, fresh=False)
    assert torch.equal(fresh.vit.pos_embed, expected["pos_embed"])
    assert not torch.equal(bare.vit.pos_embed, expected["pos_embed"])


def test_devices_are_chosen_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [choose_device(asked).type for asked in ("cpu", "cuda", "auto")] == [
        "cpu",
        "cuda",
        "cuda",
    ]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"
    with pytest.raises(DeviceError, match="cuda was asked for"):
        choose_device("cuda")
