"""Learn what usual patches look like at any place, from images that nobody has labelled.

For parts that do not lie in one pose (DESIGN.md, section 6). A share of the images may be
defective: the most deviating ones are left out, and so are patches that no other image has the like
of; a memory would else learn defects by heart.
Letters: M images, N patches, C features of a patch, D projected features, E entries, K candidates.
"""

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from span_train.finetune.place_statistics import Told, least_deviating, told_of, whitening_of
from span_train.models.memory_deviation import MemoryDeviation

Batches = Callable[[], Iterable[Tensor]]
_CANDIDATES = 16_000
_ISOLATED = 0.05
_POOLED = 5
_PRIOR_PATCHES = 10.0  # of the mean over all entries, in the scores of each
_SMALLEST_SPREAD = 1e-3
_SHRINKAGE = 0.02
_ROWS = 4096


def fit_memory(
    batches: Batches,
    projected: int,
    trim: float,
    entries: int,
    seed: int,
    told: Told | None = None,
) -> tuple[MemoryDeviation, npt.NDArray[np.bool_]]:
    """Fit projection and memory; also tell which images were kept.

    Entries are chosen so that the farthest candidate is as near as possible (greedy k-centre).
    Deviations are whitened, and their scores' mean and standard deviation taken for each entry,
    over patches of images that were kept, each held against the entries of other images.

    Args:
        batches: Gives the images' patch features anew at each call, in tensors (m, N, C).
        projected: D, at most C; the directions of largest variance are kept.
        trim: Share of the images left out as the most deviating, among those nothing is told of.
        entries: E, at most the number of candidates.
        seed: Of the candidates.
        told: (M,) what labels tell of the images.

    Raises:
        InputError: Fewer than eight images may be usual.
    """
    projection_cd = _directions(batches, projected)
    placed_mnd = torch.cat([patches_mnc @ projection_cd for patches_mnc in batches()])
    told_m = told_of(len(placed_mnd), told)
    random = np.random.default_rng(seed)
    kept = told_m >= 0
    if trim > 0:
        own_k, candidate_kd = _candidates(placed_mnd, kept, random)
        outlier_m = _outliers(placed_mnd, own_k, candidate_kd)
        kept = least_deviating(outlier_m, trim, told_m)
    own_k, candidate_kd = _without_isolated(*_candidates(placed_mnd, kept, random))
    chosen_e = _spread_out(candidate_kd, entries)
    features, directions = projection_cd.shape
    deviation = MemoryDeviation(features, directions, len(chosen_e))
    deviation.projection.copy_(projection_cd)
    deviation.memory.copy_(candidate_kd[chosen_e])
    deviation.source_e = own_k[chosen_e]
    _learn(deviation, placed_mnd[kept], torch.nonzero(kept).flatten())
    return deviation, kept.numpy()


def _learn(deviation: MemoryDeviation, placed_mnd: Tensor, own_m: Tensor) -> None:
    """Whiten deviations, then find how usual patches score that are nearest to each entry."""
    assert deviation.source_e is not None
    own_r = own_m.repeat_interleave(placed_mnd.shape[1])
    row_rd, entry_ed = placed_mnd.flatten(0, 1), deviation.memory
    _, nearest_r = _to_others(own_r, row_rd, deviation.source_e, entry_ed)
    turn_dd = _whitening(row_rd - entry_ed[nearest_r])
    row_rd, entry_ed = row_rd @ turn_dd, entry_ed @ turn_dd
    near_r, nearest_r = _to_others(own_r, row_rd, deviation.source_e, entry_ed)
    scale = (deviation.projected / near_r.mean().clamp(min=1e-12)).sqrt()
    deviation.projection.copy_(deviation.projection @ turn_dd * scale)
    deviation.memory.copy_(entry_ed * scale)
    score_r = torch.log1p(near_r * scale.square() / deviation.projected)
    ones_e = torch.zeros(len(entry_ed))
    count_e = ones_e.index_add(0, nearest_r, torch.ones_like(score_r)) + _PRIOR_PATCHES
    total_e = ones_e.index_add(0, nearest_r, score_r) + _PRIOR_PATCHES * score_r.mean()
    deviation.usual.copy_(total_e / count_e)
    square_r = (score_r - deviation.usual[nearest_r]).square()
    around_e = ones_e.index_add(0, nearest_r, square_r) + _PRIOR_PATCHES * square_r.mean()
    deviation.spread.copy_((around_e / count_e).sqrt().clamp(min=_SMALLEST_SPREAD))


