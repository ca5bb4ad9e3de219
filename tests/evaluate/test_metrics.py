"""The numbers of metrics.json: their form, their unit, and what happens at the edges."""

import json
import math

import pytest

from span_train.evaluate.metrics import line_metrics, scored_parts

RATES = ("escape_rate", "overkill_rate", "recheck_rate")
SIX = {
    "z": [-2.0, -1.0, 0.5, -0.5, 1.5, 3.0],
    "defective": [False, False, False, True, True, True],
    "verdicts": ["pass", "recheck", "fail", "pass", "recheck", "fail"],
}


def test_every_promised_key_has_its_promised_form() -> None:
    metrics = line_metrics(**SIX)
    for key in ("auroc", "average_precision", *RATES):
        entry = metrics[key]
        assert {"value", "interval", "confidence", "count", "of"} <= entry.keys()
        low, high = entry["interval"]
        assert 0 <= low <= entry["value"] <= high <= 1
        assert entry["confidence"] == 0.95
    for key in ("auroc", "average_precision"):
        assert (metrics[key]["n_good"], metrics[key]["n_defect"]) == (3, 3)
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics


def test_rates_are_over_the_parts_they_speak_of() -> None:
    metrics = line_metrics(**SIX)
    counted = {key: (metrics[key]["count"], metrics[key]["of"]) for key in RATES}
    assert counted == {"escape_rate": (1, 3), "overkill_rate": (1, 3), "recheck_rate": (2, 6)}
    assert metrics["pass_rate_good"]["count"] == metrics["fail_rate_defect"]["count"] == 1
    assert metrics["auroc"]["value"] == pytest.approx(8 / 9)
    low, high = metrics["stopped"].pop("interval")
    assert metrics["stopped"] == pytest.approx({"precision": 0.5, "recall": 2 / 3, "f1": 4 / 7})
    assert 0 <= low < 4 / 7 < high <= 1


def test_a_physical_part_is_judged_by_its_worst_image() -> None:
    groups = ["a", "a", "b", "c", "c", None]
    parts = scored_parts(**SIX, outlier=None, groups=groups)
    assert parts.z_p.tolist() == [-1.0, 0.5, 1.5, 3.0]
    assert parts.verdict_p.tolist() == [1, 2, 1, 2]
    metrics = line_metrics(**SIX, groups=groups)
    assert (metrics["n_images"], metrics["n_parts"]) == (6, 4)
    assert (metrics["n_good"], metrics["n_defect"]) == (2, 2)
    assert metrics["escape_rate"]["count"] == 0


def test_a_part_with_one_defective_image_is_defective() -> None:
    parts = scored_parts([5.0, 1.0], [False, True], ["fail", "pass"], None, ["a", "a"])
    assert (parts.defective_p.tolist(), parts.z_p.tolist()) == ([True], [5.0])


def test_the_outlier_score_alone_is_measured_beside_z() -> None:
    metrics = line_metrics(**SIX, outlier=[1, 2, 3, 4, 5, 6])
    assert metrics["outlier_auroc"]["value"] == 1.0
    assert "outlier_auroc" not in line_metrics(**SIX)


def test_a_part_without_a_finite_z_leaves_the_ranking_but_not_the_rates() -> None:
    metrics = line_metrics(
        [0.0, 1.0, math.nan, math.inf],
        [False, True, True, False],
        ["pass", "fail", "recheck", "recheck"],
    )
    assert metrics["unscored"] == 2
    assert (metrics["auroc"]["value"], metrics["auroc"]["of"]) == (1.0, 2)
    assert (metrics["recheck_rate"]["count"], metrics["recheck_rate"]["of"]) == (2, 4)
    json.dumps(metrics, allow_nan=False)


@pytest.mark.parametrize("images", [0, 3])
def test_what_cannot_be_counted_is_null_with_an_open_interval(images: int) -> None:
    metrics = line_metrics([0.0] * images, [False] * images, ["pass"] * images)
    for key in ("auroc", "average_precision", "escape_rate"):
        assert (metrics[key]["value"], metrics[key]["interval"]) == (None, [0.0, 1.0])
    assert metrics["overkill_rate"]["of"] == images


def test_lengths_must_agree() -> None:
    with pytest.raises(
        ValueError, match="2 z, 1 truths, 1 verdicts, 2 outlier scores and 2 groups"
    ):
        line_metrics([1, 2], [True], ["pass"])


def test_unknown_verdicts_are_refused() -> None:
    with pytest.raises(ValueError, match=r"found verdicts \['ok'\], expected pass, recheck, fail"):
        line_metrics([1], [True], ["ok"])
