"""A training loop over random pictures, small enough to step through."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
import torch

from span_train.data.part_masks import PartMasks
from span_train.data.view_geometry import ViewRanges
from span_train.losses.part_prior import PartPriorLoss
from span_train.losses.self_distillation import SelfDistillationLoss
from span_train.models.backbone import build_backbone
from span_train.models.pixel_decoder import PixelDecoder
from span_train.models.projection import Projection
from span_train.pretrain.batches import Batches, BatchPlan, ViewKind
from span_train.pretrain.loop import LoopPlan, PretrainLoop
from span_train.pretrain.masked_autoencoder import MaskedAutoencoder
from span_train.pretrain.processes import Processes, alone
from span_train.pretrain.student_teacher import StudentTeacher

torch.set_num_threads(1)
PLAN = LoopPlan(
    steps=20,
    learning_rate=1e-3,
    weight_decay=0.05,
    warmup=0.1,
    clip_gradient=3.0,
    prior_weight=0.3,
    teacher_momentum=0.9,
)
RANGES = ViewRanges(
    min_area=0.5, max_rotation_deg=3.0, max_aspect=1.1, brightness=0.2, contrast=0.2, noise=0.05
)


@pytest.fixture
def make_loop() -> Callable[..., PretrainLoop]:
    """``make_loop("masked" or "dino", weights=seed of the weights, batch_size=…, …)``."""

    def make(
        objective: Literal["masked", "dino"] = "masked",
        weights: int = 0,
        *,
        processes: Processes | None = None,
        ranges: ViewRanges = RANGES,
        local_views: int = 0,
        batch_size: int = 4,
        accumulate: int = 1,
        seed: int = 0,
        **changes: object,
    ) -> PretrainLoop:
        torch.manual_seed(weights)
        made = masked_autoencoder() if objective == "masked" else student_teacher()
        random = np.random.default_rng(1)  # ten pictures, each of another colour
        colours = random.integers(30, 226, (10, 1, 1, 3))
        images = (colours + random.integers(-30, 30, (10, 32, 32, 3))).astype(np.uint8)
        masks_kss = torch.zeros(2, 32, 32)
        masks_kss[0, 4:20, 4:28], masks_kss[1, 20:30, 8:24] = 1.0, 1.0
        processes = processes or alone(torch.device("cpu"))
        batches = Batches(
            images,
            PartMasks(masks_kss, radius_px=0.0),
            (ViewKind(made.views, ranges, 32), ViewKind(local_views, ranges, 16, has_priors=False)),
            BatchPlan(batch_size, accumulate, seed, grid=4, draws=made.draws),
            processes,
        )
        spread = {"spread_weight": 0.1} if objective == "dino" else {}
        plan = LoopPlan(**{**PLAN.__dict__, **spread, **changes})
        return PretrainLoop(made, batches, PartPriorLoss(), plan, processes)

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
    )
