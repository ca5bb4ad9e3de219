"""A probability for a declared defect rate: right where truth is known, never for one class."""

import math

import numpy as np
import pytest

from span_train.policy.claims import PartScores
from span_train.policy.policy import Probability
from span_train.policy.probability import fit_probability


def test_it_finds_the_line_behind_two_normal_classes_at_any_mix_of_the_calibration_set() -> None:
    # Normals of unit variance at -1 and 1: the log odds of equal classes are 2 z.
    random = np.random.default_rng(0)
    parts = PartScores(random.normal(-1, 1, 4000), random.normal(1, 1, 20000))
    found = fit_probability(parts, 0.02)
    assert found is not None
    assert found.slope == pytest.approx(2.0, rel=0.05)
    assert found.offset == pytest.approx(0.0, abs=0.06)
    assert found.of(1.0) == pytest.approx(1 / (1 + math.exp(-2.0) * 0.98 / 0.02), rel=0.15)


def test_the_declared_rate_moves_the_probability_and_not_the_order() -> None:
    rare, common = (Probability(defect_rate=r, slope=1.5, offset=0.2) for r in (0.001, 0.3))
    assert rare.of(0.5) < common.of(0.5)
    assert [rare.of(z) for z in (-1e6, -1.0, 0.0, 1e6)] == sorted(
        rare.of(z) for z in (-1e6, -1.0, 0.0, 1e6)
    )


def test_classes_that_do_not_overlap_give_no_certainty() -> None:
    found = fit_probability(PartScores(np.array([-1.0, -2.0]), np.array([1.0, 2.0])), 0.5)
    assert found is not None
    assert 0.6 < found.of(2.0) < 0.95


def test_a_score_that_ranks_the_wrong_way_round_gets_no_falling_line() -> None:
    found = fit_probability(PartScores(np.array([1.0, 2.0]), np.array([-1.0, -2.0])), 0.1)
    assert found is not None
    assert found.slope == pytest.approx(0.0, abs=1e-6)
    assert found.of(5.0) == pytest.approx(0.1, rel=1e-3)


def test_one_class_gives_no_probability() -> None:
    assert fit_probability(PartScores(np.array([1.0]), np.zeros(0)), 0.1) is None
