"""The outlier score beside PaDiM: both learn from good images, and PaDiM is what its paper says."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from good_only import main
from padim import padim_scores

from span_train.contract.settings import LineSettings, dump_settings

TinyLine = Callable[..., LineSettings]
M, T, GRID, C = 30, 4, 4, 6


def test_padim_scores_a_mahalanobis_distance_at_its_own_place() -> None:
    random = torch.Generator().manual_seed(0)
    spread = torch.rand((GRID * GRID, C), generator=random) + 0.2
    good = torch.randn((M, GRID * GRID, C), generator=random) * spread
    test = good[:T].clone()
    test[1, 5] += 20 * spread[5]
    plain = padim_scores(good, test, side_px=GRID, sigma_px=0.01)
    mean, place = good[:, 5].mean(0), good[:, 5].numpy()
    covariance = np.cov(place, rowvar=False) + 0.01 * np.eye(C)
    delta = (test[1, 5] - mean).numpy()
    assert plain[1] == pytest.approx(np.sqrt(delta @ np.linalg.inv(covariance) @ delta), rel=1e-3)
    smoothed = padim_scores(good, test, side_px=32)
    assert smoothed.argmax() == 1
    assert smoothed[1] < plain[1]


@pytest.fixture
def line(tiny_line: TinyLine, drawn_line: Path, tmp_path: Path) -> Path:
    """The drawn line with nine more labelled good parts, to learn from."""
    rows = (drawn_line.parent / "labels.csv").read_text().splitlines()
    rows += [f"images/part_{number:04d}.png,good,,train" for number in range(9)]
    named = [row.replace("images/", f"{drawn_line.parent}/images/", 1) for row in rows]
    labels = tmp_path / "labels.csv"
    labels.write_text("\n".join(named) + "\n")
    file = tmp_path / "line.yaml"
    file.write_text(dump_settings(tiny_line(f"labels={labels}")))
    return file


def test_both_rank_the_test_parts_of_a_line(
    line: Path, pretrained_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "result.json"
    assert main([str(line), "--run", str(pretrained_run), "--out", str(out)]) == 0
    (row,) = json.loads(out.read_text())["rows"]
    assert row["good"] == 4 + 9
    assert row["test_parts"] == {"good": 4, "defective": 4}
    assert row["gain"][0] == pytest.approx(row["outlier"] - row["padim"])
    assert "4 good and 4 defective test parts; PaDiM by padim.py" in capsys.readouterr().out


def test_too_few_good_images_are_told(
    drawn_line: Path, pretrained_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(drawn_line), "--run", str(pretrained_run)]) == 3
    assert "good_only: 4 images to learn from that are not labelled" in capsys.readouterr().err


def test_an_environment_without_anomalib_is_told(
    line: Path, pretrained_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [str(line), "--run", str(pretrained_run), "--anomalib", "/bin/false"]
    assert main(asked) == 3
    assert "/bin/false: anomalib's PaDiM failed" in capsys.readouterr().err
