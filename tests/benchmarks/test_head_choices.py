"""The comparison of head choices runs on a real run, and keeps to the unlabelled pool."""

import json
from collections.abc import Callable
from pathlib import Path

import head_choices
import pytest

from span_train.contract.settings import read_settings
from span_train.data.demo_data import draw_line
from span_train.data.splits import gather_images
from span_train.pretrain.run import pretrain


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("head_choices")
    return draw_line(folder / "line", unlabelled=30, train=1, calibration=2, test=2)


@pytest.fixture(scope="module")
def run(line: Path) -> Path:
    small = ("pretrain.steps=1", "pretrain.batch_size=4", "pretrain.device=cpu", "model.depth=2")
    pretrain(read_settings(line, small), line.parent.parent / "run")
    return line.parent.parent / "run"


@pytest.fixture
def grades(line: Path, tmp_path: Path) -> Path:
    """Any truth will do here: every other image is called defective, one is called unclear."""
    paths = gather_images(read_settings(line)).unlabelled
    rows = [f"{path.name} {number % 2}.0 mono" for number, path in enumerate(paths)]
    table = tmp_path / "labels.csv"
    table.write_text("\n".join([*rows[:-1], f"{paths[-1].name},0.33"]), encoding="utf-8")
    return table


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_choices, "DRAWS", 1)
    monkeypatch.setattr(head_choices, "LABELS", (5, 400))
    monkeypatch.setattr(head_choices, "STRENGTHS", (10.0,))


@pytest.mark.usefixtures("quick")
def test_it_measures_every_choice(
    line: Path, run: Path, grades: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "found.json"
    arguments = [line, "--run", run, "--grades", grades, "--out", out]
    assert head_choices.main([str(word) for word in arguments]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["images"] == {"unlabelled": 32, "good": 16, "defective": 15}
    assert set(found["statistics"]) == {"block 1", "block 2"}
    assert set(found["strengths"]) == {"5"}
    said = capsys.readouterr().out
    for name in (*head_choices.STATISTICS, "outlier score alone", "strength 10"):
        assert name in said


def test_images_without_a_grade_are_told(
    line: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("images/other.png 1.0 mono\n", encoding="utf-8")
    arguments = [line, "--run", run, "--grades", table]
    assert head_choices.main([str(word) for word in arguments]) == 3
    assert "0 of 32 unlabelled images have a grade of 0 or 1" in capsys.readouterr().err


def test_calibration_and_test_images_take_no_part(
    line: Path, run: Path, grades: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []
    real: Callable[..., object] = head_choices.Looked

    def looked(backbone: object, settings: object, paths: list[Path], cache: Path) -> object:
        seen.append({path.name for path in paths})
        return real(backbone, settings, paths, cache)

    monkeypatch.setattr(head_choices, "Looked", looked)
    network = head_choices.Network(read_settings(line), head_choices.load_pretrained(run))
    truth = head_choices.read_grades(grades)
    head_choices.look_at_pool(network, truth, (1,), line.parent.parent / "cache")
    images = gather_images(read_settings(line))
    held = {image.path.name for image in (*images.calibration, *images.test)}
    assert seen
    assert not seen[0] & held
