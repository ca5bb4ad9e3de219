"""Intervals of rates and rankings against values worked out by hand and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from span_train.evaluate.intervals import mean_ranking, rank_intervals, rate_interval

few_values = st.lists(st.integers(0, 6).map(float), min_size=1, max_size=30)


def test_zero_of_n_has_the_interval_worked_out_by_hand() -> None:
    assert rate_interval(0, 10) == (0.0, pytest.approx(1 - 0.025**0.1))
    assert rate_interval(10, 10) == (pytest.approx(0.025**0.1), 1.0)


def test_a_textbook_interval_is_reproduced() -> None:
    # Clopper and Pearson for 3 of 10, printed in many tables.
    assert rate_interval(3, 10) == pytest.approx((0.0667, 0.6525), abs=1e-4)


def test_nothing_counted_excludes_nothing() -> None:
    assert rate_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("count", "of"), [(-1, 3), (4, 3)])
def test_impossible_counts_are_refused(count: int, of: int) -> None:
    with pytest.raises(ValueError, match=f"found {count} of {of}"):
        rate_interval(count, of)


@given(few_values, few_values)
def test_rank_measures_agree_with_scikit_learn_with_ties_too(
    good: list[float], defective: list[float]
) -> None:
    ranking = rank_intervals(good, defective, resamples=20)
    truth = [0] * len(good) + [1] * len(defective)
    assert ranking.auroc == pytest.approx(roc_auc_score(truth, good + defective))
    assert ranking.average_precision == pytest.approx(
        average_precision_score(truth, good + defective)
    )


def test_intervals_hold_the_value_and_agree_with_a_plain_bootstrap() -> None:
    random = np.random.default_rng(1)
    good, defective = random.normal(0, 1, 60), random.normal(1.5, 1, 40)
    ranking = rank_intervals(good, defective)
    truth = np.repeat([0, 1], [60, 40])
    drawn = [
        roc_auc_score(
            truth, np.concatenate([random.choice(good, 60), random.choice(defective, 40)])
        )
        for _ in range(600)
    ]
    assert ranking.auroc is not None
    assert ranking.auroc_interval is not None
    assert ranking.auroc_interval[0] < ranking.auroc < ranking.auroc_interval[1]
    assert ranking.auroc_interval == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.02)


def test_the_same_seed_gives_the_same_interval() -> None:
    good, defective = np.arange(20.0), np.arange(10.0, 30.0)
    first, again = (rank_intervals(good, defective, seed=3) for _ in range(2))
    assert first == again
    assert first != rank_intervals(good, defective, seed=4)


def test_resampling_in_pieces_changes_nothing_but_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    good, defective = np.arange(20.0), np.arange(10.0, 30.0)
    monkeypatch.setattr("span_train.evaluate.intervals._CELLS_A_CHUNK", 100)
    in_pieces = rank_intervals(good, defective)
    monkeypatch.undo()
    whole = rank_intervals(good, defective)
    assert in_pieces.auroc == whole.auroc
    assert in_pieces.auroc_interval == pytest.approx(whole.auroc_interval, abs=0.02)


def test_separated_classes_do_not_claim_certainty() -> None:
    ranking = rank_intervals(np.arange(20.0), np.arange(20.0) + 100)
    assert (ranking.auroc, ranking.average_precision) == (1.0, 1.0)
    assert ranking.auroc_interval is not None
    assert ranking.average_precision_interval is not None
    assert 0.7 < ranking.auroc_interval[0] < 0.9
    assert ranking.average_precision_interval[0] < 0.9
    assert ranking.auroc_interval[1] == ranking.average_precision_interval[1] == 1.0


@pytest.mark.parametrize(("good", "defective"), [([], [1.0]), ([1.0], []), ([], [])])
def test_one_class_alone_has_no_ranking(good: list[float], defective: list[float]) -> None:
    ranking = rank_intervals(good, defective)
    assert (ranking.auroc, ranking.auroc_interval) == (None, None)
    assert (ranking.average_precision, ranking.average_precision_interval) == (None, None)


def test_scores_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        rank_intervals([np.nan], [1.0])


def test_the_mean_of_one_run_is_that_run_with_about_its_interval() -> None:
    random = np.random.default_rng(0)
    good, defective = random.normal(0, 1, 80), random.normal(1, 1, 60)
    alone = rank_intervals(good, defective)
    mean = mean_ranking([(good, defective)])
    assert (mean.auroc, mean.average_precision) == (alone.auroc, alone.average_precision)
    assert mean.auroc_interval == pytest.approx(alone.auroc_interval, abs=0.015)


def test_runs_that_disagree_widen_the_interval_of_their_mean() -> None:
    random = np.random.default_rng(1)
    good, defective = random.normal(0, 1, 200), random.normal(1, 1, 200)
    alike = mean_ranking([(good, defective)] * 3, resamples=300).auroc_interval
    apart = mean_ranking([(good, defective), (good, -defective)], resamples=300).auroc_interval
    assert alike is not None
    assert apart is not None
    assert apart[1] - apart[0] > 3 * (alike[1] - alike[0])


def test_runs_over_other_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="all of them over the same parts"):
        mean_ranking([([0.0], [1.0]), ([0.0, 1.0], [1.0])])
