"""A layout fits the network or says why not, and is read back as it was saved."""

import json
from pathlib import Path

import numpy as np
import pytest

from span_train.contract.errors import LayoutError
from span_train.contract.layout import (
    Layout,
    check_areas,
    check_heads,
    check_name,
    load_layout,
    most_parts,
    save_layout,
)


def layout(parts: int) -> Layout:
    masks_khw = np.zeros((parts, 16, 16), np.float32)
    masks_khw[:, :8] = 1
    return Layout(tuple(f"part_{k}" for k in range(parts)), masks_khw, "exemplar")


@pytest.mark.parametrize(("heads", "most"), [(3, 1), (6, 4), (12, 8)])
def test_enough_heads_stay_free(heads: int, most: int) -> None:
    assert most_parts(heads) == most
    check_heads(layout(most), heads)
    with pytest.raises(LayoutError, match=f"has {most + 1} parts .* can hold {most}") as refused:
        check_heads(layout(most + 1), heads)
    assert "merge parts or choose a model with more heads" in str(refused.value)


def test_a_part_smaller_than_a_patch_is_refused() -> None:
    masks_khw = np.zeros((1, 64, 64), np.float32)
    masks_khw[0, :7, :9] = 1
    small = Layout(("pin",), masks_khw, "exemplar")
    check_areas(small, side_px=64, patch_px=7, how="stretch")
    with pytest.raises(LayoutError, match=r"part pin covers 63 pixels .* less than one patch"):
        check_areas(small, side_px=64, patch_px=8, how="stretch")


def test_soft_masks_count_by_what_they_hold() -> None:
    soft = Layout(("pin",), np.full((1, 32, 32), 0.25, np.float32), "exemplar")
    assert soft.patches(32, 8, "stretch") == pytest.approx((4.0,))


def test_a_saved_layout_reads_back_the_same(tmp_path: Path) -> None:
    saved = layout(3)
    save_layout(saved, tmp_path)
    again = load_layout(tmp_path)
    assert again.names == saved.names
    assert np.array_equal(again.masks_khw, saved.masks_khw)
    assert again.digest() == saved.digest()


def test_masks_and_names_of_two_layouts_do_not_pass_as_one(tmp_path: Path) -> None:
    save_layout(layout(2), tmp_path)
    text = json.loads((tmp_path / "layout.json").read_text())
    text["parts"] = ["part_0", "part_x"]
    (tmp_path / "layout.json").write_text(json.dumps(text))
    with pytest.raises(LayoutError, match="do not belong together"):
        load_layout(tmp_path)


@pytest.mark.parametrize("text", ["{}", "no json", '{"parts": []}', '{"parts": ["a", "b"]}'])
def test_a_damaged_layout_file_is_refused(tmp_path: Path, text: str) -> None:
    save_layout(layout(2), tmp_path)
    (tmp_path / "layout.json").write_text(text)
    with pytest.raises(LayoutError):
        load_layout(tmp_path)


def test_fitted_masks_follow_the_image() -> None:
    fitted = layout(1).fitted(32, "stretch")
    assert fitted.shape == (1, 32, 32)
    assert fitted[0, :15].min() == 1
    assert fitted[0, 17:].max() == 0


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_a_layout_of_another_version_is_refused(tmp_path: Path, version: object) -> None:
    save_layout(layout(2), tmp_path)
    text = json.loads((tmp_path / "layout.json").read_text())
    (tmp_path / "layout.json").write_text(json.dumps(text | {"version": version}))
    with pytest.raises(LayoutError, match=r"layout\.json: version .* this program reads 1"):
        load_layout(tmp_path)


@pytest.mark.parametrize("name", ["elsewhere", "free"])
def test_a_part_may_not_have_the_name_of_no_part(name: str) -> None:
    with pytest.raises(LayoutError, match=f"masks: a part may not be called {name}"):
        check_name(name, "masks")


@pytest.mark.parametrize("name", ["", " ", " pin", "pin ", "a/b", "..\\pin", "pin\n"])
def test_a_name_that_is_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(LayoutError, match="a part is called"):
        check_name(name, "masks")


@pytest.mark.parametrize("name", ["pin", "left lead", "Anschluß_1", "引脚"])
def test_names_may_be_in_any_language(name: str) -> None:
    check_name(name, "masks")
