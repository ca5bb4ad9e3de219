"""Few labels move the score from the outlier score only as far as they justify."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from span_train.finetune.shrunk_fit import LinearScore, fit_shrunk, fit_types, outlier_only

STRENGTHS = (3.0, 10.0, 30.0, 100.0)
FEATURES = 40
TOKENS = [slice(10, FEATURES)]
# Rows of medians 0 and spreads 1: standardised features are the raw ones.
UNIT_UNLABELLED = np.outer([-1, 0, 1], np.ones(6)) / 1.4826


def draw_line(random: np.random.Generator, good: int, defective: int) -> tuple[NDArray, NDArray]:
    """Features of images: the outlier score tells well, a few others a little, most nothing."""
    defective_m = np.arange(good + defective) >= good
    features_mj = random.normal(size=(good + defective, FEATURES))
    strength_j = np.zeros(FEATURES)
    strength_j[[0, 2, 15, 16]] = [1.8, 0.9, 0.8, -0.8]
    return features_mj + defective_m[:, None] * strength_j, defective_m


def fitted(random: np.random.Generator, a_class: int) -> tuple[LinearScore, LinearScore]:
    labelled_mj, defective_m = draw_line(random, a_class, a_class)
    unlabelled_uj = draw_line(random, 270, 30)[0]
    score = fit_shrunk(labelled_mj, defective_m, unlabelled_uj, TOKENS, STRENGTHS, 5, 0)
    return score, outlier_only(unlabelled_uj)


def area(score: LinearScore, features_mj: NDArray, defective_m: NDArray) -> float:
    return float(roc_auc_score(defective_m, features_mj @ score.weight + score.bias))


@pytest.mark.parametrize(
    ("a_class", "least_gain"), [(2, -0.005), (5, -0.005), (20, 0.0), (80, 0.02)]
)
def test_labels_do_not_end_worse_than_none_and_many_help(a_class: int, least_gain: float) -> None:
    gains = []
    for seed in range(12):
        random = np.random.default_rng(seed)
        score, none = fitted(random, a_class)
        test = draw_line(random, 1000, 1000)
        gains.append(area(score, *test) - area(none, *test))
    assert np.mean(gains) >= least_gain


def test_one_class_alone_leaves_the_outlier_score() -> None:
    random = np.random.default_rng(0)
    unlabelled_uj = draw_line(random, 270, 30)[0]
    none = outlier_only(unlabelled_uj)
    for labelled in (draw_line(random, 6, 0), draw_line(random, 0, 6), draw_line(random, 0, 0)):
        score = fit_shrunk(*labelled, unlabelled_uj, TOKENS, STRENGTHS, 5, 0)
        assert np.array_equal(score.weight, none.weight)
        assert score.bias == none.bias
        assert score.strength is None


def test_the_outlier_score_alone_is_in_robust_deviations_of_the_unlabelled_images() -> None:
    random = np.random.default_rng(0)
    unlabelled_uj = random.normal(5.0, 2.0, (20_000, 3))
    unlabelled_uj[:1000] += 1000  # defective ones change little
    score = outlier_only(unlabelled_uj)
    z = unlabelled_uj[1000:] @ score.weight + score.bias
    assert z.mean() == pytest.approx(0.0, abs=0.1)
    assert z.std() == pytest.approx(1.0, abs=0.1)
    assert not score.weight[1:].any()


@pytest.mark.parametrize(("good", "defective"), [(1, 1), (1, 20), (20, 1)])
def test_a_single_image_of_a_class_moves_scale_and_bias_only(good: int, defective: int) -> None:
    random = np.random.default_rng(0)
    labelled = draw_line(random, good, defective)
    score = fit_shrunk(*labelled, draw_line(random, 270, 30)[0], TOKENS, STRENGTHS, 5, 0)
    assert score.strength is None
    assert score.weight[0] > 0
    assert not score.weight[1:].any()
    assert score.log_loss == {}


@pytest.mark.parametrize("a_class", [1, 4])
def test_labels_that_deviate_the_other_way_round_do_not_turn_the_score_over(a_class: int) -> None:
    labelled_mj = np.zeros((2 * a_class, FEATURES))
    labelled_mj[:a_class, 0] = np.linspace(2, 3, a_class)  # good ones deviate more, by chance
    defective_m = np.arange(2 * a_class) >= a_class
    random = np.random.default_rng(0)
    unlabelled_uj = draw_line(random, 270, 30)[0]
    score = fit_shrunk(labelled_mj, defective_m, unlabelled_uj, TOKENS, STRENGTHS, 5, 0)
    assert score.weight[0] > 0
    assert area(score, *draw_line(random, 1000, 1000)) > 0.8


def test_an_infinite_strength_is_scale_and_bias_only() -> None:
    random = np.random.default_rng(0)
    labelled, unlabelled_uj = draw_line(random, 20, 20), draw_line(random, 270, 30)[0]
    infinite = fit_shrunk(*labelled, unlabelled_uj, TOKENS, (np.inf,), 5, 0)
    huge = fit_shrunk(*labelled, unlabelled_uj, TOKENS, (1e7,), 5, 0)
    assert infinite.strength is None
    assert not infinite.weight[1:].any()
    np.testing.assert_allclose(huge.weight, infinite.weight, atol=1e-3)
    assert huge.bias == pytest.approx(infinite.bias, abs=1e-3)


def test_the_strength_of_least_held_out_loss_is_taken() -> None:
    score, _ = fitted(np.random.default_rng(3), 20)
    assert {float(name) for name in score.log_loss} == set(STRENGTHS)
    assert score.strength == float(min(score.log_loss, key=lambda name: score.log_loss[name]))


def test_the_same_seed_gives_the_same_score() -> None:
    first, _ = fitted(np.random.default_rng(3), 10)
    second, _ = fitted(np.random.default_rng(3), 10)
    assert np.array_equal(first.weight, second.weight)
    assert first.log_loss == second.log_loss


def slow_objective(
    weight_j: NDArray, bias: float, features_mj: NDArray, defective_m: NDArray, strength: float
) -> float:
    """What is minimised, one image at a time: class-balanced log loss and the pull to 1, 0, 0, …"""
    images, defects = len(defective_m), int(defective_m.sum())
    total = 0.0
    for features_j, defective in zip(features_mj, defective_m, strict=True):
        z = sum(w * f for w, f in zip(weight_j, features_j, strict=True)) + bias
        share = 0.5 * images / (defects if defective else images - defects)
        total += share * np.log1p(np.exp(-z if defective else z))
    away = weight_j - np.eye(len(weight_j))[0]
    return total + 0.5 * (0.1 * away[0] ** 2 + strength * (away[1:] ** 2).sum())


@pytest.mark.parametrize("strength", [1.0, 30.0])
def test_the_gradient_of_the_objective_is_zero_at_the_solution(strength: float) -> None:
    random = np.random.default_rng(5)
    defective_m = np.arange(30) >= 20
    features_mj = random.normal(size=(30, 6)) + defective_m[:, None] * 0.7
    score = fit_shrunk(features_mj, defective_m, UNIT_UNLABELLED, [], (strength,), 5, 0)
    found = np.append(score.weight, score.bias)

    def objective(packed: NDArray) -> float:
        return slow_objective(packed[:-1], packed[-1], features_mj, defective_m, strength)

    for direction in np.eye(7):
        slope = (objective(found + 1e-5 * direction) - objective(found - 1e-5 * direction)) / 2e-5
        assert slope == pytest.approx(0.0, abs=0.01)
    assert objective(found) < objective(np.append(np.eye(6)[0], 0.0)) - 0.1


def test_a_group_shares_one_unit_of_prior_variance() -> None:
    random = np.random.default_rng(5)
    defective_m = np.arange(30) >= 20
    features_mj = random.normal(size=(30, 6)) + defective_m[:, None] * 0.7
    grouped = fit_shrunk(features_mj, defective_m, UNIT_UNLABELLED, [slice(2, 6)], (1.0,), 5, 0)
    scaled_mj = features_mj.copy()
    scaled_mj[:, 2:] /= 2.0  # sqrt of four features
    by_hand = fit_shrunk(scaled_mj, defective_m, UNIT_UNLABELLED, [], (1.0,), 5, 0)
    np.testing.assert_allclose(grouped.weight[:2], by_hand.weight[:2], atol=1e-4)
    np.testing.assert_allclose(grouped.weight[2:], by_hand.weight[2:] / 2, atol=1e-4)


def test_the_unit_of_a_feature_does_not_matter() -> None:
    random = np.random.default_rng(2)
    labelled_mj, defective_m = draw_line(random, 20, 20)
    unlabelled_uj = draw_line(random, 270, 30)[0]
    unit_j = random.uniform(0.01, 100, FEATURES)
    plain = fit_shrunk(labelled_mj, defective_m, unlabelled_uj, TOKENS, STRENGTHS, 5, 0)
    other = fit_shrunk(
        labelled_mj * unit_j + 3, defective_m, unlabelled_uj * unit_j + 3, TOKENS, STRENGTHS, 5, 0
    )
    np.testing.assert_allclose(
        (labelled_mj * unit_j + 3) @ other.weight + other.bias,
        labelled_mj @ plain.weight + plain.bias,
        atol=1e-3,
    )


@pytest.mark.parametrize("types", [2, 3])
def test_types_are_told_apart_relative_to_their_mean(types: int) -> None:
    random = np.random.default_rng(0)
    type_m = np.arange(20 * types) % types
    defects_mj = random.normal(size=(len(type_m), FEATURES))
    defects_mj[np.arange(len(type_m)), 3 + type_m] += 4.0
    unlabelled_uj = random.normal(size=(100, FEATURES))
    weight_tj, bias_t = fit_types(defects_mj, type_m, unlabelled_uj, TOKENS)
    assert weight_tj.shape == (types, FEATURES)
    np.testing.assert_allclose(weight_tj.sum(0), 0.0, atol=1e-9)
    assert bias_t.sum() == pytest.approx(0.0, abs=1e-9)
    guessed = (defects_mj @ weight_tj.T + bias_t).argmax(1)
    assert (guessed == type_m).mean() > 0.95
