"""Score how far each patch is from what is usual at its place (DESIGN.md, section 6).

Letters: B images, N patches, C features of a patch, D projected features.
"""

import torch
from torch import Tensor, nn

from span_train.models.patch_score import PatchDeviations, patch_score

_SMALLEST_LEFT = 1e-3


class PlaceDeviation(nn.Module):
    """``delta[n] = W_n (v[n] - mu_n)``: 0 where a patch is usual at its place, of unit variance.

    Buffers: `projection` (C, D), `mean` (N, D), `whitening` (N, D, D), and of the logarithm of its
    square over usual images `usual` and `spread`, mean and standard deviation (N,).

    Images that the statistics were learnt from deviate less than new ones. As if it had been left
    out, an image's deviation is longer in closed form (Sherman and Morrison, 1950), but for a share
    of 1 / M that is the same for all and for a turn of the D numbers.

    Attributes:
        learnt_from: (M - 1) / (1 - shrinkage) where the statistics were learnt from M images; of
            statistics read back from a file it is not known.
    """

    projection: Tensor
    mean: Tensor
    whitening: Tensor
    usual: Tensor
    spread: Tensor
    learnt_from: float | None

    def __init__(self, features: int, projected: int, patches: int) -> None:
        super().__init__()
        self.register_buffer("projection", torch.zeros(features, projected))
        self.register_buffer("mean", torch.zeros(patches, projected))
        self.register_buffer("whitening", torch.zeros(patches, projected, projected))
        self.register_buffer("usual", torch.zeros(patches))
        self.register_buffer("spread", torch.ones(patches))
        self.learnt_from = None

    @property
    def projected(self) -> int:
        """D."""
        return self.mean.shape[1]

    def forward(self, patches_bnc: Tensor, learnt_b: Tensor | None = None) -> PatchDeviations:
        """How far (B, N, C) patch features are from what is usual at their places.

        Args:
            learnt_b: (B,) at least 0 where an image was learnt from and is to count as if it had
                been left out, -1 where it is new; None where all are.

        Raises:
            ValueError: Images were learnt from, but it is not known how many.
        """
        delta_bnd = self.whiten(patches_bnc @ self.projection)
        if learnt_b is not None:
            if self.learnt_from is None:
                raise ValueError("statistics read back do not know what they were learnt from")
            own_bn1 = delta_bnd.square().sum(-1, keepdim=True) / self.learnt_from
            left_bn1 = (1 - own_bn1).clamp(min=_SMALLEST_LEFT)
            as_new_bnd = delta_bnd / left_bn1.sqrt()
            delta_bnd = torch.where(learnt_b[:, None, None] < 0, delta_bnd, as_new_bnd)
        return PatchDeviations(delta_bnd, self.score(delta_bnd))

    def whiten(self, projected_bnd: Tensor) -> Tensor:
        """(B, N, D) projected features to (B, N, D) deviations."""
        centred_nbd = (projected_bnd - self.mean).transpose(0, 1)
        return torch.bmm(centred_nbd, self.whitening).transpose(0, 1)

    def score(self, delta_bnd: Tensor) -> Tensor:
        """(B, N, D) deviations to (B, N) scores, in standard deviations at the place."""
        return (patch_score(delta_bnd) - self.usual) / self.spread
