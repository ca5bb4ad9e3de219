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


def test_a_declared_defect_rate_makes_z_a_probability_that_is_checked(
    tiny_line: TinyLine, run: Path, tmp_path: Path
) -> None:
    found = evaluate(tiny_line(), run, tmp_path / "evaluation", defect_rate=0.02)
    reliable = found.metrics["reliability"]
    assert reliable["defect_rate"] == 0.02
    assert sum(row["parts"] for row in reliable["bins"]) == found.metrics["n_parts"]
    page = (tmp_path / "evaluation" / "report.html").read_text()
    assert "On a line with 2 % defective parts the probability of a defect is off by" in page
    assert "Reliability diagram" in page


def test_what_the_data_cannot_tell_stands_in_the_report(evaluated: Evaluation, run: Path) -> None:
    page = (run.parent / "evaluation" / "report.html").read_text()
    assert "6 defective calibration parts can show 45.9 % of escape at best (97.5 % con" in page
    assert "50 % of the test parts are defective; a line has fewer" in page
    assert "Few test parts of" in page


def test_test_images_that_the_run_has_used_are_refused_or_listed(
    tiny_line: TinyLine, run: Path, tmp_path: Path
) -> None:
    line = tiny_line()
    assert line.labels is not None
    rows = line.labels.read_text().replace(",calibration", ",test").splitlines()
    swapped = line.labels.with_name("swapped.csv")
    swapped.write_text("\n".join(rows))
    try:
        moved = tiny_line(f"labels={swapped}")
        with pytest.raises(LabelError, match=r"(?s)^12 test images, or .*part_0032"):
            evaluate(moved, run, tmp_path / "refused")
        assert not (tmp_path / "refused").exists()
        found = evaluate(moved, run, tmp_path / "allowed", allow_leak=True)
        assert any("12 test images, or others" in remark for remark in found.report.remarks)
    finally:
        swapped.unlink()


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
