"""The layout as a training batch meets it: softened masks, the same for all images or each its own.

Letters: M images in all, B images of a batch, K parts, S side of a view in pixels, s side of a
mask, G patches a side, N = G * G.
"""

from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from span_train.data.keyed_draws import Numbers
from span_train.data.view_geometry import ViewGeometry

MasksOfImages = npt.NDArray[np.uint8]
SMALLEST_SEEN = 0.05
_FEWEST_POINTS = 4  # along each side of a patch, where masks are coarser than that


class PartMasks:
    """Where the parts lie in each image of a batch.

    Args:
        shared_kss: (K, S, S) float32 in [0, 1], the layout in the frame of the fitted image; on
            the training device. It serves every image that has no masks of its own.
        radius_px: How far the parts' borders are softened, in pixels of the fitted image.
    """

    def __init__(self, shared_kss: Tensor, radius_px: float) -> None:
        self.device = shared_kss.device
        self.side_px = shared_kss.shape[-1]
        self.radius_px = radius_px
        self._shared_1kss = soften(shared_kss, radius_px)[None]
        self._of_images_mkss: MasksOfImages | None = None

    @classmethod
    def of_each_image(
        cls, masks_mkss: MasksOfImages, side_px: int, radius_px: float, device: torch.device
    ) -> Self:
        """Masks that every image has of its own from the first step on.

        Args:
            masks_mkss: (M, K, s, s) uint8, 255 inside; may be memory-mapped, s may differ from S.
            side_px: S.
            radius_px: How far borders are softened, in pixels of the fitted image.
            device: The training device.

        Raises:
            ValueError: They are not of that shape or kind.
        """
        shape = masks_mkss.shape
        if len(shape) != 4 or shape[2] != shape[3] or masks_mkss.dtype != np.uint8:
            expected = "(images, parts, s, s) uint8"
            raise ValueError(f"masks of each image: {shape} {masks_mkss.dtype}, not {expected}")
        masks = cls(torch.zeros(shape[1], side_px, side_px, device=device), radius_px)
        masks._of_images_mkss = masks_mkss
        return masks

    def of(self, chosen_b: Numbers) -> Tensor:
        """The softened masks of these images: (1, K, S, S), or (B, K, s, s); float32 in [0, 1]."""
        if self._of_images_mkss is None:
            return self._shared_1kss
        masks_bkss = torch.from_numpy(self._of_images_mkss[chosen_b]).to(self.device).float() / 255
        return soften(masks_bkss, self.radius_px * masks_bkss.shape[-1] / self.side_px)


def view_priors(masks_bkss: Tensor, geometry: ViewGeometry, grid: int) -> Tensor:
    """Take the layout through the views' geometry: (B, K, N) mask area in each patch, in patches.

    What a view shows beyond the image's border belongs to no part. A part of which less than 5 %,
    or less than one patch of area, is in view becomes a zero row (DESIGN.md, section 5).

    Args:
        masks_bkss: (1 or B, K, s, s) float32 in the frame of the fitted images, from `PartMasks`.
        geometry: Of the B views, from `make_views`.
        grid: G, patches a side.
    """
    places_bss2 = geometry.places(grid * max(_FEWEST_POINTS, -(-masks_bkss.shape[-1] // grid)))
    seen_bkss = functional.grid_sample(
        masks_bkss.expand(len(places_bss2), -1, -1, -1),
        places_bss2,
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )
    seen_bkss = seen_bkss * (places_bss2.abs().amax(-1) <= 1)[:, None]
    prior_bkn = functional.adaptive_avg_pool2d(seen_bkss, grid).flatten(2)
    share_bk = geometry.area_seen(seen_bkss, places_bss2) / masks_bkss.mean(dim=(2, 3)).clamp(
        min=1e-9
    )
    enough = (share_bk >= SMALLEST_SEEN) & (prior_bkn.sum(-1) >= 1.0)
    gated_bkn: Tensor = prior_bkn * enough[:, :, None]
    return gated_bkn


def soften(masks: Tensor, radius_px: float) -> Tensor:
    """Blur masks (…, S, S) with a Gaussian of sigma `radius_px` / 2: borders carry less weight.

    Both passes are products with one small matrix: for many masks several times faster than
    convolutions.
    """
    if radius_px <= 0:
        return masks
    side, reach = masks.shape[-1], max(1, round(radius_px))
    offsets = torch.arange(-reach, reach + 1)
    kernel = torch.exp(-0.5 * (offsets / (radius_px / 2)) ** 2)
    places = (torch.arange(side)[:, None] + offsets).clamp(0, side - 1)  # the border goes on
    blur_ss = torch.zeros(side, side)
    blur_ss.scatter_add_(1, places, (kernel / kernel.sum()).expand(side, -1))
    blur_ss = blur_ss.to(masks.device)
    return blur_ss @ masks @ blur_ss.T