def _whitening(residual_rd: Tensor) -> Tensor:
    """(D, D) after which deviations from the nearest entry have unit covariance, or nearly so."""
    covariance_dd = residual_rd.T.double() @ residual_rd.double() / len(residual_rd)
    level_dd = torch.eye(len(covariance_dd)) * covariance_dd.diagonal().mean()
    return whitening_of(((1 - _SHRINKAGE) * covariance_dd + _SHRINKAGE * level_dd)[None])[0]


def _directions(batches: Batches, projected: int) -> Tensor:
    """(C, D) the strongest principal directions over all patches, turned but not stretched."""
    count, total, square = 0, torch.zeros(1), torch.zeros(1)
    for patches_mnc in batches():
        flat = patches_mnc.double().flatten(0, 1)
        total, square = total + flat.sum(0), square + flat.T @ flat
        count += len(flat)
    mean_c = total / max(count, 1)
    covariance = square / max(count, 1) - mean_c[:, None] * mean_c
    _, vectors = np.linalg.eigh(covariance.numpy())
    return torch.from_numpy(vectors[:, -min(projected, len(vectors)) :].astype(np.float32))


def _candidates(
    placed_mnd: Tensor, kept: Tensor, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """(K,) the image, and (K, D) the features, of patches drawn from the kept images."""
    patches = placed_mnd.shape[1]
    places = torch.nonzero(kept).flatten()
    count = min(_CANDIDATES, len(places) * patches)
    drawn = torch.from_numpy(random.permutation(len(places) * patches)[:count])
    own_k = places[drawn // patches]
    return own_k, placed_mnd[own_k, drawn % patches]


def _outliers(placed_mnd: Tensor, own_k: Tensor, candidate_kd: Tensor) -> Tensor:
    """(M,) mean of the largest scores of each image, against candidates of other images."""
    outliers = []
    for image, placed_nd in enumerate(placed_mnd):
        near_n = _to_nearest(placed_nd, candidate_kd[own_k != image])
        outliers.append(torch.log1p(near_n).topk(min(_POOLED, len(near_n)))[0].mean())
    return torch.stack(outliers)


def _without_isolated(own_k: Tensor, candidate_kd: Tensor) -> tuple[Tensor, Tensor]:
    near_k, _ = _to_others(own_k, candidate_kd, own_k, candidate_kd)
    usual = near_k <= torch.quantile(near_k, 1 - _ISOLATED)
    return own_k[usual], candidate_kd[usual]


def _spread_out(candidate_kd: Tensor, entries: int) -> Tensor:
    """Places of up to E candidates, each the farthest from those before (Gonzalez, 1985)."""
    chosen = [int(_squares(candidate_kd - candidate_kd.mean(0)).argmin())]
    away_k = _squares(candidate_kd - candidate_kd[chosen[0]])
    while len(chosen) < min(entries, len(candidate_kd)):
        chosen.append(int(away_k.argmax()))
        away_k = torch.minimum(away_k, _squares(candidate_kd - candidate_kd[chosen[-1]]))
    return torch.tensor(chosen)


def _to_others(
    own_r: Tensor, row_rd: Tensor, own_e: Tensor, entry_ed: Tensor
) -> tuple[Tensor, Tensor]:
    """(R,) squared distance of each row to the nearest entry of another image; and which it is."""
    near, nearest = [], []
    for own, rows in zip(own_r.split(_ROWS), row_rd.split(_ROWS), strict=True):
        away = torch.cdist(rows, entry_ed).square()
        found = away.masked_fill(own[:, None] == own_e, torch.inf).min(1)
        near.append(found.values)
        nearest.append(found.indices)
    return torch.cat(near), torch.cat(nearest)


def _to_nearest(row_rd: Tensor, entry_ed: Tensor) -> Tensor:
    return torch.cdist(row_rd, entry_ed).square().amin(1)


def _squares(difference_kd: Tensor) -> Tensor:
    return difference_kd.square().sum(-1)
