"""How long a deviation is, on a scale that large ones do not rule."""

import torch
from torch import Tensor


def patch_score(delta_bnd: Tensor) -> Tensor:
    """``log(1 + |delta|^2 / D)`` of each patch: (B, N, D) to (B, N)."""
    return torch.log1p(delta_bnd.square().mean(-1))
