"""How far a measured rate, AUROC or average precision could be off with the parts at hand.

Rates get the exact two-sided interval of Clopper and Pearson; rank measures a bootstrap over
physical parts, each class resampled to its own size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Scores = npt.NDArray[np.float64]
Levels = npt.NDArray[np.intp]
RESAMPLES = 2000
_CELLS_A_CHUNK = 1_000_000


@dataclass(frozen=True)
class Ranking:
    """How well a score puts defective parts above good ones.

    Attributes:
        auroc, average_precision: None where a class is missing.
        auroc_interval, average_precision_interval: (low, high); None where a class is missing.
    """

    auroc: float | None
    auroc_interval: tuple[float, float] | None
    average_precision: float | None
    average_precision_interval: tuple[float, float] | None


def rate_interval(count: int, of: int, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided Clopper-Pearson interval of a rate; (0, 1) where nothing was counted.

    Raises:
        ValueError: `count` is not among 0..`of`.
    """
    if not 0 <= count <= of:
        raise ValueError(f"found {count} of {of}, expected 0 <= count <= of")
    tail = (1 - confidence) / 2
    low = float(stats.beta.ppf(tail, count, of - count + 1)) if count else 0.0
    high = float(stats.beta.ppf(1 - tail, count + 1, of - count)) if count < of else 1.0
    return low, high


def rank_intervals(
    good: npt.ArrayLike,
    defective: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Ranking:
    """AUROC and average precision of one score a part, with percentile bootstrap intervals.

    Where the classes do not overlap, every resample is perfect and a bootstrap would claim
    certainty. Then one imaginary part a class, ranked worst, is added before resampling, and the
    interval keeps its upper end at the value seen.

    Raises:
        ValueError: A score is not finite.
    """
    good_n, defective_n = np.asarray(good, np.float64), np.asarray(defective, np.float64)
    if not (np.isfinite(good_n).all() and np.isfinite(defective_n).all()):
        raise ValueError("found scores that are not finite; leave those parts out and say so")
    if not (good_n.size and defective_n.size):
        return Ranking(None, None, None, None)
    values = _measures(*_whole(*_levels(good_n, defective_n)))[:, 0]
    if good_n.max() < defective_n.min():
        good_n, defective_n = (
            np.append(good_n, defective_n.max() + 1),
            np.append(defective_n, good_n.min() - 1),
        )
    levels = _levels(good_n, defective_n)
    drawn = [_measures(*counts) for counts in _resampled(*levels, resamples, seed)]
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(np.concatenate(drawn, axis=1), tails, axis=1)
    low, high = np.minimum(low, values), np.maximum(high, values)
    return Ranking(
        auroc=float(values[0]),
        auroc_interval=(float(low[0]), float(high[0])),
        average_precision=float(values[1]),
        average_precision_interval=(float(low[1]), float(high[1])),
    )


def mean_ranking(
    runs: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]],
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Ranking:
    """Mean AUROC and average precision of several scores of the same parts, such as seeds.

    Percentile bootstrap over parts and runs: a resample draws parts once for all runs, and then
    runs.

    Args:
        runs: (good, defective) scores of each run; all over the same parts in the same order.

    Raises:
        ValueError: A score is not finite, or runs have different parts.
    """
    both = [(np.asarray(g, np.float64), np.asarray(d, np.float64)) for g, d in runs]
    if len({(good.size, defective.size) for good, defective in both}) != 1:
        raise ValueError("expected at least one run, and all of them over the same parts")
    if not all(np.isfinite(scores).all() for run in both for scores in run):
        raise ValueError("found scores that are not finite; leave those parts out and say so")
    if not (both[0][0].size and both[0][1].size):
        return Ranking(None, None, None, None)
    of_runs = [_levels(good, defective) for good, defective in both]
    values = np.mean([_measures(*_whole(*levels))[:, 0] for levels in of_runs], axis=0)
    drawn = _means_of_drawn_runs(of_runs, resamples, seed)
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    low, high = np.minimum(low, values), np.maximum(high, values)
    return Ranking(
        auroc=float(values[0]),
        auroc_interval=(float(low[0]), float(high[0])),
        average_precision=float(values[1]),
        average_precision_interval=(float(low[1]), float(high[1])),
    )


def _means_of_drawn_runs(
    of_runs: Sequence[tuple[Levels, Levels, int]], resamples: int, seed: int
) -> Scores:
    """AUROC and average precision, (resamples, 2), over drawn runs on the same drawn parts."""
    random = np.random.default_rng(seed)
    goods, defectives = of_runs[0][0].size, of_runs[0][1].size
    drawn = np.empty((resamples, 2))
    for resample in range(resamples):
        good_r = random.integers(goods, size=goods)
        defective_r = random.integers(defectives, size=defectives)
        picked = random.integers(len(of_runs), size=len(of_runs))
        of_picked = [
            _measures(*_whole(good[good_r], defective[defective_r], levels))[:, 0]
            for good, defective, levels in (of_runs[run] for run in picked)
        ]
        drawn[resample] = np.mean(of_picked, axis=0)
    return drawn


def _levels(good: Scores, defective: Scores) -> tuple[Levels, Levels, int]:
    """The rank of each part's score among the L distinct scores, highest first."""
    distinct, level = np.unique(-np.concatenate([good, defective]), return_inverse=True)
    return level[: good.size], level[good.size :], distinct.size


def _whole(good: Levels, defective: Levels, levels: int) -> tuple[Levels, Levels]:
    return (
        np.bincount(good, minlength=levels)[None],
        np.bincount(defective, minlength=levels)[None],
    )


def _resampled(
    good: Levels, defective: Levels, levels: int, resamples: int, seed: int
) -> Iterator[tuple[Levels, Levels]]:
    """Counts a level, (R, L) a class, for a few resamples R at a time."""
    random = np.random.default_rng(seed)
    at_once = max(1, _CELLS_A_CHUNK // max(levels, good.size, defective.size))
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        yield _draw(good, levels, rows, random), _draw(defective, levels, rows, random)


def _draw(level: Levels, levels: int, rows: int, random: np.random.Generator) -> Levels:
    drawn = level[random.integers(level.size, size=(rows, level.size))]
    drawn += levels * np.arange(rows)[:, None]
    return np.bincount(drawn.reshape(-1), minlength=rows * levels).reshape(rows, levels)


def _measures(good_rl: Levels, defective_rl: Levels) -> Scores:
    """AUROC and average precision, (2, R), from counts a level with the highest level first."""
    goods, defectives = good_rl.sum(axis=1), defective_rl.sum(axis=1)
    good_above, defective_above = good_rl.cumsum(axis=1), defective_rl.cumsum(axis=1)
    good_below = goods[:, None] - good_above + good_rl / 2
    precision = defective_above / np.maximum(good_above + defective_above, 1)
    return np.stack(
        [
            (defective_rl * good_below).sum(axis=1) / (goods * defectives),
            (defective_rl * precision).sum(axis=1) / defectives,
        ]
    )
