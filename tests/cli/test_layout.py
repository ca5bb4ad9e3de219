"""`inspect layout` makes the layout and a picture of it, before any training."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from inspect_app.cli.main import app
from span_train.contract.errors import InputError, LayoutError, SettingsError
from span_train.contract.layout import load_layout

RUNNER = CliRunner()


def layout(*arguments: object) -> str:
    """Run the command; errors come through, as `main` gets them."""
    result = RUNNER.invoke(app, ["layout", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_exemplars_layout_is_written_and_drawn(drawn_line: Path, tmp_path: Path) -> None:
    printed = layout(drawn_line, "--out", tmp_path / "out")
    assert load_layout(tmp_path / "out").names == ("body", "left_lead", "marking", "right_lead")
    assert "left_lead: " in printed
    assert "layout_picture.png" in printed
    with Image.open(tmp_path / "out" / "layout_picture.png") as picture:
        assert picture.size == (900, 640)


def test_statistics_find_as_many_parts_as_asked_for(drawn_line: Path, tmp_path: Path) -> None:
    printed = layout(
        drawn_line, "--from", "statistics", "--set", "layout.parts=3", "--out", tmp_path, "--json"
    )
    found = json.loads(printed)
    assert found["source"] == "statistics"
    assert list(found["parts"]) == ["region_1", "region_2", "region_3"]
    assert sum(found["parts"].values()) == pytest.approx(1.0)
    assert any("held out of learning" in remark for remark in found["remarks"])
    assert np.array_equal(load_layout(tmp_path).masks_khw.sum(axis=0), np.ones((64, 64)))


def test_it_may_be_made_again_into_the_same_folder(drawn_line: Path, tmp_path: Path) -> None:
    layout(drawn_line, "--out", tmp_path)
    layout(drawn_line, "--out", tmp_path)


@pytest.mark.parametrize(
    ("setting", "error", "expected"),
    [
        ("model.heads=4", LayoutError, "heads must stay free"),
        ("layout.exemplar=none.png", InputError, r"none\.png"),
        ("layout.masks=images", InputError, "images"),
        ("layout.part=3", SettingsError, "did you mean `parts`"),
    ],
)
def test_what_does_not_fit_is_refused(
    drawn_line: Path, tmp_path: Path, setting: str, error: type[Exception], expected: str
) -> None:
    with pytest.raises(error, match=expected):
        layout(drawn_line, "--set", setting, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_to_is_named(drawn_line: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file.out: cannot be written to"):
        layout(drawn_line, "--out", tmp_path / "file" / "out")
