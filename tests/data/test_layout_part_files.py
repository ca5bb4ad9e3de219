"""One mask PNG a part: found by name, or refused with what to redraw."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from span_train.contract.errors import LayoutError
from span_train.data.layout_part_files import read_part_files
from tests.data.layout_drawings import BODY, LEAD, SHAPE, draw, mask


def test_parts_are_named_after_their_files(tmp_path: Path) -> None:
    draw(tmp_path / "lead.png", LEAD)
    draw(tmp_path / "body.png", BODY)
    parts = read_part_files(tmp_path, "a", ["a"], SHAPE)
    assert list(parts) == ["body", "lead"]
    assert np.array_equal(parts["body"], mask(BODY))


def test_masks_of_many_images_are_picked_by_the_exemplars_name(tmp_path: Path) -> None:
    draw(tmp_path / "heart" / "a.png", LEAD)
    draw(tmp_path / "heart" / "b.png", BODY)
    parts = read_part_files(tmp_path, "b", ["b"], SHAPE)
    assert np.array_equal(parts["heart"], mask(BODY))


def test_only_one_exemplar_needs_all_its_parts(tmp_path: Path) -> None:
    draw(tmp_path / "heart" / "a.png", LEAD)
    draw(tmp_path / "lung" / "b.png", BODY)
    with pytest.raises(LayoutError, match=r"lung.a\.png: does not exist; draw part lung on a"):
        read_part_files(tmp_path, "a", ["a"], SHAPE)
    assert list(read_part_files(tmp_path, "a", ["a", "b"], SHAPE)) == ["heart"]


def test_two_masks_of_one_part_are_refused(tmp_path: Path) -> None:
    draw(tmp_path / "heart.png", LEAD)
    draw(tmp_path / "heart" / "a.png", LEAD)
    with pytest.raises(LayoutError, match="two masks of one part"):
        read_part_files(tmp_path, "a", ["a"], SHAPE)


def test_one_mask_for_two_exemplars_is_refused(tmp_path: Path) -> None:
    draw(tmp_path / "heart.png", LEAD)
    with pytest.raises(
        LayoutError, match=r"2 exemplars, but one mask; .* <part>/<exemplar's name>"
    ):
        read_part_files(tmp_path, "a", ["a", "b"], SHAPE)


def test_a_folder_without_masks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match=f"{tmp_path.name}: no mask found of a"):
        read_part_files(tmp_path, "a", ["a"], SHAPE)


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    draw(tmp_path / "lead.png", LEAD, shape=(50, 60))
    with pytest.raises(LayoutError, match=r"lead\.png: 60x50 pixels, but the exemplar has 60x40"):
        read_part_files(tmp_path, "a", ["a"], SHAPE)


def test_an_empty_mask_is_refused_with_its_largest_value(tmp_path: Path) -> None:
    Image.fromarray(mask(LEAD).astype(np.uint8)).save(tmp_path / "lead.png")
    with pytest.raises(LayoutError, match=r"lead\.png: an empty mask \(largest value 1 of 255\)"):
        read_part_files(tmp_path, "a", ["a"], SHAPE)


@pytest.mark.parametrize("content", [b"", b"no picture at all"])
def test_a_mask_that_is_no_image_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lead.png").write_bytes(content)
    with pytest.raises(LayoutError, match=r"lead\.png: is no readable PNG"):
        read_part_files(tmp_path, "a", ["a"], SHAPE)
