"""Remove the patches that speak most for a defect and see whether the score falls: do they matter?

A patch is removed by putting the typical good image's pixels into its place; then the whole network
runs again. Evidence is worth its name if z falls further that way than when as many other patches
are removed (DESIGN.md, section 6).
Letters: M images, N patches, G patches a side, S side in pixels, P physical parts, R counts.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from span_train.evaluate.metrics import Groups
from span_train.evaluate.part_means import mean_interval, paired_gain, part_mean

Squares = npt.NDArray[np.uint8]
Scores = npt.NDArray[np.float64]
Order = npt.NDArray[np.intp]
REMOVED_PATCHES = (1, 2, 5, 10, 20)


def removal_drops(
    score: Callable[[Squares], Scores],
    squares: Squares,
    typical: Squares,
    order_mn: Order,
    counts: Sequence[int] = REMOVED_PATCHES,
) -> Scores:
    """(M, R) how far z falls when the first patches of an order are removed.

    Args:
        score: z of (M, S, S, 3) images.
        squares: (M, S, S, 3) the images as the network takes them.
        typical: (S, S, 3) what is put in a removed patch's place.
        order_mn: (M, N) patch numbers of each image, the first to be removed first.
        counts: How many patches are removed.
    """
    whole = score(squares)
    grid = round(order_mn.shape[1] ** 0.5)
    left = [score(without(squares, typical, order_mn[:, :count], grid)) for count in counts]
    return np.stack([whole - z for z in left], axis=1)


def without(squares: Squares, typical: Squares, places_mr: Order, grid: int) -> Squares:
    """The images with some patches each replaced by those of the typical one.

    Args:
        places_mr: (M, r) numbers of the patches, row by row of the G x G grid.
    """
    removed_mn = np.zeros((len(squares), grid**2), bool)
    removed_mn[np.arange(len(squares))[:, None], places_mr] = True
    patch_px = squares.shape[1] // grid
    removed_mss = removed_mn.reshape(-1, grid, grid)
    removed_mss = removed_mss.repeat(patch_px, axis=1).repeat(patch_px, axis=2)
    return np.where(removed_mss[..., None], typical, squares)


def random_orders(shape_mn: tuple[int, ...], draws: int, seed: int = 0) -> list[Order]:
    """(M, N) patches in random order, drawn anew for each image and each draw."""
    random = np.random.default_rng(seed)
    return [np.argsort(random.random(shape_mn), axis=1) for _ in range(draws)]


def deletion_result(
    evidence_mr: Scores,
    others: Mapping[str, Scores],
    groups: Groups,
    counts: Sequence[int] = REMOVED_PATCHES,
) -> dict[str, Any]:
    """How far z falls in each order, and how much further by evidence, with intervals: JSON values.

    Intervals are 95 % bootstrap over physical parts. The mean over counts weighs each the same.
    `holds` is true where the interval of every gain excludes 0.

    Args:
        evidence_mr: (M, R) drops when patches go by evidence.
        others: The same for other orders, by name.
        groups: The physical part of each image; None where each is its own.
    """
    evidence_pr = _by_part(evidence_mr, groups)
    others_pr = {name: _by_part(drops_mr, groups) for name, drops_mr in others.items()}
    gains = {name: paired_gain(evidence_pr, other) for name, other in others_pr.items()}
    return {
        "images": len(evidence_mr),
        "parts": len(evidence_pr),
        "patches_removed": list(counts),
        "drop": {
            name: {
                "mean": _mean(drops_pr),
                "by_count": [_mean(drops_pr[:, [place]]) for place in range(len(counts))],
            }
            for name, drops_pr in {"evidence": evidence_pr, **others_pr}.items()
        },
        "gain_over": gains,
        "holds": bool(gains) and all(_above_zero(gain) for gain in gains.values()),
    }


def _by_part(drops_mr: Scores, groups: Groups) -> Scores:
    """The mean over each physical part's images."""
    names = [None] * len(drops_mr) if groups is None else list(groups)
    keys = [(0, place) if name is None else (1, name) for place, name in enumerate(names)]
    rows: dict[object, list[Scores]] = {}
    for key, row in zip(keys, drops_mr, strict=True):
        rows.setdefault(key, []).append(row)
    return np.array([np.mean(of_part, axis=0) for of_part in rows.values()])


def _mean(drops_pr: Scores) -> dict[str, Any]:
    return {"value": part_mean(drops_pr), "interval": mean_interval(drops_pr), "confidence": 0.95}


def _above_zero(gain: Mapping[str, Any]) -> bool:
    return gain["interval"] is not None and gain["interval"][0] > 0
