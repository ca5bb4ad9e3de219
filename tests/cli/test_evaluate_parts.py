"""`inspect evaluate-parts` prints a table that can be read, and writes what it says."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from span_train.contract.settings import LineSettings
from span_train.data.splits import gather_images

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def masked(
    tiny_line: Callable[..., LineSettings], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Three test images with the exemplar's masks of two parts."""
    folder, settings = tmp_path_factory.mktemp("masked"), tiny_line()
    assert settings.layout.masks is not None
    (folder / "images").mkdir()
    for image in gather_images(settings).test[:3]:
        shutil.copy(image.path, folder / "images")
        for part in ("body", "marking"):
            (folder / "masks" / part).mkdir(parents=True, exist_ok=True)
            target = folder / "masks" / part / f"{image.path.stem}.png"
            shutil.copy(settings.layout.masks / f"{part}.png", target)
    return folder


def words(run: Path, masked: Path, out: Path) -> list[object]:
    folders = ["--images", masked / "images", "--masks", masked / "masks"]
    return ["evaluate-parts", "--run", run, *folders, "--out", out]


def test_the_table_has_a_line_a_part_and_the_gains(
    run_inspect: Run, pretrained_run: Path, masked: Path, tmp_path: Path
) -> None:
    shutil.copytree(pretrained_run, tmp_path / "another")
    asked = words(pretrained_run, masked, tmp_path / "parts.json")
    code, out, err = run_inspect(*asked, "--baseline", tmp_path / "another")
    assert (code, err) == (0, "note: left_lead, right_lead: in no image; left out of the mean\n")
    lines = out.splitlines()
    assert lines[0].split() == [
        *("part", "head", "template", "oracle", "chance", "in", "part", "pointing", "another")
    ]
    assert [line.split()[0] for line in lines[1:6]] == [
        *("body", "left_lead", "marking", "right_lead", "mean")
    ]
    assert lines[2].split()[1:] == ["-"] * 7
    found = json.loads((tmp_path / "parts.json").read_text(encoding="utf-8"))
    assert lines[1].split()[1] == f"{found['parts']['body']['ap']:.3f}"
    assert lines[5].split()[1] == f"{found['map']:.3f}"
    assert "above the template: " in out
    assert "above another (masked, prior weight 1; best head on the other images): " in out
    assert out.endswith(f"{tmp_path / 'parts.json'}, {tmp_path / 'parts.png'}\n")


def test_the_result_can_be_printed_as_json_and_the_sheet_put_elsewhere(
    run_inspect: Run, pretrained_run: Path, masked: Path, tmp_path: Path
) -> None:
    asked = words(pretrained_run, masked, tmp_path / "parts.json")
    sheet = tmp_path / "sheet.png"
    code, out, _ = run_inspect(*asked, "--json", "--seed", 3, "--sheet", sheet)
    assert code == 0
    assert json.loads(out) == json.loads((tmp_path / "parts.json").read_text(encoding="utf-8"))
    assert sheet.is_file()
    assert not (tmp_path / "parts.png").exists()


def test_what_does_not_fit_ends_with_code_3_and_one_line(
    run_inspect: Run, pretrained_run: Path, masked: Path, tmp_path: Path
) -> None:
    code, out, err = run_inspect(*words(tmp_path, masked, tmp_path / "parts.json"))
    assert (code, out) == (3, "")
    assert err.startswith(f"inspect: {tmp_path / 'run.json'}: cannot be read")
    code, _, err = run_inspect(*words(pretrained_run, tmp_path / "no", tmp_path / "parts.json"))
    assert (code, err.count("\n")) == (3, 1)
    assert not (tmp_path / "parts.json").exists()
