"""Keep the features of different images apart, so that they cannot all become the same.

Letters: B images, C width.
"""

import torch
from torch import Tensor
from torch.nn import functional


def feature_spread_loss(features_bc: Tensor, eps: float = 1e-6) -> Tensor:
    """KoLeo: ``-mean_b log(distance to the nearest other feature)`` (arXiv 1806.03198, section 3).

    Args:
        features_bc: (B, C) features, B at least 2; they are normalised to unit length here.

    Raises:
        ValueError: Fewer than two features.
    """
    if features_bc.shape[0] < 2:
        raise ValueError("feature spread needs at least two images")
    unit_bc: Tensor = functional.normalize(features_bc.float(), dim=-1, eps=eps)
    nearness_bb = (unit_bc @ unit_bc.T).detach().fill_diagonal_(-torch.inf)
    nearest_bc = unit_bc[nearness_bb.argmax(dim=1)]
    distance_b: Tensor = torch.linalg.vector_norm(unit_bc - nearest_bc, dim=-1)
    return -(distance_b + eps).log().mean()


def feature_spread(features_bc: Tensor) -> Tensor:
    """Mean standard deviation of unit-length features times sqrt(C): 1 is isotropic, 0 collapse."""
    unit_bc: Tensor = functional.normalize(features_bc.float(), dim=-1)
    spread: Tensor = unit_bc.std(dim=0).mean() * features_bc.shape[-1] ** 0.5
    return spread
