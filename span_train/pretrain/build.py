"""Make the objective and its loop that a line's settings ask for."""

import numpy as np
import numpy.typing as npt
import torch

from span_train.contract.layout import Layout, check_areas, check_heads
from span_train.contract.settings import LineSettings
from span_train.data.views import ViewRanges, soften
from span_train.losses.part_prior import PartPriorLoss
from span_train.losses.self_distillation import SelfDistillationLoss
from span_train.models.pixel_decoder import PixelDecoder
from span_train.models.projection import Projection
from span_train.pretrain.loop import LoopPlan, PretrainLoop
from span_train.pretrain.masked_autoencoder import MaskedAutoencoder
from span_train.pretrain.student_teacher import StudentTeacher
from span_train.pretrained import line_backbone


def build_loop(
    settings: LineSettings, layout: Layout, pixels: npt.NDArray[np.uint8], device: torch.device
) -> PretrainLoop:
    """A loop before its first step; the same settings and images give the same loop.

    Raises:
        InputError: Network and layout do not fit each other or the settings.
    """
    asked, side_px = settings.pretrain, settings.input.side_px
    objective = _build_objective(settings)
    check_heads(layout, objective.teacher.heads)
    check_areas(layout, side_px, objective.teacher.patch_px, settings.input.fit)
    masks_kss = torch.from_numpy(layout.fitted(side_px, settings.input.fit)).to(device)
    radius_px = settings.layout.soften_patches * objective.teacher.patch_px
    plan = LoopPlan(
        **{name: getattr(asked, name) for name in LoopPlan.__annotations__ if name != "bfloat16"},
        bfloat16=device.type == "cuda" and torch.cuda.is_bf16_supported(),
    )
    ranges = ViewRanges(**asked.views.model_dump(), symmetry=settings.layout.symmetry)
    prior_loss = PartPriorLoss(asked.prior_loss, asked.prior_floor)
    objective.to(device)
    return PretrainLoop(objective, pixels, soften(masks_kss, radius_px), prior_loss, ranges, plan)


def _build_objective(settings: LineSettings) -> MaskedAutoencoder | StudentTeacher:
    asked = settings.pretrain
    torch.manual_seed(asked.seed)
    backbone = line_backbone(settings)
    if asked.objective == "masked":
        m = asked.masked
        decoder = PixelDecoder(
            backbone.width,
            backbone.grid**2,
            backbone.patch_px,
            m.decoder_width,
            m.decoder_depth,
            m.decoder_heads,
        )
        return MaskedAutoencoder(backbone, decoder, m.visible)
    d = asked.dino
    return StudentTeacher(
        backbone,
        Projection(backbone.width, d.hidden, d.bottleneck, d.outputs),
        SelfDistillationLoss(d.outputs, d.student_temperature, d.centre_momentum),
        teacher_temperatures=(d.warmup_teacher_temperature, d.teacher_temperature),
        spread_weight=d.feature_spread,
    )
