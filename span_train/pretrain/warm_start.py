"""Give each part the head of a pretrained network that looks at it most, once, before training.

Letters: M images of the cache, H heads, K parts, N patches, S side in pixels.
"""

from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from timm.models.vision_transformer import Block
from torch.nn import functional

from span_train.contract.image import Fit
from span_train.contract.layout import Layout
from span_train.evaluate.part_focus import adherence
from span_train.models.backbone import Backbone
from span_train.models.head_order import best_order, order_heads

_SAMPLE, _BATCH = 128, 16


def give_parts_their_heads(
    backbone: Backbone, layout: Layout, pixels_mssc: npt.NDArray[np.uint8], fit: Fit, seed: int
) -> None:
    """Move the last block's heads so that part k sits on head k; what was moved stands in `start`.

    The function of the network stays what it was: only places of heads change.

    Args:
        backbone: A network with weights that know something already.
        layout: The parts.
        pixels_mssc: Fitted unlabelled images, of which a seeded sample is looked at.
        fit: How images were fitted to the square.
        seed: Of the sample.
    """
    lift_hk = mean_lift(backbone, layout, pixels_mssc, fit, seed)
    order = best_order(lift_hk)
    order_heads(cast(Block, backbone.vit.blocks[-1]), order)
    heads = tuple(
        (name, order[part], round(float(lift_hk[order[part], part]), 3))
        for part, name in enumerate(layout.names)
    )
    backbone.start = replace(backbone.start, heads=heads)


@torch.inference_mode()
def mean_lift(
    backbone: Backbone, layout: Layout, pixels_mssc: npt.NDArray[np.uint8], fit: Fit, seed: int
) -> npt.NDArray[np.float64]:
    """(H, K): how many times more attention than area of the part, mean over a sample of images."""
    count = min(_SAMPLE, len(pixels_mssc))
    chosen = np.sort(np.random.default_rng(seed).permutation(len(pixels_mssc))[:count])
    masks_kss = torch.from_numpy(layout.fitted(backbone.side_px, fit))
    masks_kn = functional.adaptive_avg_pool2d(masks_kss, backbone.grid).flatten(1)
    rows = []
    for start in range(0, count, _BATCH):
        some = torch.from_numpy(pixels_mssc[chosen[start : start + _BATCH]])
        output = backbone(some.permute(0, 3, 1, 2).float() / 255)
        rows.append(output.attention_logits_bhv.softmax(-1))
    return adherence(torch.cat(rows).numpy(), masks_kn.numpy()).lift_hk
