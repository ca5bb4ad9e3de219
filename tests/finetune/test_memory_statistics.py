"""A memory of usual patches: of any place, without the defects that some images hold."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from span_train.contract.errors import InputError
from span_train.contract.settings import LineSettings
from span_train.data.cache import image_cache
from span_train.data.splits import gather_images
from span_train.finetune.memory_statistics import Batches, fit_memory
from span_train.finetune.run import load_trained, train
from span_train.finetune.scored import score_images
from span_train.models.memory_deviation import MemoryDeviation
from span_train.models.patch_score import patch_score

PATCHES, FEATURES = 9, 6


def turned_images(count: int, seed: int = 0) -> Tensor:
    """Each image shows the same nine patches, begun at another place, with a little noise."""
    generator = torch.Generator().manual_seed(seed)
    usual_nc = torch.randn(PATCHES, FEATURES, generator=torch.Generator().manual_seed(99)) * 3
    shifts = torch.randint(PATCHES, (count,), generator=generator)
    images = torch.stack([usual_nc.roll(int(shift), 0) for shift in shifts])
    return images + 0.2 * torch.randn(images.shape, generator=generator)


def in_batches(patches_mnc: Tensor) -> Batches:
    def give() -> Iterable[Tensor]:
        return patches_mnc.split(16)

    return give


def test_a_defect_stands_out_wherever_it_lies() -> None:
    deviation, _ = fit_memory(in_batches(turned_images(80)), FEATURES, 0.2, 64, seed=0)
    fresh = turned_images(9, seed=5)
    for image in range(9):
        fresh[image, image] += 4.0
    score_bn = deviation(fresh).score_bn
    assert score_bn.argmax(1).tolist() == list(range(9))
    usual = deviation(turned_images(40, seed=6)).score_bn
    assert score_bn.amax(1).min() > usual.max()


def test_defects_of_a_tenth_of_the_images_are_not_learnt_by_heart() -> None:
    patches, generator = turned_images(80), torch.Generator().manual_seed(1)
    defects = 8.0 * torch.randn(8, FEATURES, generator=generator)
    patches[:8, 4] = defects  # each its own
    deviation, kept = fit_memory(in_batches(patches), FEATURES, 0.2, 64, seed=0)
    assert not kept[:8].any()
    assert kept.sum() == 64
    fresh = turned_images(8, seed=7)
    fresh[:, 2] = defects
    assert (deviation(fresh).score_bn.argmax(1) == 2).all()


def test_labels_are_heard_before_deviations() -> None:
    told_m = np.zeros(80, np.int8)
    told_m[:20], told_m[20:24] = 1, -1
    _, kept = fit_memory(in_batches(turned_images(80)), FEATURES, 0.2, 64, seed=0, told=told_m)
    assert kept[:20].all()
    assert not kept[20:24].any()
    assert kept[24:].sum() == round(0.8 * 56)


def test_usual_patches_of_new_images_deviate_by_about_one() -> None:
    deviation, _ = fit_memory(in_batches(turned_images(120)), FEATURES, 0.0, 64, seed=0)
    fresh = deviation(turned_images(40, seed=3)).delta_bnd
    assert 0.8 < float(fresh.square().mean()) < 1.25


def test_patches_of_which_no_two_are_alike_hide_no_defect_elsewhere() -> None:
    """One of the nine usual patches varies much, as the border of a turned part does."""

    def varied(seed: int, count: int = 120) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        patches = turned_images(count, seed)
        patches[:, 4] += 2.5 * torch.randn(count, FEATURES, generator=generator)
        patches[:, 4, 0] += 30  # a kind of its own
        return patches

    deviation, _ = fit_memory(in_batches(varied(0)), FEATURES, 0.0, 100, seed=0)
    good, defective = varied(1), varied(2)
    defective[:, 7] += 1.5
    found = [deviation(patches) for patches in (good, defective)]
    truth = np.repeat([0, 1], 120)
    by_length, by_score = (
        roc_auc_score(truth, torch.cat(rows).amax(1))
        for rows in zip(*((patch_score(one.delta_bnd), one.score_bn) for one in found), strict=True)
    )
    assert by_score > 0.9
    assert by_score > by_length + 0.1


def test_deviations_are_whitened() -> None:
    stretch = torch.tensor([0.1, 0.3, 1.0, 3.0, 1.0, 1.0])
    learnt, new = (turned_images(120, seed) * stretch for seed in (0, 3))
    deviation, _ = fit_memory(in_batches(learnt), FEATURES, 0.0, 64, seed=0)
    spread = np.linalg.eigvalsh(torch.cov(deviation(new).delta_bnd.flatten(0, 1).T).numpy())
    assert spread[-1] < 8 * spread[0]


def test_an_image_learnt_from_deviates_as_a_new_one_does() -> None:
    learnt = turned_images(12)
    deviation, _ = fit_memory(in_batches(learnt), FEATURES, 0.0, 100, seed=0)
    new = deviation(turned_images(40, seed=3)).delta_bnd.square().mean()
    as_seen = deviation(learnt).delta_bnd
    as_new = deviation(learnt, torch.arange(12)).delta_bnd
    assert as_seen.square().mean() < 0.2 * new
    assert 0.8 * new < as_new.square().mean() < 1.25 * new
    mixed = deviation(learnt, torch.tensor([0, 1, 2, *[-1] * 9])).delta_bnd
    assert torch.equal(mixed[:3], as_new[:3])
    assert torch.equal(mixed[3:], as_seen[3:])
    again = MemoryDeviation(FEATURES, FEATURES, len(deviation.memory))
    again.load_state_dict(deviation.state_dict())
    with pytest.raises(ValueError, match="does not know where it comes from"):
        again(learnt, torch.arange(12))


def test_scores_of_images_learnt_from_are_about_those_of_new_ones() -> None:
    """Not quite: entries are chosen where images differ most, and theirs are missing for them."""
    as_new, as_seen = [], []
    for seed in range(4):
        generator = torch.Generator().manual_seed(seed)
        learnt, new = (torch.randn(n, PATCHES, FEATURES, generator=generator) for n in (60, 300))
        deviation, _ = fit_memory(in_batches(learnt), FEATURES, 0.0, 100, seed)
        outlier = deviation(new).score_bn.amax(1)
        for found, numbers in ((as_new, torch.arange(60)), (as_seen, None)):
            gap = outlier.mean() - deviation(learnt, numbers).score_bn.amax(1).mean()
            found.append(float(gap / outlier.std()))
    assert np.mean(as_seen) > 0.5
    assert abs(np.mean(as_new)) < 0.6 * np.mean(as_seen)


def test_the_same_seed_gives_the_same_memory() -> None:
    batches = in_batches(turned_images(40))
    one, _ = fit_memory(batches, 4, 0.2, 32, seed=1)
    again, _ = fit_memory(batches, 4, 0.2, 32, seed=1)
    assert torch.equal(one.memory, again.memory)
    assert one.memory.shape == (32, 4)


def test_too_few_images_are_refused() -> None:
    with pytest.raises(InputError, match="7 images to learn from that are not"):
        fit_memory(in_batches(turned_images(7)), FEATURES, 0.2, 16, seed=0)


def test_a_line_without_a_pose_trains_loads_and_says_so(
    tiny_line: Callable[..., LineSettings], pretrained_run: Path, tmp_path: Path
) -> None:
    line = tiny_line("train.statistics=memory", "train.memory_entries=100")
    summary = train(line, pretrained_run, tmp_path / "run")
    assert summary["statistics"]["usual"] == "memory"
    assert any("names of parts mean places in the image" in remark for remark in summary["remarks"])
    trained = load_trained(tmp_path / "run")
    tested = [image.path for image in gather_images(line).test]
    scored = score_images(trained.model, image_cache(tested, line.input, tmp_path / "cache"))
    assert trained.model.head.deviation.memory.shape == (100, 8)
    assert scored.sums_as_json()["holds"]
    assert scored.z.std() > 0
