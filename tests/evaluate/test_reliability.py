"""Probabilities against what happened, on a line whose truth is known."""

import numpy as np
import pytest

from span_train.evaluate.reliability import BINS, reliability


def parts(count: int, rate: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """True probabilities of parts on a line, and what each turned out to be."""
    random = np.random.default_rng(seed)
    probability = random.beta(1, 1 / rate - 1, count)
    return probability, random.random(count) < probability


def test_true_probabilities_are_reliable() -> None:
    probability, defective = parts(4000, 0.3)
    result = reliability(probability, defective, float(defective.mean()))
    assert result is not None
    assert result["calibration_error"]["value"] < 0.02
    for row in result["bins"]:
        assert row["interval"][0] - 0.02 < row["predicted"] < row["interval"][1] + 0.02
    assert sum(row["share_of_line"] for row in result["bins"]) == pytest.approx(1.0)
    assert sum(row["parts"] for row in result["bins"]) == 4000
    assert len(result["bins"]) == BINS


def test_too_sure_probabilities_show_a_gap_that_can_be_computed_by_hand() -> None:
    probability = np.array([0.1] * 10 + [0.9] * 10)
    defective = np.array([False] * 5 + [True] * 5 + [False] * 5 + [True] * 5)
    result = reliability(probability, defective, 0.5)
    assert result is not None
    assert [row["observed"] for row in result["bins"]] == pytest.approx([0.5, 0.5])
    assert result["calibration_error"]["value"] == pytest.approx(0.4)


def test_each_class_counts_as_often_as_on_the_line() -> None:
    probability = np.array([0.1] * 10 + [0.9] * 10)
    defective = np.array([False] * 9 + [True] + [False] + [True] * 9)
    result = reliability(probability, defective, 0.01)
    assert result is not None
    low, high = result["bins"]
    assert low["observed"] == pytest.approx(0.001 / (0.001 + 0.891))
    assert high["observed"] == pytest.approx(0.009 / (0.009 + 0.099))
    assert low["share_of_line"] == pytest.approx(0.892)


def test_a_bin_without_a_good_part_does_not_claim_certainty() -> None:
    probability = np.array([0.1] * 40 + [0.9] * 20)
    defective = np.arange(60) >= 40
    result = reliability(probability, defective, 0.02)
    assert result is not None
    top = result["bins"][-1]
    assert top["observed"] == 1.0
    assert top["interval"][0] < 0.3
    assert top["interval"][1] == 1.0


def test_one_class_alone_shows_nothing() -> None:
    assert reliability(np.array([0.2, 0.4]), np.array([False, False]), 0.1) is None


def test_equal_probabilities_share_a_bin() -> None:
    result = reliability(np.full(30, 0.25), np.arange(30) % 4 == 0, 8 / 30)
    assert result is not None
    assert len(result["bins"]) == 1
    assert result["bins"][0]["observed"] == pytest.approx(8 / 30)
