"""Images and their masks find each other by name; what does not fit is told by name."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from span_train.contract.errors import ImageError, InputError, LayoutError
from span_train.contract.settings import InputSettings
from span_train.evaluate.masked_images import drawn_parts, masked_images

HOW = InputSettings()
WriteImage = Callable[..., Path]


def draw_mask(file: Path, size: tuple[int, int] = (16, 16), inside: int = 255) -> None:
    mask = np.zeros(size, np.uint8)
    mask[4:8, 4:12] = inside
    file.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(file), mask)


@pytest.fixture
def folder(tmp_path: Path, write_image: WriteImage) -> Path:
    """Three images; `one` has two masks, `two` has one, `three` has none."""
    for number, name in enumerate(("one", "two", "three")):
        write_image(f"images/{name}.png", number)
    for name in ("lung/one", "lung/two", "heart/one"):
        draw_mask(tmp_path / "masks" / f"{name}.png")
    return tmp_path


def test_images_come_with_their_masks_and_those_without_are_left_out(folder: Path) -> None:
    chosen = masked_images(folder / "images", folder / "masks", ("heart", "lung"))
    assert [path.name for path in chosen.paths] == ["one.png", "two.png"]
    (image, both), (_, one) = chosen.read(HOW)
    assert (image.shape, both.shape, both.dtype) == ((16, 16, 3), (2, 16, 16), np.bool_)
    assert both.sum(axis=(1, 2)).tolist() == [32, 32]
    assert one.sum(axis=(1, 2)).tolist() == [0, 32]


def test_some_of_them_can_be_read_again_in_another_order(folder: Path) -> None:
    chosen = masked_images(folder / "images", folder / "masks", ("heart", "lung")).only([1, 0])
    assert [path.name for path in chosen.paths] == ["two.png", "one.png"]
    assert [masks.any(axis=(1, 2)).tolist() for _, masks in chosen.read(HOW)] == [
        [False, True],
        [True, True],
    ]


def test_the_folder_of_masks_tells_which_parts_were_drawn(folder: Path) -> None:
    (folder / "masks" / "empty").mkdir()
    assert drawn_parts(folder / "masks") == ("heart", "lung")


def test_equal_names_are_refused(folder: Path, write_image: WriteImage) -> None:
    write_image("images/again/one.png")
    with pytest.raises(InputError, match=r"one\.png: has the same name as .*cannot be told apart"):
        masked_images(folder / "images", folder / "masks", ("heart",))


def test_no_mask_at_all_is_refused(folder: Path) -> None:
    with pytest.raises(
        InputError, match=r"no mask <part>/<image stem>\.png of the parts spine for"
    ):
        masked_images(folder / "images", folder / "masks", ("spine",))
    with pytest.raises(InputError, match="is no folder"):
        masked_images(folder / "images", folder / "nowhere", ("heart",))


@pytest.mark.parametrize("content", [b"", b"not a picture"])
def test_a_mask_that_is_no_png_is_named(folder: Path, content: bytes) -> None:
    (folder / "masks" / "lung" / "two.png").write_bytes(content)
    chosen = masked_images(folder / "images", folder / "masks", ("lung",))
    with pytest.raises(LayoutError, match=r"lung/two\.png: no readable PNG.*has 16x16"):
        list(chosen.read(HOW))


def test_a_mask_of_another_size_is_named(folder: Path) -> None:
    draw_mask(folder / "masks" / "heart" / "one.png", (8, 20))
    chosen = masked_images(folder / "images", folder / "masks", ("heart",))
    with pytest.raises(LayoutError, match=r"20x8 pixels, but its image has 16x16"):
        list(chosen.read(HOW))


def test_a_damaged_image_is_named(folder: Path) -> None:
    (folder / "images" / "one.png").write_bytes(b"half")
    chosen = masked_images(folder / "images", folder / "masks", ("heart",))
    with pytest.raises(ImageError, match=r"one\.png"):
        list(chosen.read(HOW))
