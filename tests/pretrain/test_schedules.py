"""Schedules are pure functions of the step and the total."""

from itertools import pairwise

import pytest

from span_train.pretrain.schedules import linear_rise, teacher_momentum, warm_cosine


def test_the_learning_rate_rises_linearly_then_falls_by_a_cosine() -> None:
    rates = [warm_cosine(step, 100, 0.1) for step in range(100)]
    assert rates[:10] == pytest.approx([0.1 * n for n in range(1, 11)])
    assert rates[10] == 1.0
    assert rates[55] == pytest.approx((1 + 0.01) / 2, abs=0.01)
    assert all(later <= earlier for earlier, later in pairwise(rates[10:]))
    assert 0.01 <= rates[-1] < 0.02


def test_a_single_step_has_its_full_rate() -> None:
    assert warm_cosine(0, 1, 0.0) == 1.0


def test_the_priors_weight_rises_over_the_first_tenth() -> None:
    weights = [linear_rise(step, 50, 0.1) for step in range(50)]
    assert weights == pytest.approx([0.2, 0.4, 0.6, 0.8] + [1.0] * 46)


def test_the_teacher_starts_as_a_running_mean_and_ends_still() -> None:
    momenta = [teacher_momentum(step, 1000, 0.99) for step in range(1001)]
    assert momenta[0] == 0.1
    assert momenta[90] == pytest.approx(91 / 100)
    assert all(later >= earlier for earlier, later in pairwise(momenta))
    assert momenta[500] == pytest.approx(501 / 510)
    assert momenta[-1] == pytest.approx(1001 / 1010)
