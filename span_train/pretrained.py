"""The network a line's settings ask for, and the one a pretraining run left behind."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from span_train.contract.errors import DeviceError, RunError
from span_train.contract.layout import Layout, load_layout
from span_train.contract.settings import LineSettings, read_settings
from span_train.models.backbone import Backbone, build_backbone
from span_train.storage.checkpoint import load_checkpoint
from span_train.storage.run_folder import read_json

BACKBONE_FILE = "backbone.safetensors"


@dataclass(frozen=True)
class PretrainedLine:
    """What `inspect pretrain` left.

    Attributes:
        backbone: The averaged network, on the CPU, ready for inference.
        layout: The parts its heads were held to.
        settings: The resolved settings of the run.
        summary: Time, machine, versions and hashes of the run.
        images: sha256 of every image it learnt from.
    """

    backbone: Backbone
    layout: Layout
    settings: LineSettings
    summary: dict[str, Any]
    images: frozenset[str]


def load_pretrained(run: Path) -> PretrainedLine:
    """Read a finished pretraining run.

    Raises:
        RunError: The run is not finished, or damaged.
    """
    summary = read_json(run / "run.json")
    if summary.get("kind") != "pretrain" or not (run / BACKBONE_FILE).is_file():
        raise RunError(f"{run}: no finished pretraining; go on with `inspect pretrain --resume`.")
    settings = read_settings(run / "settings.yaml")
    backbone = line_backbone(settings, fresh=False)
    tensors, _ = load_checkpoint(run / BACKBONE_FILE)
    try:
        backbone.load_state_dict(tensors)
    except RuntimeError as problem:
        raise RunError(f"{run}: a backbone of another network: {str(problem)[:200]}") from None
    images = frozenset(read_json(run / "images.json"))
    return PretrainedLine(backbone.eval(), load_layout(run), settings, summary, images)


def line_backbone(settings: LineSettings, *, fresh: bool = True) -> Backbone:
    """The line's network; `fresh` starts from the weights its settings name, if any."""
    model = settings.model
    return build_backbone(
        model.name,
        settings.input.side_px,
        patch_px=model.patch_px,
        width=model.width,
        depth=model.depth,
        heads=model.heads,
        pretrained=fresh and model.pretrained,
        weights=model.weights if fresh else None,
    )


def choose_device(asked: str) -> torch.device:
    """`auto` takes the GPU where there is one.

    Raises:
        DeviceError: `cuda` was asked for and is not there.
    """
    if asked == "cuda" and not torch.cuda.is_available():
        raise DeviceError("pretrain.device: cuda was asked for, but torch sees no GPU; use cpu.")
    return torch.device("cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu")
