"""Thresholds from calibration parts: what they promise, and what they refuse to promise."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from span_train.policy.bounds import most_allowed, upper_bound
from span_train.policy.calibrate import choose_policy, outlier_limit_of, worst_of_parts
from span_train.policy.policy import Goal

GOALS = Goal(escape=0.1, overkill=0.1, confidence=0.95)
JOINT = 0.975
NONE: tuple[float, ...] = ()
scores = st.lists(st.floats(-50, 50) | st.sampled_from([0.0, 1.0, 2.0]), max_size=150)


def test_thresholds_lie_in_the_gaps_beside_the_scores_that_the_bounds_allow() -> None:
    # With 60 parts at 97.5 % one miss is allowed for 10 %, so the second score decides.
    assert most_allowed(60, 0.1, JOINT) == 1
    good, defective = np.arange(60.0), 100 + np.arange(60.0)
    policy = choose_policy(good, defective - 70, NONE, GOALS)
    assert policy.t_pass == 30.5
    assert policy.t_fail == 58.5


def test_crossing_thresholds_both_become_t_fail() -> None:
    good, defective = np.arange(60.0), 100 + np.arange(60.0)
    policy = choose_policy(good, defective, NONE, GOALS)
    assert policy.t_pass == policy.t_fail == 58.5
    escape, overkill = policy.claims
    assert (escape.shown, escape.count, escape.of) == (True, 0, 60)
    assert (overkill.shown, overkill.count, overkill.of) == (True, 1, 60)
    assert overkill.bound == upper_bound(1, 60, JOINT)


def test_both_classes_make_a_joint_claim_at_half_the_doubt_each() -> None:
    policy = choose_policy(np.arange(60.0), np.arange(60.0), NONE, GOALS)
    assert [claim.confidence for claim in policy.claims] == [JOINT, JOINT]
    assert all(claim.bound is not None and claim.bound <= claim.goal for claim in policy.claims)
    assert "At most 10 % of defective parts pass, at 97.5 % confidence" in policy.claims[0].message
    assert "parts like the calibration parts" in policy.claims[0].message


def test_too_few_defects_let_nothing_pass_and_say_how_many_are_missing() -> None:
    policy = choose_policy(np.arange(60.0), np.arange(30.0) + 90, NONE, GOALS)
    assert policy.t_pass is None
    assert policy.t_fail is not None
    escape, overkill = policy.claims
    assert (escape.shown, escape.bound, escape.missing) == (False, None, 6)
    assert "30 defective calibration parts show no better than 11.6 %" in escape.message
    assert "At least 6 more are needed; until then nothing passes" in escape.message
    assert overkill.shown


def test_one_percent_needs_299_defective_parts_when_it_stands_alone() -> None:
    goals = Goal(escape=0.01, overkill=0.1, confidence=0.9)
    policy = choose_policy(np.arange(60.0), np.arange(298.0), NONE, goals)
    assert policy.claims[0].confidence == pytest.approx(0.95)
    assert (policy.t_pass, policy.claims[0].missing) == (None, 1)
    enough = choose_policy(np.arange(60.0), np.arange(299.0), NONE, goals)
    assert enough.t_pass is not None
    assert enough.claims[0].count == 0


def test_too_few_good_parts_let_nothing_fail_by_itself() -> None:
    policy = choose_policy(np.arange(10.0), np.arange(60.0), NONE, GOALS)
    assert policy.t_fail is None
    assert policy.t_pass is not None
    assert "nothing fails by itself" in policy.claims[1].message
    assert policy.claims[1].missing == 26


def test_good_parts_alone_control_overkill_and_claim_no_escape_bound() -> None:
    policy = choose_policy(np.arange(60.0), NONE, NONE, GOALS)
    assert policy.t_pass == policy.t_fail
    escape, overkill = policy.claims
    assert (escape.shown, escape.bound, escape.missing) == (False, None, 36)
    assert escape.message.startswith("No escape bound can be stated: there is no defective")
    assert (overkill.shown, overkill.confidence) == (True, 0.95)


@pytest.mark.parametrize("defects", [0, 5, 60])
def test_without_a_good_part_nothing_is_decided_or_claimed(defects: int) -> None:
    policy = choose_policy(NONE, np.arange(float(defects)), NONE, GOALS)
    assert (policy.t_pass, policy.t_fail, policy.outlier_limit) == (None, None, None)
    assert not any(claim.shown for claim in policy.claims)
    assert all(str(defects) in c.message or "there is no" in c.message for c in policy.claims)


def test_tied_scores_stay_on_one_side_of_a_threshold() -> None:
    policy = choose_policy(np.zeros(60), np.ones(60), NONE, GOALS)
    assert policy.t_pass == policy.t_fail == 0.5
    same = choose_policy(np.zeros(60), np.zeros(60), NONE, GOALS)
    assert same.t_pass is not None
    assert same.t_fail is not None
    assert same.t_pass < 0.0 < same.t_fail


def test_scores_that_are_no_numbers_prove_nothing() -> None:
    defective = np.concatenate([np.arange(35.0), [math.nan, math.inf]])
    policy = choose_policy(np.append(np.arange(60.0), math.nan), defective, NONE, GOALS)
    assert (policy.claims[0].of, policy.claims[0].shown) == (35, False)
    assert "2 defective parts are left out" in policy.claims[0].message
    assert (policy.claims[1].of, policy.claims[1].shown) == (60, True)
    assert "1 good parts are left out" in policy.claims[1].message


def test_a_physical_part_counts_once_with_its_worst_image() -> None:
    parts = worst_of_parts([1, 5, 2], [7, 3], ["a", "a", None], ["b", "b"])
    assert parts.good.tolist() == [5, 2]
    assert parts.defective.tolist() == [7]
    groups = [f"part {n % 20}" for n in range(60)]
    policy = choose_policy(np.arange(60.0), np.arange(60.0), NONE, GOALS, groups_defect=groups)
    assert policy.claims[0].of == 20
    assert policy.claims[0].missing == 16


def test_a_part_with_one_defective_image_is_defective() -> None:
    parts = worst_of_parts([9, 1], [2], ["a", "b"], ["a"])
    assert parts.good.tolist() == [1]
    assert parts.defective.tolist() == [9]


def test_one_image_without_a_score_takes_a_defective_part_out_but_not_a_good_one() -> None:
    parts = worst_of_parts([1, math.nan], [2, math.nan], ["a", "a"], ["b", "b"])
    assert parts.good.tolist() == [1]
    assert parts.defective.tolist() == []
    assert parts.defective_left_out == 1


def test_scores_and_groups_must_belong_together() -> None:
    with pytest.raises(ValueError, match="good: 2 scores, but 1 groups"):
        choose_policy([1, 2], NONE, NONE, GOALS, groups_good=["a"])


def test_a_given_outlier_limit_is_used_as_it_is() -> None:
    assert choose_policy([1], [2], [3.0], GOALS, outlier_limit=7.5).outlier_limit == 7.5


def test_few_good_parts_put_the_outlier_limit_just_above_their_maximum() -> None:
    limit = choose_policy(np.arange(50.0), NONE, np.arange(50.0), GOALS).outlier_limit
    assert limit is not None
    assert 49 < limit < 50


def test_the_outlier_limit_disturbs_the_promised_share_of_good_parts() -> None:
    assert outlier_limit_of(np.arange(199.0)) == 197.5
    random = np.random.default_rng(0)
    alarms = []
    for _ in range(300):
        limit = outlier_limit_of(random.normal(size=199))
        assert limit is not None
        alarms.append(stats.norm.sf(limit))
    assert 0.005 < np.mean(alarms) <= 0.0105


def test_without_a_finite_outlier_score_there_is_no_limit() -> None:
    assert outlier_limit_of([]) is None
    assert outlier_limit_of([math.nan]) is None


@given(scores, scores, st.floats(0.02, 0.4), st.floats(0.02, 0.4))
def test_shown_claims_count_what_the_policy_does_to_the_calibration_parts(
    good: list[float], defective: list[float], escape: float, overkill: float
) -> None:
    goals = Goal(escape=escape, overkill=overkill, confidence=0.9)
    policy = choose_policy(good, defective, NONE, goals)
    escapes = sum(policy.decide(z, 0.0).name == "pass" for z in defective)
    overkills = sum(policy.decide(z, 0.0).name == "fail" for z in good)
    for claim, count in zip(policy.claims, (escapes, overkills), strict=True):
        if claim.shown:
            assert claim.count == count
            assert claim.bound is not None
            assert claim.bound <= claim.goal
        else:
            assert count == 0


@given(scores.filter(bool), scores.filter(bool))
def test_no_higher_t_pass_and_no_lower_t_fail_would_meet_the_goals(
    good: list[float], defective: list[float]
) -> None:
    policy = choose_policy(good, defective, NONE, GOALS)
    if policy.t_fail is not None:
        next_lower = max(z for z in good if z < policy.t_fail)
        overkills = sum(z >= next_lower for z in good)
        assert upper_bound(overkills, len(good), JOINT) > GOALS.overkill
    if policy.t_pass is not None and policy.t_pass != policy.t_fail:
        next_higher = min(z for z in defective if z >= policy.t_pass)
        escapes = sum(z <= next_higher for z in defective)
        assert upper_bound(escapes, len(defective), JOINT) > GOALS.escape


@given(scores, scores)
def test_thresholds_never_touch_a_score_that_the_next_digit_could_flip(
    good: list[float], defective: list[float]
) -> None:
    policy = choose_policy(good, defective, NONE, GOALS)
    observed = np.unique(np.array([*good, *defective]))
    if observed.size > 1 and np.diff(observed).min() < 1e-6:
        return
    for threshold in (policy.t_pass, policy.t_fail):
        assert threshold is None or np.abs(observed - threshold).min() > 1e-7


def exceeded(
    distance: float, step: float | None, lines: int = 400
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    """Whether each simulated line breaks its (escape, overkill) goal, and its true rates."""
    random = np.random.default_rng(7)

    def rounded(z: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return z if step is None else np.ceil(z / step) * step

    def below(threshold: float, mean: float) -> float:
        # A rounded score lies below t exactly where the score is at most the grid point under t.
        edge = threshold if step is None else (math.ceil(threshold / step) - 1) * step
        return float(stats.norm.cdf(edge - mean))

    rates = []
    for _ in range(lines):
        good = rounded(random.normal(0, 1, 70))
        defective = rounded(random.normal(distance, 1, 90))
        policy = choose_policy(good, defective, NONE, GOALS)
        assert policy.t_pass is not None
        assert policy.t_fail is not None
        rates.append((below(policy.t_pass, distance), 1 - below(policy.t_fail, 0)))
    true_rates = np.array(rates)
    return true_rates > [GOALS.escape, GOALS.overkill], true_rates


@pytest.mark.parametrize(("distance", "step"), [(1.0, None), (2.5, None), (5.0, None), (2.5, 0.25)])
def test_simulated_lines_break_the_promise_no_more_often_than_stated(
    distance: float, step: float | None
) -> None:
    broken, _ = exceeded(distance, step)
    lines = len(broken)
    assert broken[:, 0].sum() <= stats.binom.ppf(0.999, lines, 0.025)
    assert broken[:, 1].sum() <= stats.binom.ppf(0.999, lines, 0.025)
    assert broken.any(axis=1).sum() <= stats.binom.ppf(0.999, lines, 0.05)


def test_the_promise_is_not_kept_by_mere_caution() -> None:
    broken, true_rates = exceeded(1.0, None)
    assert broken.any(axis=0).all()
    assert (true_rates.mean(axis=0) > 0.03).all()
