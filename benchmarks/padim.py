"""PaDiM in plain steps, for machines without anomalib: what `anomalib_padim.py` is checked against.

Defard et al., "PaDiM: a Patch Distribution Modeling Framework", arXiv 2011.08785: at each place a
Gaussian of a random choice of features over good images; an image scores its largest Mahalanobis
distance in the smoothed map.

Letters: M good images, T test images, N patches, C features, D kept ones, G patches a side.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

_KEPT, _RIDGE, _BATCH = 100, 0.01, 32


def padim_scores(
    good_mnc: Tensor, test_tnc: Tensor, side_px: int, seed: int = 0, sigma_px: float = 4.0
) -> npt.NDArray[np.float32]:
    """The score of each test image: (T,).

    Args:
        good_mnc, test_tnc: Patch features.
        side_px: Of the map that is smoothed, the square the network saw.
        seed: Of the features that are kept.
        sigma_px: Of the smoothing.
    """
    random = torch.Generator().manual_seed(seed)
    kept_d = torch.randperm(good_mnc.shape[2], generator=random)[:_KEPT]
    good_mnd = good_mnc[:, :, kept_d]
    mean_nd = good_mnd.mean(0)
    inverse_ndd = torch.linalg.inv(_covariances(good_mnd - mean_nd))
    scores = []
    for some_bnc in test_tnc.split(_BATCH):
        delta_bnd = some_bnc[:, :, kept_d] - mean_nd
        squared_bn = torch.einsum("bnd,nde,bne->bn", delta_bnd, inverse_ndd, delta_bnd)
        scores.append(_smooth(squared_bn.clamp(0).sqrt(), side_px, sigma_px).amax(dim=(1, 2)))
    return torch.cat(scores).numpy()


def _covariances(centred_mnd: Tensor) -> Tensor:
    images, _, features = centred_mnd.shape
    covariance_ndd = torch.einsum("mnd,mne->nde", centred_mnd, centred_mnd) / (images - 1)
    return covariance_ndd + _RIDGE * torch.eye(features)


def _smooth(distance_bn: Tensor, side_px: int, sigma_px: float) -> Tensor:
    grid = round(distance_bn.shape[1] ** 0.5)
    large = torch.nn.functional.interpolate(
        distance_bn.unflatten(1, (1, grid, grid)), (side_px, side_px), mode="bilinear"
    )
    reach = int(4 * sigma_px + 0.5)
    places = torch.arange(-reach, reach + 1.0)
    kernel = torch.softmax(-0.5 * (places / sigma_px) ** 2, dim=0)
    padded = torch.nn.functional.pad(large, (reach,) * 4, "reflect")
    along = torch.nn.functional.conv2d(padded, kernel.view(1, 1, 1, -1))
    return torch.nn.functional.conv2d(along, kernel.view(1, 1, -1, 1))[:, 0]
