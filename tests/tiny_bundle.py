"""A tiny network with the seven outputs, drawn parts, and bundles exported from them."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from deploy.export.run import export_trained
from deploy.runtime.inspector import Inspector
from span_train.contract.image import RGB
from span_train.contract.layout import Layout
from span_train.contract.settings import settings_from_dict
from span_train.finetune.run import TrainedLine
from span_train.models.defect_head import FeatureName
from span_train.models.inspection_model import InspectionOutputs
from span_train.policy.policy import Policy

SIDE_PX, PATCH_PX, GRID, WIDTH, TOP_K = 32, 8, 4, 8, 3
PARTS = ("body", "left_lead")
HEADS = (*PARTS, "free 1", "free 2")


class TinyModel(nn.Module):
    """Deviation of random patch features from those of a grey part, pooled by part and overall."""

    side_px, grid = SIDE_PX, GRID
    part_names, head_names = PARTS, HEADS

    def __init__(self, defect_types: tuple[str, ...]) -> None:
        super().__init__()
        self.defect_types = defect_types
        self.features = (
            FeatureName("body attended", "body"),
            FeatureName("left_lead attended", "left_lead"),
            FeatureName("free 1 attended", "free"),
            FeatureName("top patches", "elsewhere"),
        )
        columns = 1 + len(defect_types)
        generator = torch.Generator().manual_seed(3)
        self.patches = nn.Conv2d(3, WIDTH, PATCH_PX, PATCH_PX, bias=False)
        self.look = nn.Linear(WIDTH, len(HEADS))
        for parameter in self.parameters():
            with torch.no_grad():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
        weights = torch.rand(columns, len(self.features), generator=generator) * 0.3
        self.register_buffer("weights", weights)
        self.register_buffer("usual", torch.rand(len(self.features), generator=generator))
        self.register_buffer("offset", torch.linspace(-2.0, -1.0, columns))

    def forward(self, images: Tensor) -> InspectionOutputs:
        scaled = images.permute(0, 3, 1, 2).float() / 255 - 0.5
        tokens = self.patches(scaled).flatten(2).transpose(1, 2)
        attention = torch.softmax(self.look(tokens).transpose(1, 2), dim=-1)
        squared = tokens.square().sum(-1)
        top = squared.topk(TOP_K, dim=1).indices
        chosen = torch.zeros_like(squared).scatter(1, top, 1.0 / TOP_K)
        shares = torch.cat([attention[:, :3], chosen[:, None]], dim=1)
        pooled = shares * squared[:, None] - self.usual[:, None] / squared.shape[1]
        evidence = torch.einsum("oj,bjn->bon", self.weights, pooled)
        contributions = self.weights[None] * pooled.sum(-1)[:, None]
        logits = self.offset + contributions.sum(-1)
        return InspectionOutputs(
            logits,
            attention.reshape(-1, len(HEADS), GRID, GRID),
            evidence.reshape(-1, len(self.weights), GRID, GRID),
            contributions,
            self.offset.clone(),
            squared.mean(1),
            shares[:, : len(PARTS)].mul(squared[:, None]).sum(-1),
        )


def draw_part(seed: int, defect: bool = False, size_px: tuple[int, int] = (48, 64)) -> RGB:
    """A grey part with a little noise; a defect is a bright blot at the upper right."""
    height_px, width_px = size_px
    noise = np.random.default_rng(seed).integers(-6, 7, (height_px, width_px, 1))
    image = np.clip(128 + noise, 0, 255).astype(np.uint8).repeat(3, axis=2)
    if defect:
        image[height_px // 8 : height_px // 3, -width_px // 3 : -width_px // 8] = (250, 240, 20)
    return image


def save_image(path: Path, image: RGB) -> Path:
    """Write an RGB image losslessly."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image[:, :, ::-1])
    return path


@pytest.fixture
def write_part() -> Callable[..., Path]:
    """Draw a part into a file: ``write_part(path, seed, defect=False, size_px=(48, 64))``."""

    def write(path: Path, seed: int = 0, **how: Any) -> Path:
        return save_image(path, draw_part(seed, **how))

    return write


@pytest.fixture
def drawn() -> Callable[..., RGB]:
    """Draw a part: ``drawn(seed, defect=False, size_px=(48, 64))``."""
    return draw_part


@pytest.fixture(scope="session")
def part_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve readable images, every third with a defect, in two folders."""
    folder = tmp_path_factory.mktemp("parts")
    for number in range(12):
        day = "monday" if number < 6 else "tuesday"
        save_image(folder / day / f"part_{number:02d}.png", draw_part(number, number % 3 == 2))
    return folder


@pytest.fixture(scope="session")
def make_trained(part_folder: Path) -> Callable[..., TrainedLine]:
    """Make a trained line around the tiny model."""

    def make(defect_types: tuple[str, ...] = ("scratch", "blot"), **changes: object) -> TrainedLine:
        masks = np.zeros((len(PARTS), 48, 64), np.float32)
        masks[0, 8:40, 16:60], masks[1, 20:30, 0:14] = 1, 1
        values = {
            "model": TinyModel(defect_types if len(defect_types) > 1 else ()).eval(),
            "layout": Layout(PARTS, masks, "exemplar"),
            "policy": Policy(t_pass=-2.0, t_fail=-1.9, outlier_limit=50.0),
            "settings": settings_from_dict(
                {"name": "pump-v4", "images": [str(part_folder)], "input": {"side_px": SIDE_PX}},
                part_folder,
                "test",
            ),
            "summary": {
                "counts": {"train": 9, "calibration": 3},
                "auroc": float("nan"),
                "examples": ["/home/ada/photos/part_00.png"],
                "defect_classes": list(defect_types),
            },
            "example_paths": tuple(sorted(part_folder.rglob("*.png")))[:4],
        }
        return TrainedLine(**(values | changes))

    return make


@pytest.fixture(scope="session")
def bundle_folder(
    make_trained: Callable[..., TrainedLine], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """One exported bundle for all tests that only read it."""
    out = tmp_path_factory.mktemp("export") / "bundle"
    return export_trained(make_trained(), out, "run").folder


@pytest.fixture
def own_bundle(bundle_folder: Path, tmp_path: Path) -> Path:
    """A copy of the bundle, to be damaged."""
    return Path(shutil.copytree(bundle_folder, tmp_path / "own_bundle"))


@pytest.fixture(scope="session")
def inspector(bundle_folder: Path) -> Inspector:
    """The bundle, open on the CPU."""
    return Inspector.open(bundle_folder, provider="cpu", threads=1)
