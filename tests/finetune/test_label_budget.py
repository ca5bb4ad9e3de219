"""The curve over few labels: never a test label, the same draws again, more labels do better."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from span_train.contract.settings import LineSettings, settings_from_dict
from span_train.finetune.label_budget import Budgets, SeenFeatures, label_budget_curve


@pytest.fixture(scope="module")
def settings() -> LineSettings:
    return settings_from_dict({"name": "line", "images": ["photos"]}, Path("/line"), "test")


@pytest.fixture(scope="module")
def seen() -> SeenFeatures:
    """The outlier score tells defects faintly; the second feature tells them well."""
    random = np.random.default_rng(0)

    def features(defective: np.ndarray) -> np.ndarray:
        noise = random.standard_normal((len(defective), 4))
        noise[:, 0] += 0.5 * defective
        noise[:, 1] += 4.0 * defective
        return noise

    train, test = np.arange(60) % 2 == 1, np.arange(120) % 2 == 1
    return SeenFeatures(
        unlabelled_uj=features(np.zeros(200, bool)),
        train_mj=features(train),
        test_tj=features(test),
        defective_m=train,
        defective_t=test,
        test_groups=(None,) * 120,
        tokens=slice(2, 4),
    )


def test_more_labels_rank_better_and_budget_0_is_the_outlier_score(
    seen: SeenFeatures, settings: LineSettings
) -> None:
    curve = label_budget_curve(seen, Budgets((20, 5), seeds=3), settings)
    points = curve["budgets"]
    assert list(points) == ["0", "5", "20"]
    values = [points[labels]["auroc"]["value"] for labels in points]
    assert values[0] < 0.75 < 0.9 < values[2]
    assert [len(points[labels]["by_seed"]) for labels in points] == [1, 3, 3]
    for point in points.values():
        low, high = point["auroc"]["interval"]
        assert low <= point["auroc"]["value"] <= high
    outlier_better = seen.test_tj[seen.defective_t, 0][:, None] > seen.test_tj[~seen.defective_t, 0]
    assert values[0] == pytest.approx(outlier_better.mean())


def test_a_budget_beyond_the_labels_is_left_out_and_said(
    seen: SeenFeatures, settings: LineSettings
) -> None:
    curve = label_budget_curve(seen, Budgets((5, 80), seeds=1), settings)
    assert (list(curve["budgets"]), curve["left_out"]) == (["0", "5"], [80])
    assert curve["labels_a_class"] == 30


def test_the_same_seeds_draw_the_same_labels_and_test_truth_moves_no_score(
    seen: SeenFeatures, settings: LineSettings
) -> None:
    first = label_budget_curve(seen, Budgets((10,), seeds=2), settings)
    assert first == label_budget_curve(seen, Budgets((10,), seeds=2), settings)
    swapped = replace(seen, defective_t=~seen.defective_t)
    turned = label_budget_curve(swapped, Budgets((10,), seeds=2), settings)
    for one, other in zip(
        first["budgets"]["10"]["by_seed"], turned["budgets"]["10"]["by_seed"], strict=True
    ):
        assert one["auroc"]["value"] == pytest.approx(1 - other["auroc"]["value"])


def test_images_of_one_physical_part_are_one_test_part(
    seen: SeenFeatures, settings: LineSettings
) -> None:
    pairs = tuple(f"{'d' if n % 2 else 'g'}{n // 4}" for n in range(120))
    grouped = replace(seen, test_groups=pairs)
    wide, narrow = (
        label_budget_curve(each, Budgets((), seeds=1), settings)["budgets"]["0"]["auroc"][
            "interval"
        ]
        for each in (grouped, seen)
    )
    assert wide[1] - wide[0] > narrow[1] - narrow[0]
