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
    assert "patches" in printed
    with Image.open(tmp_path / "out" / "layout_picture.png") as picture:
        assert picture.size == (900, 666 + 326)


def test_statistics_find_as_many_parts_as_asked_for(drawn_line: Path, tmp_path: Path) -> None:
    printed = layout(
        drawn_line, "--from", "statistics", "--set", "layout.parts=3", "--out", tmp_path, "--json"
    )
    found = json.loads(printed)
    assert found["source"] == "statistics"
    assert list(found["parts"]) == ["region_1", "region_2", "region_3"]
    assert sum(found["parts"].values()) == pytest.approx(1.0)
    assert sum(found["patches"].values()) == pytest.approx(64.0)
    assert any("held out of learning" in remark for remark in found["remarks"])
    assert np.array_equal(load_layout(tmp_path).masks_khw.sum(axis=0), np.ones((64, 64)))


def test_a_line_that_aligns_without_an_exemplar_takes_its_most_typical_image(
    drawn_line: Path, tmp_path: Path
) -> None:
    chosen = ("--from", "statistics", "--set", "layout.exemplar=null", "--set", "layout.masks=null")
    printed = layout(drawn_line, *chosen, "--set", "input.align=ecc", "--out", tmp_path, "--json")
    assert len(json.loads(printed)["parts"]) == 4


def test_brightness_is_shown_with_what_it_found(drawn_line: Path, tmp_path: Path) -> None:
    settings = ("--from", "intensity", "--set", "layout.reach_patches=1.0")
    found = json.loads(layout(drawn_line, *settings, "--out", tmp_path, "--json"))
    assert found["source"] == "intensity"
    assert list(found["parts"]) == ["body", "left_lead", "marking", "right_lead"]
    assert any("part body is told by being" in remark for remark in found["remarks"])
    saved = load_layout(tmp_path)
    assert (saved.source, saved.masks_khw.shape) == ("intensity", (4, 64, 64))


def test_images_of_mixed_sizes_are_said(drawn_line: Path, tmp_path: Path) -> None:
    for place, size in enumerate([(96, 96), (96, 96), (120, 60)]):
        Image.new("RGB", size, "grey").save(tmp_path / f"{place}.png")
    settings = ("--set", f"images=[{tmp_path}]", "--set", "labels=null")
    found = json.loads(layout(drawn_line, *settings, "--out", tmp_path / "out", "--json"))
    expected = "1 of 3 images looked at have another aspect than the exemplar (96x96)"
    assert any(remark.startswith(expected) for remark in found["remarks"])


def test_images_that_cannot_be_read_are_no_samples(drawn_line: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    settings = ("--set", f"images=[{tmp_path}]", "--set", "labels=null")
    layout(drawn_line, *settings, "--out", tmp_path / "out")
    with Image.open(tmp_path / "out" / "layout_picture.png") as picture:
        assert picture.size == (900, 666)


def test_it_may_be_made_again_into_the_same_folder(drawn_line: Path, tmp_path: Path) -> None:
    layout(drawn_line, "--out", tmp_path)
    layout(drawn_line, "--out", tmp_path)


@pytest.mark.parametrize(
    ("setting", "error", "expected"),
    [
        ("model.heads=4", LayoutError, "heads must stay free"),
        ("layout.exemplar=none.png", InputError, r"none\.png"),
        ("layout.masks=images", InputError, "images"),
        ("layout.masks=labels.csv", LayoutError, "is neither PNG nor JSON"),
        ("layout.masks=masks/body.png", LayoutError, r"set layout\.names"),
        ("layout.exemplar=[exemplar.png, exemplar.png]", LayoutError, "has the same name as"),
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


@pytest.mark.parametrize(("kind", "file"), [("labelme", "exemplar.json"), ("coco", "coco.json")])
def test_drawn_parts_are_exported_and_read_back(
    drawn_line: Path, tmp_path: Path, kind: str, file: str
) -> None:
    layout(drawn_line, "--out", tmp_path, "--export", kind)
    before = load_layout(tmp_path)
    layout(drawn_line, "--set", f"layout.masks={tmp_path / file}", "--out", tmp_path / "again")
    assert load_layout(tmp_path / "again").digest() == before.digest()


def test_parts_that_nobody_drew_cannot_be_exported(drawn_line: Path, tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="only parts drawn on exemplars can be exported"):
        layout(drawn_line, "--from", "statistics", "--out", tmp_path, "--export", "coco")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "give --out FOLDER, or --edit to draw"),
        (("--edit", "--out", "x"), "--edit saves beside LINE.yaml"),
        (("--out", "x", "--exemplar", "a.png"), "--exemplar belongs to --edit"),
    ],
)
def test_options_that_do_not_go_together_are_a_usage_mistake(
    drawn_line: Path, arguments: tuple[str, ...], expected: str
) -> None:
    result = RUNNER.invoke(app, ["layout", str(drawn_line), *arguments])
    assert result.exit_code == 2
    assert expected in result.output


def test_an_editor_for_a_line_that_cannot_be_read_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.yaml: cannot be read"):
        layout(tmp_path / "none.yaml", "--edit", "--no-browser")
