"""Learn what is usual at each place of the layout from images of which few have labels.

A share of them may be defective: the most deviating images are left out and the statistics taken
again (DESIGN.md, section 6). Of images that have labels those are heard instead.
Letters: M images, N patches, C features of a patch, D projected features.
"""

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from span_train.contract.errors import InputError
from span_train.models.patch_score import patch_score
from span_train.models.place_deviation import PlaceDeviation

Batches = Callable[[], Iterable[Tensor]]
Told = npt.NDArray[np.int8]  # (M,) 1: labelled good, -1: labelled defective, 0: nothing is told
FEWEST_IMAGES = 8
_POOLED = 5
_SMALLEST_SPREAD = 0.5  # of that of normally distributed features


def fit_deviation(
    batches: Batches, projected: int, trim: float, shrinkage: float, told: Told | None = None
) -> tuple[PlaceDeviation, npt.NDArray[np.bool_]]:
    """Fit projection and place statistics; also tell which images were kept.

    The scores' mean and standard deviation at a place are over the kept images: a place that is now
    and then quite another, such as a border, would else stand out in good images.

    Args:
        batches: Gives the images' patch features anew at each call, in tensors (m, N, C).
        projected: D, at most C; the directions of largest variance within places are kept.
        trim: Share of the images left out as the most deviating, among those nothing is told of.
        shrinkage: Share of the covariance over all places in that of each place.
        told: (M,) what labels tell of the images.

    Raises:
        InputError: Fewer than eight images may be usual.
    """
    projection_cd = _within_place_directions(batches, projected)
    projected_mnd = torch.cat([patches_mnc @ projection_cd for patches_mnc in batches()])
    images, patches, _ = projected_mnd.shape
    told_m = told_of(images, told)
    deviation = PlaceDeviation(len(projection_cd), projection_cd.shape[1], patches)
    deviation.projection.copy_(projection_cd)
    kept = told_m >= 0
    for trimming in (True, False):
        _learn(deviation, projected_mnd[kept], shrinkage)
        if trimming and trim > 0:
            kept = least_deviating(_outliers(projected_mnd, deviation), trim, told_m)
    deviation.learnt_from = (int(kept.sum()) - 1) / max(1 - shrinkage, 1e-9)
    return deviation, kept.numpy()


def told_of(images: int, told: Told | None) -> Tensor:
    """(M,) what labels tell, where there are any.

    Raises:
        InputError: Fewer than eight images may be usual.
    """
    told_m = torch.zeros(images, dtype=torch.int8) if told is None else torch.from_numpy(told)
    usable = int((told_m >= 0).sum())
    if usable < FEWEST_IMAGES:
        raise InputError(
            f"{usable} images to learn from that are not labelled defective; at least "
            f"{FEWEST_IMAGES} are needed to tell what is usual; add good or unlabelled images."
        )
    return told_m


def least_deviating(outlier_m: Tensor, trim: float, told_m: Tensor) -> Tensor:
    """(M,) which images count as usual: what labels tell, then the least deviating of the rest."""
    free_m = told_m == 0
    if not free_m.any():
        return told_m > 0
    usual_m = outlier_m <= torch.quantile(outlier_m[free_m], 1 - trim)
    return (told_m > 0) | (free_m & usual_m)


def _within_place_directions(batches: Batches, projected: int) -> Tensor:
    count, total_nc = 0, torch.zeros(1)
    for patches_mnc in batches():
        total_nc = total_nc + patches_mnc.double().sum(0)
        count += len(patches_mnc)
    mean_nc = total_nc / max(count, 1)
    features = mean_nc.shape[-1]
    covariance = torch.zeros(features, features, dtype=torch.float64)
    for patches_mnc in batches():
        residual = (patches_mnc.double() - mean_nc).flatten(0, 1)
        covariance += residual.T @ residual
    values, vectors = np.linalg.eigh(covariance.numpy() / max(count * len(mean_nc), 1))
    kept = min(projected, features)
    scale = 1 / np.sqrt(np.maximum(values[-kept:], values[-1] * 1e-10 + 1e-20))
    return torch.from_numpy((vectors[:, -kept:] * scale).astype(np.float32))


def _learn(deviation: PlaceDeviation, projected_mnd: Tensor, shrinkage: float) -> None:
    """Mean and whitening of each place from usual images, then how they score there."""
    mean_nd, whitening_ndd = _place_gaussians(projected_mnd, shrinkage)
    deviation.mean.copy_(mean_nd)
    deviation.whitening.copy_(whitening_ndd)
    score_mn = torch.cat([patch_score(deviation.whiten(some)) for some in projected_mnd.split(256)])
    of_normal = (2 / deviation.projected) ** 0.5 / 2  # spread of log(1 + chi squared / D), by slope
    deviation.usual.copy_(score_mn.mean(0))
    deviation.spread.copy_(score_mn.std(0).clamp(min=_SMALLEST_SPREAD * of_normal))


def _place_gaussians(projected_mnd: Tensor, shrinkage: float) -> tuple[Tensor, Tensor]:
    mean_nd = projected_mnd.mean(0)
    centred = (projected_mnd - mean_nd).double()
    covariance = torch.einsum("mnd,mne->nde", centred, centred) / len(centred)
    mixed = (1 - shrinkage) * covariance + shrinkage * covariance.mean(0)
    return mean_nd, whitening_of(mixed)


def whitening_of(covariance_ndd: Tensor) -> Tensor:
    """(N, D, D) symmetric matrices after which deviations of these covariances have unit ones."""
    values, vectors = np.linalg.eigh(covariance_ndd.numpy())
    lowest = 1e-6 * values[:, -1:] + 1e-12
    scaled = vectors / np.sqrt(np.maximum(values, lowest))[:, None, :]
    return torch.from_numpy((scaled @ vectors.transpose(0, 2, 1)).astype(np.float32))


def _outliers(projected_mnd: Tensor, deviation: PlaceDeviation) -> Tensor:
    """(M,) mean of the largest scores of each image."""
    outliers = []
    for some in projected_mnd.split(256):
        score_mn = deviation.score(deviation.whiten(some))
        outliers.append(score_mn.topk(min(_POOLED, score_mn.shape[1]), dim=1)[0].mean(1))
    return torch.cat(outliers)
