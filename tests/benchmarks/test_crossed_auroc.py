"""AUROC over networks and draws: its value, its difference, and what its interval holds."""

import crossed_auroc
import numpy as np
import pytest
from crossed_auroc import auroc_estimate
from sklearn.metrics import roc_auc_score

TRUTH = np.array([False] * 20 + [True] * 15)


def drawn(networks: int, draws: int, lift: float, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(networks, draws, len(TRUTH))) + lift * TRUTH


def test_the_value_is_the_mean_auroc_over_networks_and_draws() -> None:
    scores = np.round(drawn(2, 3, 1.0), 1)  # with ties
    each = [roc_auc_score(TRUTH, scores[n, s]) for n in range(2) for s in range(3)]
    assert auroc_estimate(scores, TRUTH).value == pytest.approx(np.mean(each), abs=1e-12)


def test_a_difference_is_paired_part_by_part() -> None:
    scores = drawn(2, 3, 1.0)
    same = auroc_estimate(scores, TRUTH, 2 * scores + 1)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    better = auroc_estimate(scores + 5 * TRUTH, TRUTH, scores)
    assert better.low > 0


def test_one_network_stands_beside_several() -> None:
    several, one = drawn(3, 2, 1.0), drawn(1, 2, 1.0, seed=1)
    gain = auroc_estimate(several, TRUTH, one)
    repeated = auroc_estimate(several, TRUTH, np.repeat(one, 3, axis=0))
    assert gain == repeated


def test_networks_that_differ_widen_the_interval() -> None:
    alike = np.repeat(drawn(1, 1, 1.0), 3, axis=0)
    unlike = alike.copy()
    unlike[0] += 4 * TRUTH
    unlike[1] -= 2 * TRUTH

    def width(scores: np.ndarray) -> float:
        found = auroc_estimate(scores, TRUTH)
        return found.high - found.low

    assert width(unlike) > 1.5 * width(alike)


def test_its_interval_is_about_that_of_a_plain_bootstrap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crossed_auroc, "RESAMPLES", 4000)
    scores = drawn(1, 1, 1.0)
    random = np.random.default_rng(5)
    good, bad = scores[0, 0, ~TRUTH], scores[0, 0, TRUTH]
    plain = [
        (random.choice(bad, len(bad))[:, None] > random.choice(good, len(good))).mean()
        for _ in range(4000)
    ]
    found = auroc_estimate(scores, TRUTH)
    assert [found.low, found.high] == pytest.approx(np.quantile(plain, [0.025, 0.975]), abs=0.012)


def test_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="both classes"):
        auroc_estimate(drawn(1, 1, 0.0), np.zeros(len(TRUTH), bool))
