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


def feature_spread(features_nc: Tensor) -> Tensor:
    """Mean standard deviation of unit-length features times sqrt(C): 1 is isotropic, 0 collapse."""
    return spread_of_sums(spread_sums(features_nc))


def spread_sums(features_nc: Tensor) -> Tensor:
    """What `spread_of_sums` needs of (N, C) features, (2C + 1) float64; several may be added up."""
    unit_nc = functional.normalize(features_nc.detach().float(), dim=-1).double()
    count = torch.full((1,), len(unit_nc), dtype=torch.float64, device=unit_nc.device)
    return torch.cat([unit_nc.sum(0), unit_nc.square().sum(0), count])


def spread_of_sums(sums: Tensor) -> Tensor:
    """The feature spread of all features that went into some `spread_sums`."""
    count = sums[-1]
    first_c, second_c = sums[:-1].chunk(2)
    variance_c = (second_c - first_c.square() / count).clamp(min=0) / (count - 1).clamp(min=1)
    spread: Tensor = variance_c.sqrt().mean() * len(first_c) ** 0.5
    return spread
