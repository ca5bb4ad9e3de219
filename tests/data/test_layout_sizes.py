"""Images of another aspect than the exemplar are said, with what becomes of them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from span_train.data.layout_sizes import size_remarks

Write = Callable[..., Path]


def test_one_aspect_needs_no_remark(write_image: Write) -> None:
    images = [write_image("a.png", size=(20, 40)), write_image("b.png", size=(40, 80))]
    assert size_remarks(images, None, "stretch") == ()
    assert size_remarks(images, (400, 200), "stretch") == ()
    assert size_remarks([], None, "stretch") == ()


@pytest.mark.parametrize("how", ["stretch", "letterbox", "crop"])
def test_mixed_aspects_are_said(write_image: Write, how: str) -> None:
    images = [write_image(f"{place}.png", size=(20, 20)) for place in range(3)]
    images.append(write_image("odd.png", size=(20, 30)))
    (remark,) = size_remarks(images, None, how)  # type: ignore[arg-type]
    assert remark.startswith(
        "1 of 4 images looked at have another aspect than most (20x20), such as 30x20"
    )
    (remark,) = size_remarks(images, (60, 40), how)  # type: ignore[arg-type]
    assert "3 of 4 images looked at have another aspect than the exemplar (60x40)" in remark


def test_turned_photographs_and_unreadable_files_are_no_trouble(
    write_image: Write, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20)).save(tmp_path / "turned.jpg", exif=exif)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    images = [write_image("a.png", size=(30, 20)), tmp_path / "turned.jpg", tmp_path / "broken.png"]
    assert size_remarks(images, None, "stretch") == ()
