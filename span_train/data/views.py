"""Cut one training view of each image of a batch, in one tensor step on the training device.

Letters: B images, S side of the images, s side of the views in pixels.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from span_train.data.keyed_draws import Uniforms
from span_train.data.view_geometry import ViewGeometry, ViewRanges, view_geometry

_PADDING = {"mirror": "reflection", "edge": "border"}


def make_views(
    images_bhwc: Tensor,
    uniforms: Uniforms,
    ranges: ViewRanges,
    noise_bchw: Tensor | None = None,
    side_px: int | None = None,
) -> tuple[Tensor, ViewGeometry]:
    """Cut one view of each image.

    Args:
        images_bhwc: (B, S, S, 3) uint8, on the training device.
        uniforms: (B, 84) from `uniforms_of_view`.
        ranges: How far views may differ.
        noise_bchw: Standard normal noise of the views' shape; used where ranges.noise > 0.
        side_px: s; S where None is given.

    Returns:
        Views (B, 3, s, s) float32 in [0, 1], and the geometry that made them.
    """
    geometry = view_geometry(uniforms, ranges, images_bhwc.device)
    images_bchw = images_bhwc.permute(0, 3, 1, 2).float() / 255
    views = functional.grid_sample(
        images_bchw,
        geometry.places(side_px or images_bhwc.shape[1]),
        mode="bilinear",
        padding_mode=_PADDING[ranges.beyond_border],
        align_corners=False,
    )
    gain = _column(1 + ranges.contrast * (2 * uniforms[:, 8] - 1), views)
    shift = _column(ranges.brightness * (2 * uniforms[:, 9] - 1), views)
    middle = views.mean(dim=(1, 2, 3), keepdim=True)
    views = (views - middle) * gain + middle + shift * middle
    if ranges.noise > 0 and noise_bchw is not None:
        views = views + noise_bchw * _column(ranges.noise * uniforms[:, 10], views)
    return views.clamp(0, 1), geometry


def _column(values: Uniforms, like: Tensor) -> Tensor:
    return torch.from_numpy(values.astype(np.float32)).to(like.device).view(-1, 1, 1, 1)
