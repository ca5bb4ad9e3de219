"""How far a patch is from what is usual, and how long that is on a scale large ones do not rule."""

from typing import NamedTuple

import torch
from torch import Tensor


class PatchDeviations(NamedTuple):
    """Of B images with N patches.

    Attributes:
        delta_bnd: (B, N, D), 0 where a patch is usual, of about unit variance.
        score_bn: (B, N), how far that is, in standard deviations of usual patches.
    """

    delta_bnd: Tensor
    score_bn: Tensor


def patch_score(delta_bnd: Tensor) -> Tensor:
    """``log(1 + |delta|^2 / D)`` of each patch: (B, N, D) to (B, N)."""
    return torch.log1p(delta_bnd.square().mean(-1))
