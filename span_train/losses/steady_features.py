"""Tell how far patch features have moved from those of a network that is not trained.

Letters: B views, V patches, C width.
"""

import torch
from torch import Tensor
from torch.nn import functional


def steady_features_loss(features_bvc: Tensor, kept_bvc: Tensor) -> Tensor:
    """Mean squared difference of features, each patch's brought to mean 0 and variance 1 first.

    The target of data2vec (Baevski et al., arXiv 2202.03555, section 3.3), normalised patch by
    patch, so that no large channel of a patch outweighs the others.

    Args:
        features_bvc: (B, V, C) of the network that learns.
        kept_bvc: (B, V, C) of the one that does not; no gradient goes there.

    Raises:
        ValueError: The two differ in shape.
    """
    if features_bvc.shape != kept_bvc.shape:
        raise ValueError(
            f"features {list(features_bvc.shape)} and kept ones {list(kept_bvc.shape)} differ"
        )
    width = (features_bvc.shape[-1],)
    with torch.autocast(features_bvc.device.type, enabled=False):
        normed_bvc = functional.layer_norm(features_bvc.float(), width)
        target_bvc = functional.layer_norm(kept_bvc.detach().float(), width)
        return (normed_bvc - target_bvc).square().mean()
