"""What is usual at each place: learnt from images of which some are not usual at all."""

from collections.abc import Iterable

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from span_train.contract.errors import InputError
from span_train.finetune.place_statistics import Batches, fit_deviation
from span_train.models.patch_score import patch_score
from span_train.models.place_deviation import PlaceDeviation

PATCHES, FEATURES = 9, 6


def usual_images(count: int, seed: int = 0) -> Tensor:
    """Every place has its own mean and its own covariance."""
    generator = torch.Generator().manual_seed(seed)
    mean_nc = torch.randn(PATCHES, FEATURES, generator=torch.Generator().manual_seed(50)) * 3
    mix_ncc = torch.randn(PATCHES, FEATURES, FEATURES, generator=torch.Generator().manual_seed(51))
    plain_mnc = torch.randn(count, PATCHES, FEATURES, generator=generator)
    return mean_nc + torch.einsum("mnc,ncd->mnd", plain_mnc, mix_ncc)


def in_batches(patches_mnc: Tensor, size: int = 32) -> Batches:
    def give() -> Iterable[Tensor]:
        return patches_mnc.split(size)

    return give


def test_deviations_have_mean_zero_and_unit_variance_on_their_own_images() -> None:
    patches_mnc = usual_images(200)
    deviation, kept = fit_deviation(in_batches(patches_mnc), FEATURES, trim=0.0, shrinkage=0.0)
    assert kept.all()
    delta_mnd = deviation(patches_mnc).delta_bnd.double()
    for n in range(PATCHES):
        mean_d = delta_mnd[:, n].mean(0)
        covariance_dd = torch.cov(delta_mnd[:, n].T, correction=0)
        torch.testing.assert_close(mean_d, torch.zeros_like(mean_d), atol=1e-4, rtol=0)
        unit_dd = torch.eye(FEATURES, dtype=torch.float64)
        torch.testing.assert_close(covariance_dd, unit_dd, atol=2e-3, rtol=0)


def test_fewer_directions_keep_those_in_which_places_vary_most() -> None:
    patches_mnc = usual_images(200)
    patches_mnc[:, :, 5] = 0.01 * patches_mnc[:, :, 5]
    deviation, _ = fit_deviation(in_batches(patches_mnc), 5, trim=0.0, shrinkage=0.0)
    assert deviation.projection.shape == (FEATURES, 5)
    weight_c = deviation.projection / deviation.projection.norm(dim=0)
    assert weight_c[5].abs().max() < 0.1


def test_a_flat_feature_does_no_harm() -> None:
    patches_mnc = usual_images(100)
    patches_mnc[:, :, 2] = 7.0
    deviation, _ = fit_deviation(in_batches(patches_mnc), FEATURES, trim=0.1, shrinkage=0.02)
    assert torch.isfinite(deviation(patches_mnc).score_bn).all()


def test_the_statistics_do_not_depend_on_the_batches() -> None:
    patches_mnc = usual_images(60)
    first, _ = fit_deviation(in_batches(patches_mnc, 7), 4, trim=0.2, shrinkage=0.02)
    second, _ = fit_deviation(in_batches(patches_mnc, 60), 4, trim=0.2, shrinkage=0.02)
    torch.testing.assert_close(
        tuple(first(patches_mnc)), tuple(second(patches_mnc)), atol=1e-3, rtol=1e-3
    )


def test_scores_of_new_usual_images_have_mean_zero_and_unit_spread_at_each_place() -> None:
    learnt_mnc, new_mnc = usual_images(300), usual_images(3000, seed=1)
    deviation, _ = fit_deviation(in_batches(learnt_mnc), FEATURES, trim=0.0, shrinkage=0.0)
    for patches_mnc, tolerance in ((learnt_mnc, 1e-4), (new_mnc, 0.2)):
        score_mn = deviation(patches_mnc).score_bn
        torch.testing.assert_close(score_mn.mean(0), torch.zeros(PATCHES), atol=tolerance, rtol=0)
        torch.testing.assert_close(score_mn.std(0), torch.ones(PATCHES), atol=tolerance, rtol=0)


def test_an_image_learnt_from_scores_as_if_it_had_not_been() -> None:
    patches_mnc = usual_images(40)
    deviation, _ = fit_deviation(in_batches(patches_mnc), FEATURES, trim=0.0, shrinkage=0.0)
    placed_mnd = (patches_mnc @ deviation.projection).double()
    square_mn = torch.zeros(40, PATCHES)
    for image in range(40):
        others_mnd = placed_mnd[torch.arange(40) != image]
        for n in range(PATCHES):
            away_d = placed_mnd[image, n] - others_mnd[:, n].mean(0)
            covariance_dd = torch.cov(others_mnd[:, n].T, correction=0)
            square_mn[image, n] = away_d @ torch.linalg.solve(covariance_dd, away_d)
    expected_mn = (torch.log1p(square_mn / FEATURES) - deviation.usual) / deviation.spread
    as_learnt = (deviation(patches_mnc).score_bn - expected_mn).abs().mean()
    as_new_mn = deviation(patches_mnc, torch.arange(40)).score_bn
    assert (as_new_mn - expected_mn).abs().mean() < 0.15 * as_learnt
    half_m = torch.where(torch.arange(40) < 20, torch.arange(40), -1)
    half_mn = deviation(patches_mnc, half_m).score_bn
    assert torch.equal(half_mn[:20], as_new_mn[:20])
    assert torch.equal(half_mn[20:], deviation(patches_mnc).score_bn[20:])


