"""Score how far each patch is from what is usual at its place (DESIGN.md, section 6).

Letters: B images, N patches, C features of a patch, D projected features.
"""

import math

import torch
from torch import Tensor, nn

from span_train.models.patch_score import patch_score

_SMALLEST_LEFT = 1e-3


class PlaceDeviation(nn.Module):
    """``delta[n] = W_n (v[n] - mu_n)``: 0 where a patch is usual at its place, of unit variance.

    Buffers: `projection` (C, D), `mean` (N, D), `whitening` (N, D, D), and of the logarithm of its
    square over usual images `usual` and `spread`, mean and standard deviation (N,).
    """

    projection: Tensor
    mean: Tensor
    whitening: Tensor
    usual: Tensor
    spread: Tensor

    def __init__(self, features: int, projected: int, patches: int) -> None:
        super().__init__()
        self.register_buffer("projection", torch.zeros(features, projected))
        self.register_buffer("mean", torch.zeros(patches, projected))
        self.register_buffer("whitening", torch.zeros(patches, projected, projected))
        self.register_buffer("usual", torch.zeros(patches))
        self.register_buffer("spread", torch.ones(patches))

    @property
    def projected(self) -> int:
        """D."""
        return self.mean.shape[1]

    def forward(self, patches_bnc: Tensor) -> Tensor:
        """(B, N, C) patch features to (B, N, D) deviations."""
        return self.whiten(patches_bnc @ self.projection)

    def whiten(self, projected_bnd: Tensor) -> Tensor:
        """(B, N, D) projected features to (B, N, D) deviations."""
        centred_nbd = (projected_bnd - self.mean).transpose(0, 1)
        return torch.bmm(centred_nbd, self.whitening).transpose(0, 1)

    def score(self, delta_bnd: Tensor, learnt_from: float = math.inf) -> Tensor:
        """(B, N, D) deviations to (B, N) scores, in standard deviations at the place.

        Images that the statistics were learnt from deviate less than new ones. As if it had been
        left out, an image's squared length is larger in closed form (Sherman and Morrison, 1950),
        but for a share of 1 / M that is the same for all.

        Args:
            learnt_from: (M - 1) / (1 - shrinkage) where the statistics were learnt from M images,
                these among them; infinite for new images.
        """
        if math.isfinite(learnt_from):
            own_bn1 = delta_bnd.square().sum(-1, keepdim=True) / learnt_from
            delta_bnd = delta_bnd / (1 - own_bn1).clamp(min=_SMALLEST_LEFT).sqrt()
        return (patch_score(delta_bnd) - self.usual) / self.spread
