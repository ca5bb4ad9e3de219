"""Looking at images keeps little of each, also where the temporary folder is full."""

import errno
from pathlib import Path

import cv2
import numpy as np
import pytest

from span_train.check.look import Looks, look_at_all
from span_train.contract.settings import InputSettings


def looked_at(folder: Path) -> Looks:
    return look_at_all(sorted(folder.iterdir()), InputSettings(), lambda what, done, of: None)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Three images of rising brightness, and between them a file that is none."""
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((80, 90), 50 * number, np.uint8))
    (tmp_path / "1a.png").write_bytes(b"no image")
    return tmp_path


def test_each_thumbnail_stands_at_the_place_of_its_image(images: Path) -> None:
    looks = looked_at(images)
    assert [one.path.name for one in looks.images] == ["0.png", "1.png", "2.png"]
    assert [path.name for path, _ in looks.unreadable] == ["1a.png"]
    assert looks.thumbnails.shape == (3, 64, 64)
    assert looks.thumbnails.mean(axis=(1, 2)).tolist() == [0, 50, 100]


def test_thumbnails_stay_in_memory_where_the_temporary_folder_is_full(
    images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    looks = looked_at(images)
    assert not isinstance(looks.thumbnails, np.memmap)
    assert looks.thumbnails.mean(axis=(1, 2)).tolist() == [0, 50, 100]
