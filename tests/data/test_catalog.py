"""Images are found, hashed by content, and damaged ones listed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from span_train.contract.errors import ImageError, InputError
from span_train.contract.settings import InputSettings
from span_train.data.catalog import content_hash, find_images, survey

Write = Callable[..., Path]


def test_images_are_found_below_folders_sorted_and_once(write_image: Write, tmp_path: Path) -> None:
    later = write_image("photos/b.PNG")
    first = write_image("photos/a/z.jpg")
    (tmp_path / "photos" / "notes.txt").write_text("no image")
    write_image("photos/.thumbnails/a.png")
    found = find_images((tmp_path / "photos", tmp_path / "photos" / "a"))
    assert found == (first, later)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(InputError, match="holds no image; expected files ending in"):
        find_images((tmp_path,))


def test_a_missing_folder_and_a_file_are_refused(write_image: Write, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none: does not exist"):
        find_images((tmp_path / "none",))
    with pytest.raises(InputError, match=r"a\.png: is a file"):
        find_images((write_image("a.png"),))


def test_equal_contents_have_equal_hashes(write_image: Write) -> None:
    assert content_hash(write_image("a.png", 1)) == content_hash(write_image("b.png", 1))
    assert content_hash(write_image("a.png", 1)) != content_hash(write_image("c.png", 2))


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"gone\.png: cannot be read"):
        content_hash(tmp_path / "gone.png")


def test_damaged_files_are_listed_and_stop_nothing(write_image: Write, tmp_path: Path) -> None:
    good = write_image("good.png")
    text = tmp_path / "text.png"
    text.write_text("no image")
    seen = survey((text, good, good), InputSettings())
    assert list(seen.hashes) == [good]
    assert [path for path, _ in seen.unreadable] == [text]
    assert "a text file" in seen.unreadable[0][1]
