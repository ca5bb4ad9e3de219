"""Make the objective and its loop that a line's settings ask for."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from span_train.contract.errors import InputError
from span_train.contract.layout import Layout, check_areas, check_heads
from span_train.contract.settings import LineSettings
from span_train.data.part_masks import MasksOfImages, PartMasks
from span_train.data.view_geometry import ViewRanges
from span_train.losses.part_prior import PartPriorLoss
from span_train.models.starting_weights import FROM_SCRATCH
from span_train.pretrain.batches import Batches, BatchPlan, ViewKind
from span_train.pretrain.compiled import compile_student
from span_train.pretrain.loop import LoopPlan, PretrainLoop
from span_train.pretrain.make_objective import AnyObjective, make_objective
from span_train.pretrain.processes import Processes, alone
from span_train.pretrain.warm_start import give_parts_their_heads
from span_train.pretrained import line_backbone

_OWN = ("spread_weight", "bfloat16")


def build_loop(
    settings: LineSettings,
    layout: Layout,
    pixels: npt.NDArray[np.uint8],
    masks_mkss: MasksOfImages | None,
    where: torch.device | Processes,
) -> PretrainLoop:
    """A loop before its first step; the same settings and images give the same loop.

    Args:
        settings: The line.
        layout: Its parts.
        pixels: (M, S, S, 3) uint8, fitted unlabelled images.
        masks_mkss: (M, K, s, s) uint8, 255 inside; None where all images share the layout.
        where: The device, or the processes that train together.

    Raises:
        InputError: Network, layout, images and settings do not fit each other.
    """
    processes = where if isinstance(where, Processes) else alone(where)
    device, asked = processes.device, settings.pretrain
    torch.manual_seed(asked.seed)
    backbone = line_backbone(settings)
    check_heads(layout, backbone.heads)
    if backbone.start != FROM_SCRATCH:
        give_parts_their_heads(backbone, layout, pixels, settings.input.fit, asked.seed)
    objective = make_objective(asked, backbone)
    objective.to(device)
    batches = _batches(settings, layout, pixels, masks_mkss, objective, processes)
    plan = LoopPlan(
        **{name: getattr(asked, name) for name in LoopPlan.__annotations__ if name not in _OWN},
        spread_weight=asked.spread_weight(),
        bfloat16=in_bfloat16(asked.precision, device),
    )
    prior_loss = PartPriorLoss(asked.prior_loss, asked.prior_floor)
    if asked.compile:
        compile_student(objective.backbone)
    return PretrainLoop(objective, batches, prior_loss, plan, processes)


def _batches(
    settings: LineSettings,
    layout: Layout,
    pixels: npt.NDArray[np.uint8],
    masks_mkss: MasksOfImages | None,
    objective: AnyObjective,
    processes: Processes,
) -> Batches:
    asked, side_px, backbone = settings.pretrain, settings.input.side_px, objective.teacher
    check_areas(layout, side_px, backbone.patch_px, settings.input.fit)
    radius_px = settings.layout.soften_patches * backbone.patch_px
    if masks_mkss is None:
        masks_kss = torch.from_numpy(layout.fitted(side_px, settings.input.fit))
        part_masks = PartMasks(masks_kss.to(processes.device), radius_px)
    else:
        part_masks = PartMasks.of_each_image(masks_mkss, side_px, radius_px, processes.device)
    plan = BatchPlan(
        fitting_batch(settings, len(pixels), processes.count),
        asked.accumulate,
        asked.seed,
        backbone.grid,
        objective.draws,
    )
    kinds = view_kinds(settings, objective.views, backbone.patch_px)
    return Batches(pixels, part_masks, kinds, plan, processes)


def fitting_batch(settings: LineSettings, images: int, processes: int) -> int:
    """Images a step: those asked for, or all where there are fewer.

    Raises:
        InputError: A process, or a share of its batch, would get no image.
    """
    asked = settings.pretrain
    size = min(asked.batch_size, images)
    shares = processes * asked.accumulate
    if size < max(2, shares):
        raise InputError(
            f"a batch of {size} (pretrain.batch_size {asked.batch_size}, {images} images), but "
            f"{processes} processes with pretrain.accumulate {asked.accumulate} need at least "
            f"{max(2, shares)}; raise the batch, give more images, or use fewer processes."
        )
    return size


def view_kinds(settings: LineSettings, views: int, patch_px: int) -> tuple[ViewKind, ...]:
    """The views of an image: those with priors, then the local ones, if any.

    Raises:
        InputError: Local views do not fit the network.
    """
    asked, side_px = settings.pretrain, settings.input.side_px
    ranges = ViewRanges(**asked.views.model_dump(), symmetry=settings.layout.symmetry)
    kinds = (ViewKind(views, ranges, side_px),)
    if asked.objective != "dino" or asked.dino.local_views == 0:
        return kinds
    local_px = asked.dino.local_side_px or max(1, side_px // patch_px // 2) * patch_px
    if local_px % patch_px or local_px > side_px:
        raise InputError(
            f"pretrain.dino.local_side_px {local_px}: expected a multiple of the patch, "
            f"{patch_px}, and at most input.side_px, {side_px}."
        )
    smallest, largest = asked.dino.local_area
    small = replace(ranges, min_area=smallest, max_area=largest, max_shift=0.0)
    return (*kinds, ViewKind(asked.dino.local_views, small, local_px, has_priors=False))


def in_bfloat16(precision: str, device: torch.device) -> bool:
    """Whether a step multiplies in bfloat16; `auto` does so on a GPU that has it."""
    if precision == "auto":
        return device.type == "cuda" and torch.cuda.is_bf16_supported()
    return precision == "bfloat16"
