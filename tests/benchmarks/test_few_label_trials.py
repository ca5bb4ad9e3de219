"""Trials on few labels run on a real run, one file each, and are not run twice."""

import json
from pathlib import Path

import few_label_trials
import numpy as np
import pytest
from made_defects import MAKERS

from span_train.contract.settings import read_settings
from span_train.data.demo_data import draw_line
from span_train.data.splits import gather_images
from span_train.pretrain.run import pretrain


@pytest.mark.parametrize("name", list(MAKERS))
def test_changed_copies_differ_a_little_and_are_the_same_for_a_seed(name: str) -> None:
    random = np.random.default_rng(0)
    squares = random.integers(60, 200, (4, 64, 64, 3), np.uint8)
    masks = np.zeros((2, 64, 64), np.float32)
    masks[0, :32], masks[1, 40:, 40:] = 1, 1
    before = squares.copy()
    made = MAKERS[name](squares, masks, np.random.default_rng(3))
    np.testing.assert_array_equal(squares, before)
    assert made.shape == squares.shape
    assert all((one != other).any() for one, other in zip(made, squares, strict=True))
    np.testing.assert_array_equal(made, MAKERS[name](squares, masks, np.random.default_rng(3)))
    if name == "pasted":
        assert ((made != squares).any(-1).mean((1, 2)) < 0.05).all()


def test_trials_are_run_once_and_compared_with_the_head_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = draw_line(tmp_path / "line", unlabelled=45, train=1, calibration=2, test=2)
    small = ("pretrain.steps=1", "pretrain.batch_size=4", "pretrain.device=cpu", "model.depth=2")
    pretrain(read_settings(line, small), tmp_path / "run")
    paths = gather_images(read_settings(line)).unlabelled
    grades = tmp_path / "grades.csv"
    grades.write_text("\n".join(f"{p.name} {n % 2}.0" for n, p in enumerate(paths)))
    monkeypatch.setattr(few_label_trials, "SEEDS", 2)
    monkeypatch.setattr(few_label_trials, "LABELS", (0, 5))
    names = [
        "as it is",
        "input of 144 px",
        "made defects, pasted",
        "labelled images with a quarter of their tokens dropped",
        "self-training",
        "beside their 3 x 3 averages",
        "part token of the largest",
        "largest of each number, both signs",
        "scores whatever the place",
    ]
    words = [line, "--run", tmp_path / "run", "--grades", grades, "--out", tmp_path / "out"]
    arguments = [str(word) for word in words]
    assert few_label_trials.main([*arguments, "--only", *names]) == 0
    files = sorted((tmp_path / "out").iterdir())
    assert len(files) == len(names)
    kept = json.loads((tmp_path / "out" / "self-training.json").read_text())
    assert np.array(kept["z"]["5"]).shape == (2, len(paths))
    times = [file.stat().st_mtime_ns for file in files]
    capsys.readouterr()
    assert few_label_trials.main([*arguments, "--only", *names]) == 0
    assert times == [file.stat().st_mtime_ns for file in files]
    assert "| self-training | 0." in capsys.readouterr().out
