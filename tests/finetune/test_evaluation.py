"""Evaluating a drawn line: what is written, and that evidence is held to its word."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from span_train.contract.errors import LabelError
from span_train.contract.settings import LineSettings
from span_train.data.splits import gather_images
from span_train.finetune.evaluation import Evaluation, evaluate
from span_train.finetune.evidence_check import check_deletion, typical_good_image
from span_train.finetune.run import load_trained, train

TinyLine = Callable[..., LineSettings]


@pytest.fixture(scope="module")
def run(
    tiny_line: TinyLine, pretrained_run: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("evaluated") / "run"
    train(tiny_line(), pretrained_run, out)
    return out


@pytest.fixture(scope="module")
def evaluated(tiny_line: TinyLine, run: Path) -> Evaluation:
    return evaluate(tiny_line(), run, run.parent / "evaluation", deletion=True)


def test_the_sums_of_every_test_image_are_checked_and_told(
    evaluated: Evaluation, run: Path
) -> None:
    sums = json.loads((run.parent / "evaluation" / "metrics.json").read_text())["evidence_sums"]
    assert sums["images"] == len(evaluated.images) == 8
    assert 0 < max(sums["largest_gap"].values()) < 1e-4
    assert sums["holds"] is True
    page = (run.parent / "evaluation" / "report.html").read_text()
    assert "On all 8 test images z equals the sum of its evidence" in page


def test_the_deletion_check_stands_in_metrics_and_report(evaluated: Evaluation, run: Path) -> None:
    deletion = evaluated.metrics["deletion"]
    assert deletion["images"] == 4
    assert list(deletion["drop"]) == ["evidence", "random patches", "attention rollout"]
    page = (run.parent / "evaluation" / "report.html").read_text()
    assert "Removing the 20 patches with the most evidence lowers z by" in page
    assert deletion["drop"]["evidence"]["mean"]["value"] > max(
        deletion["drop"][other]["mean"]["value"] for other in deletion["gain_over"]
    )


def test_removed_patches_come_from_the_mean_good_training_image(
    tiny_line: TinyLine, run: Path, tmp_path: Path
) -> None:
    trained, images = load_trained(run), gather_images(tiny_line())
    typical = typical_good_image(trained, images, tmp_path)
    seen: list[np.ndarray] = []

    def brightness(squares: np.ndarray) -> np.ndarray:
        seen.append(squares)
        return squares.mean((1, 2, 3))

    result = check_deletion(trained, images, tmp_path, brightness)
    assert result is not None
    whole, one_gone = seen[0], seen[1]
    changed = (whole != one_gone).any(-1)
    assert (changed.sum((1, 2)) <= 64).all(), "one patch of 8 x 8 pixels an image"
    np.testing.assert_array_equal(one_gone[changed], np.stack([typical] * len(whole))[changed])


def test_without_a_defective_test_image_there_is_nothing_to_remove(
    tiny_line: TinyLine, run: Path, tmp_path: Path
) -> None:
    trained, images = load_trained(run), gather_images(tiny_line())
    good = tuple(image for image in images.test if image.label == "good")
    assert check_deletion(trained, replace(images, test=good), tmp_path) is None


def test_a_line_without_test_images_is_refused(
    tiny_line: TinyLine, run: Path, tmp_path: Path
) -> None:
    with pytest.raises(LabelError, match="no labelled test image; label some, or give the"):
        evaluate(tiny_line("labels=null"), run, tmp_path / "evaluation")
