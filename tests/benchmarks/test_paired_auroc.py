"""The difference of two AUROCs is right, and its interval knows when there is none."""

import numpy as np
import pytest
from paired_auroc import auroc, auroc_gain
from sklearn.metrics import roc_auc_score


def test_auroc_is_that_of_scikit_learn_with_ties() -> None:
    random = np.random.default_rng(0)
    defective = random.random(60) < 0.4
    score = random.integers(0, 5, 60)
    assert auroc(score, defective) == pytest.approx(roc_auc_score(defective, score))


def test_the_gain_is_the_mean_over_repetitions() -> None:
    defective = np.array([False, False, True, True])
    score = np.array([[0, 1, 2, 3], [0, 2, 1, 3]])
    other = np.array([[0, 1, 2, 3], [3, 2, 1, 0]])
    gain = auroc_gain(score, other, defective)
    assert gain.value == pytest.approx((1 + 0.75) / 2 - (1 + 0) / 2)
    assert gain.low <= gain.value <= gain.high


def test_a_score_gains_nothing_over_itself() -> None:
    random = np.random.default_rng(1)
    score, defective = random.normal(size=40), np.arange(40) % 2 == 0
    gain = auroc_gain(score, score, defective)
    assert (gain.value, gain.low, gain.high) == (0, 0, 0)


def test_a_clear_gain_excludes_nothing() -> None:
    random = np.random.default_rng(2)
    defective = np.arange(200) % 2 == 0
    noise = random.normal(size=200)
    assert auroc_gain(noise + 3 * defective, noise, defective).low > 0.2


def test_one_class_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="both classes"):
        auroc([1.0, 2.0], [True, True])
