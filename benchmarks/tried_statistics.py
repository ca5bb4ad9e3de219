"""Ways to take place statistics: the project's own, and those that lost (docs/decisions 0002).

Letters: M images, N patches, C features, D projected features.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from span_train.contract.settings import LineSettings
from span_train.finetune.place_statistics import fit_deviation
from span_train.models.place_deviation import PlaceDeviation

USED = "5 % of the images left out"
_BATCH = 64
Fit = Callable[[Tensor, LineSettings], PlaceDeviation]


def leaving_out_images(share: float) -> Fit:
    """The project's own statistics, without the most deviating images."""
    return lambda patches_mnc, settings: fit_deviation(
        lambda: patches_mnc.split(_BATCH),
        settings.train.projected,
        share,
        settings.train.covariance_shrinkage,
    )[0]


def rejected(place_trim: float = 0.0, neighbours: bool = False) -> Fit:
    """Statistics that lost: places trimmed one by one, covariances shared with the neighbours."""

    def fit(patches_mnc: Tensor, settings: LineSettings) -> PlaceDeviation:
        deviation = leaving_out_images(0.0)(patches_mnc, settings)
        projected_mnd = patches_mnc @ deviation.projection
        kept_mn = torch.ones(projected_mnd.shape[:2], dtype=torch.bool)
        for _ in range(2 if place_trim else 1):
            mean_nd, covariance_ndd = _moments(projected_mnd, kept_mn)
            if neighbours:
                covariance_ndd = _over_neighbours(covariance_ndd)
            deviation.mean.copy_(mean_nd)
            shrinkage = settings.train.covariance_shrinkage
            deviation.whitening.copy_(_whitening(covariance_ndd, shrinkage))
            length_mn = deviation(patches_mnc).delta_bnd.square().sum(-1)
            kept_mn = length_mn <= torch.quantile(length_mn, 1 - place_trim, dim=0)
        return deviation

    return fit


STATISTICS: dict[str, Fit] = {
    "nothing left out": leaving_out_images(0.0),
    "10 % of each place left out": rejected(place_trim=0.1),
    "20 % of each place left out": rejected(place_trim=0.2),
    USED: leaving_out_images(0.05),
    "10 % of the images left out": leaving_out_images(0.1),
    "20 % of the images left out": leaving_out_images(0.2),
    "30 % of the images left out": leaving_out_images(0.3),
    "3 x 3 neighbours": rejected(neighbours=True),
    "3 x 3 neighbours, 20 % of each place": rejected(place_trim=0.2, neighbours=True),
}


def _moments(projected_mnd: Tensor, kept_mn: Tensor) -> tuple[Tensor, Tensor]:
    kept_mn1 = kept_mn[:, :, None].to(projected_mnd)
    count_n1 = kept_mn1.sum(0)
    mean_nd = (projected_mnd * kept_mn1).sum(0) / count_n1
    centred_mnd = (projected_mnd - mean_nd) * kept_mn1
    covariance_ndd = torch.einsum("mnd,mne->nde", centred_mnd, centred_mnd)
    return mean_nd, covariance_ndd / count_n1[:, :, None]


def _over_neighbours(covariance_ndd: Tensor) -> Tensor:
    grid = round(len(covariance_ndd) ** 0.5)
    maps = covariance_ndd.flatten(1).T.unflatten(1, (grid, grid))
    averaged = torch.nn.functional.avg_pool2d(maps[None], 3, 1, 1, count_include_pad=False)[0]
    return averaged.flatten(1).T.view_as(covariance_ndd)


def _whitening(covariance_ndd: Tensor, shrinkage: float) -> Tensor:
    mixed = (1 - shrinkage) * covariance_ndd + shrinkage * covariance_ndd.mean(0)
    values, vectors = np.linalg.eigh(mixed.double().numpy())
    scaled = vectors / np.sqrt(np.maximum(values, 1e-6 * values[:, -1:] + 1e-12))[:, None, :]
    return torch.from_numpy((scaled @ vectors.transpose(0, 2, 1)).astype(np.float32))
