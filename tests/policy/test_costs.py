"""Costs choose thresholds on one half of the parts; the goals' claims are made on the other."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from span_train.contract.errors import LabelError
from span_train.policy.calibrate import thresholds_for
from span_train.policy.claims import PartScores
from span_train.policy.costs import Costs, cheapest, choose_by_cost, halves
from span_train.policy.policy import Goal

GOALS = Goal(escape=0.1, overkill=0.1, confidence=0.95)
COSTS = Costs(escape=100, overkill=1, recheck=0.2)
RATE = 0.02
scores = st.lists(st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0]), min_size=1, max_size=8)


def drawn(good: int, defective: int, seed: int = 0) -> PartScores:
    random = np.random.default_rng(seed)
    return PartScores(random.normal(-2, 1, good), random.normal(2, 1, defective))


def cost_of(parts: PartScores, costs: Costs, rate: float, t_pass: float, t_fail: float) -> float:
    """Expected cost of a part, counted one by one."""

    def mean(z: np.ndarray, below: float, above: float) -> float:
        each = [
            below if score < t_pass else above if score >= t_fail else costs.recheck for score in z
        ]
        return float(np.mean(each))

    good = mean(parts.good, 0.0, costs.overkill)
    return rate * mean(parts.defective, costs.escape, 0.0) + (1 - rate) * good


@given(scores, scores, st.sampled_from([0.01, 0.3]), st.sampled_from([0.0, 0.2, 30.0]))
def test_no_two_thresholds_are_cheaper(
    good: list[float], defective: list[float], rate: float, recheck: float
) -> None:
    parts = PartScores(np.array(good), np.array(defective))
    costs = Costs(escape=20, overkill=3, recheck=recheck)
    t_pass, t_fail, cost = cheapest(parts, costs, rate)
    assert t_pass <= t_fail
    assert cost == pytest.approx(cost_of(parts, costs, rate, t_pass, t_fail))
    every = np.arange(-3.25, 4.25, 0.25)
    pairs = [(a, b) for a, b in itertools.product(every, every) if a <= b]
    assert cost <= min(cost_of(parts, costs, rate, a, b) for a, b in pairs) + 1e-9


def test_every_part_is_in_one_half_and_which_one_does_not_depend_on_its_score() -> None:
    parts = drawn(11, 6)
    first, second = halves(parts, seed=3)
    assert sorted([*first.good, *second.good]) == sorted(parts.good)
    assert (first.good.size, first.defective.size, second.defective.size) == (5, 3, 3)
    moved = PartScores(parts.good * 7 + 1, parts.defective)
    np.testing.assert_array_equal(halves(moved, seed=3)[0].good, first.good * 7 + 1)


def test_costs_only_make_the_goals_thresholds_stricter() -> None:
    parts = drawn(400, 400)
    for escape in (0.01, 1.0, 10_000.0):
        costs = Costs(escape=escape, overkill=1.0, recheck=0.01)
        chosen = choose_by_cost(parts, GOALS, costs, RATE, seed=1)
        goal_pass, goal_fail, _ = thresholds_for(chosen.claiming, GOALS)
        assert (chosen.t_pass or 0) <= (goal_pass or 0)
        assert (chosen.t_fail or 0) >= (goal_fail or 0)
        assert None not in (chosen.t_pass, goal_pass, chosen.t_fail, goal_fail)
        assert all(claim.shown for claim in chosen.claims)


def test_the_claims_count_the_second_half_at_the_thresholds_that_were_taken() -> None:
    chosen = choose_by_cost(drawn(300, 300), GOALS, COSTS, RATE, seed=0)
    escape, overkill = chosen.claims
    assert chosen.t_pass is not None
    assert chosen.t_fail is not None
    assert escape.of == chosen.claiming.defective.size == 150
    assert escape.count == int((chosen.claiming.defective < chosen.t_pass).sum())
    assert overkill.count == int((chosen.claiming.good >= chosen.t_fail).sum())


def test_what_the_second_half_cannot_show_goes_to_recheck_however_cheap_it_is() -> None:
    chosen = choose_by_cost(drawn(100, 20), GOALS, Costs(0.0, 1.0, 50.0), RATE, seed=0)
    assert chosen.t_pass is None
    assert not chosen.claims[0].shown
    assert chosen.claims[0].of == 10


def test_too_few_parts_for_two_halves_are_refused() -> None:
    with pytest.raises(LabelError, match="5 good and 1 defective parts: costs choose on one half"):
        choose_by_cost(drawn(5, 1), GOALS, COSTS, RATE, seed=0)
