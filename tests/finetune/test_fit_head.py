"""Images that statistics were learnt from count as if they were new."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from span_train.contract.settings import LineSettings
from span_train.data.splits import gather_images
from span_train.finetune.fit_head import fit_head, tied
from span_train.finetune.looked import Looked
from span_train.finetune.place_statistics import fit_deviation
from span_train.models.defect_head import DefectHead
from span_train.pretrained import load_pretrained

IMAGES, PATCHES, FEATURES = 24, 4, 6


class Seen(Looked):
    """What a backbone might have seen, without one."""

    def __init__(self, names: list[str], patches_mnc: Tensor) -> None:
        self.paths = tuple(Path(name) for name in names)
        attention_mhn = torch.full((len(names), 2, PATCHES), 1 / PATCHES)
        self._kept = [(patches_mnc, attention_mhn)]


def some_patches(images: int = IMAGES, seed: int = 0) -> Tensor:
    return torch.randn(images, PATCHES, FEATURES, generator=torch.Generator().manual_seed(seed))


def names_of(count: int) -> list[str]:
    return [f"{number}.png" for number in range(count)]


def test_images_learnt_from_score_higher_and_others_as_they_are() -> None:
    patches_mnc = some_patches()
    usual = Seen(names_of(IMAGES), patches_mnc)
    deviation, kept = fit_deviation(lambda: [patches_mnc[:-1]], FEATURES, trim=0.0, shrinkage=0.02)
    part_kn = torch.tensor([[True, True, False, False], [False, False, True, True]])
    head = DefectHead(deviation, part_kn, ("left", "right"), heads=2, outputs=1, top_k=2)
    some = Seen(["3.png", "new.png", f"{IMAGES - 1}.png"], patches_mnc[[3, 7, -1]])
    learnt_m = some.learnt_in(usual, np.append(kept, False))
    assert learnt_m.tolist() == [3, -1, -1]
    found_mj, as_seen_mj = tied(some.pooled(head, learnt_m), head), tied(some.pooled(head), head)
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


def test_a_typical_good_part_is_a_new_one(
    tiny_line: Callable[..., LineSettings], pretrained_run: Path, tmp_path: Path
) -> None:
    """From few images those learnt from lie far below new ones; evidence is relative to the new."""
    settings = tiny_line()
    pretrained = load_pretrained(pretrained_run)
    channels = pretrained.backbone.width * len(settings.train.blocks)
    patches = pretrained.backbone.grid**2
    mix = torch.randn(settings.train.projected, channels, generator=torch.Generator())
    images = gather_images(settings)

    def seen(count: int, seed: int) -> Looked:
        generator = torch.Generator().manual_seed(seed)
        plain = torch.randn(count, patches, len(mix), generator=generator)
        looked = Seen(names_of(count), plain @ mix)
        attention = torch.full((count, pretrained.backbone.heads, patches), 1 / patches)
        looked._kept = [(looked._kept[0][0], attention)]
        return looked

    line = settings.model_copy(update={"train": settings.train.model_copy(update={"trim": 0.0})})
    head, _, _ = fit_head(line, pretrained, replace(images, train=()), seen(24, 0), tmp_path)
    new, usual = seen(200, 1), seen(24, 0)
    nobody = torch.full((200,), -1)
    (of_new,), (as_seen,) = new.outputs(head, nobody), usual.outputs(head, nobody[:24])
    z_new = float((of_new.logits - of_new.bias).mean())
    z_seen = float((as_seen.logits - as_seen.bias).mean())
    assert abs(z_new) < 0.25 * abs(z_seen)
    torch.testing.assert_close(of_new.evidence.sum(-1) + of_new.bias, of_new.logits)


def test_evidence_is_relative_to_the_good_training_images_as_if_they_were_new(
    tiny_line: Callable[..., LineSettings], pretrained_run: Path, tmp_path: Path
) -> None:
    settings, pretrained = tiny_line(), load_pretrained(pretrained_run)
    images = gather_images(settings)

    def looked(paths: Sequence[Path]) -> Looked:
        return Looked(pretrained.backbone, settings, paths, tmp_path)

    usual = looked(images.unlabelled)
    head, _, kept = fit_head(settings, pretrained, images, usual, tmp_path)
    good = looked([one.path for one in images.train if one.label == "good"])
    (as_new,) = good.outputs(head, good.learnt_in(usual, kept))
    assert as_new.evidence.mean(0).abs().max() < 1e-4
    assert as_new.contributions.mean(0).abs().max() < 1e-4
    assert as_new.evidence.abs().max() > 1e-2
