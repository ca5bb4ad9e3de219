"""What new labelled scores make of a policy: goals alone, costs, probability, parts as unit."""

import numpy as np
import pytest

from span_train.policy.calibrate import choose_policy
from span_train.policy.costs import Costs
from span_train.policy.policy import Goal
from span_train.policy.recalibrate import ImageScores, Wish, calibrated

GOALS = Goal(escape=0.1, overkill=0.1, confidence=0.95)


def scores(good: int, defective: int, views: int = 1) -> ImageScores:
    random = np.random.default_rng(5)
    z = np.concatenate([random.normal(-2, 1, good), random.normal(2, 1, defective)])
    parts = [str(number // views) for number in range(good + defective)]
    return ImageScores(z, np.abs(z), np.arange(good + defective) >= good, parts)


def test_goals_alone_give_the_thresholds_of_choose_policy() -> None:
    given = scores(120, 120, views=2)
    policy, rule = calibrated(given, Wish(GOALS))
    groups = [given.part[:120], given.part[120:]]
    wanted = choose_policy(
        given.z[:120],
        given.z[120:],
        given.outlier[:120],
        GOALS,
        groups_good=groups[0],
        groups_defect=groups[1],
    )
    assert policy == wanted
    assert policy.claims[0].of == 60
    assert rule == "the goals' thresholds on all parts"


def test_without_defects_overkill_is_held_and_nothing_is_said_of_escapes() -> None:
    policy, _ = calibrated(scores(120, 0), Wish(GOALS, defect_rate=0.01))
    escape, overkill = policy.claims
    assert (escape.shown, overkill.shown, policy.probability) == (False, True, None)
    assert "there is no defective calibration part" in escape.message


def test_without_good_parts_everything_goes_to_recheck() -> None:
    policy, _ = calibrated(scores(0, 120), Wish(GOALS))
    assert {policy.decide(z, 0.0).name for z in (-9.0, 0.0, 9.0)} == {"recheck"}
    assert policy.outlier_limit is None


def test_the_good_image_of_a_defective_part_sets_no_outlier_limit() -> None:
    given = ImageScores(
        np.zeros(3), np.array([1.0, 99.0, 99.0]), np.array([False, False, True]), ["a", "b", "b"]
    )
    limit = given.outlier_limit()
    assert limit is not None
    assert 1.0 < limit < 2.0


def test_costs_are_told_in_the_rule_and_need_a_defect_rate() -> None:
    costs = Costs(100, 1, 0.2)
    policy, rule = calibrated(scores(200, 200), Wish(GOALS, 0.02, costs, seed=4))
    assert policy.claims[0].of == 100
    assert rule.startswith("least cost (escape=100, overkill=1, recheck=0.2; defect rate 0.02)")
    assert "halves drawn with seed 4" in rule
    with pytest.raises(ValueError, match="declare a defect rate"):
        Wish(GOALS, costs=costs)
