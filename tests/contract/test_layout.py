"""Masks on an exemplar become a layout, or an error that says which mask to redraw."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from span_train.contract.errors import LayoutError
from span_train.contract.layout import (
    Layout,
    check_areas,
    check_heads,
    layout_from_masks,
    load_layout,
    save_layout,
)

SHAPE = (40, 60)


def draw(path: Path, box: tuple[int, int, int, int], shape: tuple[int, int] = SHAPE) -> None:
    top, left, bottom, right = box
    mask = np.zeros(shape, np.uint8)
    mask[top:bottom, left:right] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask).save(path)


def layout(parts: int) -> Layout:
    masks_khw = np.zeros((parts, 16, 16), np.float32)
    masks_khw[:, :8] = 1
    return Layout(tuple(f"part_{k}" for k in range(parts)), masks_khw, "exemplar")


def test_parts_are_named_after_their_files_and_ordered_by_name(tmp_path: Path) -> None:
    draw(tmp_path / "lead.png", (0, 0, 10, 10))
    draw(tmp_path / "body.png", (20, 20, 40, 60))
    made = layout_from_masks(tmp_path, SHAPE)
    assert made.names == ("body", "lead")
    assert made.masks_khw.shape == (2, *SHAPE)
    assert made.masks_khw[0].sum() == 800
    assert made.remarks == ()


def test_masks_of_many_images_are_picked_by_the_exemplars_name(tmp_path: Path) -> None:
    for stem, bottom in (("a", 10), ("b", 20)):
        draw(tmp_path / "heart" / f"{stem}.png", (0, 0, bottom, 10))
        draw(tmp_path / "lung" / f"{stem}.png", (20, 20, 40, 60))
    made = layout_from_masks(tmp_path, SHAPE, "b")
    assert made.names == ("heart", "lung")
    assert made.masks_khw[0].sum() == 200


def test_an_exemplar_without_one_of_its_masks_is_refused(tmp_path: Path) -> None:
    draw(tmp_path / "heart" / "a.png", (0, 0, 10, 10))
    draw(tmp_path / "lung" / "b.png", (20, 20, 40, 60))
    with pytest.raises(LayoutError, match=r"lung.a\.png: does not exist; draw part lung on a"):
        layout_from_masks(tmp_path, SHAPE, "a")


def test_two_masks_of_one_part_are_refused(tmp_path: Path) -> None:
    draw(tmp_path / "heart.png", (0, 0, 10, 10))
    draw(tmp_path / "heart" / "a.png", (0, 0, 10, 10))
    with pytest.raises(LayoutError, match="two masks of one part"):
        layout_from_masks(tmp_path, SHAPE, "a")


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_a_folder_without_masks_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(LayoutError, match=f"{name}: no mask found"):
        layout_from_masks(tmp_path / name, SHAPE, "a")


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    draw(tmp_path / "lead.png", (0, 0, 10, 10), shape=(50, 60))
    with pytest.raises(LayoutError, match=r"lead\.png: 60x50 pixels, but the exemplar has 60x40"):
        layout_from_masks(tmp_path, SHAPE)


def test_an_empty_mask_is_refused(tmp_path: Path) -> None:
    draw(tmp_path / "lead.png", (0, 0, 0, 0))
    with pytest.raises(LayoutError, match=r"lead\.png: an empty mask; draw part lead"):
        layout_from_masks(tmp_path, SHAPE)


@pytest.mark.parametrize("content", [b"", b"no picture at all"])
def test_a_mask_that_is_no_image_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lead.png").write_bytes(content)
    with pytest.raises(LayoutError, match=r"lead\.png: is no readable PNG"):
        layout_from_masks(tmp_path, SHAPE)


def test_parts_that_share_more_than_a_twentieth_are_refused(tmp_path: Path) -> None:
    draw(tmp_path / "body.png", (0, 0, 40, 30))
    draw(tmp_path / "lead.png", (0, 28, 20, 48))
    with pytest.raises(LayoutError, match="parts body and lead share 10% of the smaller one"):
        layout_from_masks(tmp_path, SHAPE)


def test_a_small_overlap_is_only_remarked(tmp_path: Path) -> None:
    draw(tmp_path / "body.png", (0, 0, 40, 30))
    draw(tmp_path / "lead.png", (0, 29, 20, 59))
    made = layout_from_masks(tmp_path, SHAPE)
    assert made.remarks == ("body and lead overlap by 3.3%",)


@pytest.mark.parametrize(("heads", "most"), [(3, 1), (6, 4), (12, 8)])
def test_enough_heads_stay_free(heads: int, most: int) -> None:
    check_heads(layout(most), heads)
    with pytest.raises(LayoutError, match=f"has {most + 1} parts .* can hold {most}"):
        check_heads(layout(most + 1), heads)


def test_a_part_smaller_than_a_patch_is_refused() -> None:
    masks_khw = np.zeros((1, 64, 64), np.float32)
    masks_khw[0, :7, :9] = 1
    small = Layout(("pin",), masks_khw, "exemplar")
    check_areas(small, side_px=64, patch_px=7, how="stretch")
    with pytest.raises(LayoutError, match="part pin covers 63 pixels"):
        check_areas(small, side_px=64, patch_px=8, how="stretch")


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


@pytest.mark.parametrize("name", ["elsewhere", "free"])
def test_a_part_may_not_have_the_name_of_no_part(tmp_path: Path, name: str) -> None:
    Image.fromarray(np.full((8, 8), 255, np.uint8)).save(tmp_path / f"{name}.png")
    with pytest.raises(LayoutError, match=f"may not be called {name}"):
        layout_from_masks(tmp_path, (8, 8))