def test_statistics_read_back_do_not_guess_what_they_were_learnt_from() -> None:
    patches_mnc = usual_images(40)
    deviation, _ = fit_deviation(in_batches(patches_mnc), FEATURES, trim=0.0, shrinkage=0.0)
    again = PlaceDeviation(FEATURES, FEATURES, PATCHES)
    again.load_state_dict(deviation.state_dict())
    assert torch.equal(again(patches_mnc).score_bn, deviation(patches_mnc).score_bn)
    with pytest.raises(ValueError, match="do not know what they were learnt from"):
        again(patches_mnc, torch.arange(40))


def test_a_place_that_is_now_and_then_quite_another_hides_no_defect_elsewhere() -> None:
    patches_mnc, good_mnc, defective_mnc = (usual_images(200, seed) for seed in (0, 1, 2))
    for images_mnc in (patches_mnc, good_mnc, defective_mnc):
        images_mnc[::4, 3] *= 20  # such as a border that shows where a part lies turned
    defective_mnc[:, 6] += 3
    deviation, _ = fit_deviation(in_batches(patches_mnc), FEATURES, trim=0.05, shrinkage=0.02)
    delta_mnd, scores = deviation(torch.cat([good_mnc, defective_mnc]))
    defective_m = np.arange(400) >= 200
    both = (patch_score(delta_mnd), scores)
    by_length, by_score = (roc_auc_score(defective_m, one.amax(1)) for one in both)
    assert by_score > 0.97
    assert by_length < 0.92


def test_a_place_that_never_varies_is_not_ruled_by_its_noise() -> None:
    patches_mnc = usual_images(60)
    patches_mnc[:, 4] = 1.0
    deviation, _ = fit_deviation(in_batches(patches_mnc), FEATURES, trim=0.0, shrinkage=0.02)
    assert deviation.spread.min() >= 0.25 * (2 / FEATURES) ** 0.5
    assert deviation(patches_mnc).score_bn[:, 4].abs().max() < 3


def test_fewer_images_than_numbers_give_scores_within_reason() -> None:
    patches_mnc = usual_images(8)
    for shrinkage in (0.0, 0.02):
        deviation, _ = fit_deviation(in_batches(patches_mnc), FEATURES, 0.0, shrinkage)
        assert torch.isfinite(deviation.usual).all()
        assert deviation(patches_mnc).score_bn.abs().max() < 100


def contaminated(clean: int, defective: int) -> tuple[Tensor, np.ndarray]:
    """Clean images, then defective ones that deviate at two places of their own."""
    patches_mnc = usual_images(clean + defective)
    random = np.random.default_rng(0)
    for image in range(clean, clean + defective):
        places = random.choice(PATCHES, 2, replace=False)
        shift = torch.from_numpy(random.normal(0, 12, (2, FEATURES)).astype(np.float32))
        patches_mnc[image, places] += shift
    return patches_mnc, np.arange(clean + defective) < clean


def test_trimming_keeps_clean_images_and_drops_defective_ones() -> None:
    patches_mnc, clean_m = contaminated(90, 15)
    _, kept_m = fit_deviation(in_batches(patches_mnc), FEATURES, trim=0.2, shrinkage=0.02)
    assert kept_m.sum() == pytest.approx(0.8 * 105, abs=1)
    assert not kept_m[~clean_m].any()


def test_trimming_makes_defects_stand_out_more() -> None:
    patches_mnc, clean_m = contaminated(90, 15)
    gaps = []
    for trim in (0.0, 0.2):
        deviation, _ = fit_deviation(in_batches(patches_mnc), FEATURES, trim, 0.02)
        largest_m = patch_score(deviation(patches_mnc).delta_bnd).amax(1).numpy()
        gaps.append(largest_m[~clean_m].mean() - largest_m[clean_m].mean())
    assert gaps[1] > 1.5 * gaps[0]


def test_labels_are_heard_before_deviations() -> None:
    patches_mnc, clean_m = contaminated(90, 15)
    told_m = np.zeros(105, np.int8)
    told_m[-1] = 1  # deviates, and is labelled good
    told_m[:3] = -1  # do not deviate, and are labelled defective
    _, kept_m = fit_deviation(in_batches(patches_mnc), FEATURES, 0.2, 0.02, told_m)
    assert kept_m[-1]
    assert not kept_m[:3].any()
    assert not kept_m[~clean_m][:-1].any()
    assert kept_m[told_m == 0].sum() == pytest.approx(0.8 * 101, abs=1)


def test_where_every_image_is_labelled_good_none_is_left_out() -> None:
    patches_mnc = usual_images(60)
    told_m = np.ones(60, np.int8)
    heard, kept_m = fit_deviation(in_batches(patches_mnc), FEATURES, 0.2, 0.02, told_m)
    untrimmed, _ = fit_deviation(in_batches(patches_mnc), FEATURES, 0.0, 0.02)
    assert kept_m.all()
    assert torch.equal(heard(patches_mnc).score_bn, untrimmed(patches_mnc).score_bn)


def test_labelled_defects_alone_are_refused() -> None:
    told_m = np.full(60, -1, np.int8)
    with pytest.raises(InputError, match="0 images to learn from that are not labelled defective"):
        fit_deviation(in_batches(usual_images(60)), 4, 0.2, 0.02, told_m)


def test_too_few_images_are_refused() -> None:
    with pytest.raises(InputError, match="7 images to learn from that are not"):
        fit_deviation(in_batches(usual_images(7)), 4, 0.2, 0.02)
