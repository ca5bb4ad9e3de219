"""A training loop over random pictures, small enough to step through."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
import torch

from span_train.data.views import ViewRanges
from span_train.losses.part_prior import PartPriorLoss
from span_train.losses.self_distillation import SelfDistillationLoss
from span_train.models.backbone import build_backbone
from span_train.models.pixel_decoder import PixelDecoder
from span_train.models.projection import Projection
from span_train.pretrain.loop import LoopPlan, PretrainLoop
from span_train.pretrain.masked_autoencoder import MaskedAutoencoder
from span_train.pretrain.student_teacher import StudentTeacher

torch.set_num_threads(1)
PLAN = LoopPlan(
    steps=20,
    batch_size=4,
    learning_rate=1e-3,
    weight_decay=0.05,
    warmup=0.1,
    clip_gradient=3.0,
    prior_weight=0.3,
    teacher_momentum=0.9,
    seed=0,
)
RANGES = ViewRanges(
    min_area=0.5, max_rotation_deg=3.0, max_aspect=1.1, brightness=0.2, contrast=0.2, noise=0.05
)


@pytest.fixture
def make_loop() -> Callable[..., PretrainLoop]:
    """``make_loop("masked" or "dino", weights=seed of the weights, batch_size=…, …)``."""

    def make(
        objective: Literal["masked", "dino"] = "masked", weights: int = 0, **changes: object
    ) -> PretrainLoop:
        torch.manual_seed(weights)
        made = masked_autoencoder() if objective == "masked" else student_teacher()
        images = np.random.default_rng(1).integers(0, 256, (10, 32, 32, 3), np.uint8)
        masks_kss = torch.zeros(2, 32, 32)
        masks_kss[0, 4:20, 4:28], masks_kss[1, 20:30, 8:24] = 1.0, 1.0
        plan = LoopPlan(**{**PLAN.__dict__, **changes})
        return PretrainLoop(made, images, masks_kss, PartPriorLoss(), RANGES, plan)

    return make


def masked_autoencoder() -> MaskedAutoencoder:
    backbone = build_backbone("small", 32, width=24, depth=2, heads=4)
    decoder = PixelDecoder(24, 16, 8, width=16, depth=1, heads=2)
    return MaskedAutoencoder(backbone, decoder, visible=0.5)


def student_teacher() -> StudentTeacher:
    return StudentTeacher(
        build_backbone("small", 32, width=24, depth=2, heads=4),
        Projection(24, hidden=16, bottleneck=8, outputs=32),
        SelfDistillationLoss(32, student_temperature=0.1, centre_momentum=0.9),
        teacher_temperatures=(0.04, 0.04),
        spread_weight=0.1,
    )
