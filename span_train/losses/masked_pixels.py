"""Score how well hidden patches were guessed, in pixels normalised patch by patch.

Letters: B images, M hidden patches, D pixel values of a patch (patch_px^2 * 3).
"""

import torch
from torch import Tensor


def masked_pixel_loss(guess_bmd: Tensor, pixels_bmd: Tensor, eps: float = 1e-4) -> Tensor:
    """Mean squared error between guesses and normalised pixels (He et al., arXiv 2111.06377, 3).

    Args:
        guess_bmd: (B, M, D) guesses for the hidden patches.
        pixels_bmd: (B, M, D) their true pixels in [0, 1].
        eps: Added to each patch's variance, so that a flat patch is not blown-up noise.
    """
    variance, mean = torch.var_mean(pixels_bmd.float(), dim=-1, keepdim=True)
    target = (pixels_bmd.float() - mean) / (variance + eps).sqrt()
    return (guess_bmd.float() - target).square().mean()
