"""What became of each class, and how well each part of the layout alone tells defects apart."""

import numpy as np
import pytest

from span_train.evaluate.by_class import scores_of_parts, verdicts_by_class


def test_physical_parts_are_counted_by_their_class_and_worst_verdict() -> None:
    classes = ["good", "good", "scratch", "blot", "good", "dent", "scratch"]
    verdicts = ["pass", "fail", "recheck", "fail", "pass", "pass", "fail"]
    groups = ["a", "a", "b", "c", "b", "d", "d"]
    assert verdicts_by_class(classes, verdicts, groups, "good") == {
        "good": {"pass": 0, "recheck": 0, "fail": 1, "parts": 1},
        "blot": {"pass": 0, "recheck": 0, "fail": 1, "parts": 1},
        "dent + scratch": {"pass": 0, "recheck": 0, "fail": 1, "parts": 1},
        "scratch": {"pass": 0, "recheck": 1, "fail": 0, "parts": 1},
    }


def test_no_image_gives_no_row() -> None:
    assert verdicts_by_class([], [], None, "good") == {}


def test_the_part_that_carries_the_defect_ranks_it_and_the_other_does_not() -> None:
    defective = np.arange(40) >= 20
    contributions = np.stack([defective * 1.0, np.tile([0.0, 1.0], 20)], axis=1)
    found = scores_of_parts(contributions, ["body", "lead"], defective, None)
    assert found["body"]["auroc"]["value"] == 1.0
    assert found["lead"]["auroc"]["value"] == pytest.approx(0.5)
    low, high = found["lead"]["auroc"]["interval"]
    assert 0.3 < low < 0.5 < high < 0.7


def test_one_class_says_that_nothing_is_known() -> None:
    found = scores_of_parts(np.zeros((3, 1)), ["body"], np.zeros(3, bool), None)
    assert found["body"]["auroc"] == {"value": None, "interval": [0.0, 1.0], "confidence": 0.95}
