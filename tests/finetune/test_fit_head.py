"""Labelled images that statistics were learnt from count as if they were new."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from span_train.contract.settings import settings_from_dict
from span_train.finetune.fit_head import as_if_new, tied
from span_train.finetune.looked import Looked
from span_train.finetune.place_statistics import fit_deviation
from span_train.models.defect_head import DefectHead
from span_train.models.place_deviation import PlaceDeviation

IMAGES, PATCHES, FEATURES = 24, 4, 6


class Seen(Looked):
    """What a backbone might have seen, without one."""

    def __init__(self, names: list[str], patches_mnc: Tensor) -> None:
        self.paths = tuple(Path(name) for name in names)
        attention_mhn = torch.full((len(names), 2, PATCHES), 1 / PATCHES)
        self._kept = [(patches_mnc, attention_mhn)]


def head_of(patches_mnc: Tensor) -> tuple[DefectHead, PlaceDeviation]:
    deviation, _ = fit_deviation(lambda: [patches_mnc], FEATURES, trim=0.0, shrinkage=0.02)
    part_kn = torch.tensor([[True, True, False, False], [False, False, True, True]])
    head = DefectHead(deviation, part_kn, ("left", "right"), heads=2, outputs=1, top_k=2)
    return head, deviation


def test_images_learnt_from_score_higher_and_others_as_they_are() -> None:
    patches_mnc = torch.randn(IMAGES, PATCHES, FEATURES, generator=torch.Generator().manual_seed(0))
    names = [f"{number}.png" for number in range(IMAGES)]
    usual = Seen(names, patches_mnc)
    kept = np.ones(IMAGES, bool)
    kept[-1] = False
    head, deviation = head_of(patches_mnc[:-1])
    settings = settings_from_dict({"name": "part", "images": ["."]}, Path.cwd(), "test")
    some = Seen([names[3], "new.png", names[-1]], patches_mnc[[3, 7, -1]])
    found_mj = as_if_new(some, usual, kept, head, settings)
    as_seen_mj = tied(some.pooled(head), head)
    np.testing.assert_array_equal(found_mj[1:], as_seen_mj[1:])
    without = torch.arange(IMAGES - 1) != 3
    learnt = (patches_mnc[:-1][without] @ deviation.projection).double()
    away_nd = (patches_mnc[3] @ deviation.projection).double() - learnt.mean(0)
    covariances = [torch.cov(learnt[:, n].T, correction=0) for n in range(PATCHES)]
    mean_dd = torch.stack(covariances).mean(0)
    square_n = torch.stack(
        [
            away_nd[n] @ torch.linalg.solve(0.98 * covariances[n] + 0.02 * mean_dd, away_nd[n])
            for n in range(PATCHES)
        ]
    )
    score_n = (torch.log1p(square_n / FEATURES) - deviation.usual) / deviation.spread
    expected = float(score_n.topk(2).values.mean())
    assert as_seen_mj[0, 0] < expected - 0.5
    assert abs(found_mj[0, 0] - expected) < 0.25 * (expected - as_seen_mj[0, 0])
