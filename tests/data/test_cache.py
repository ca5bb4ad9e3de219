"""Images are decoded once, kept whole or not at all, and decoded again when anything changes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from span_train.contract.errors import ImageError, InputError
from span_train.contract.image import fit, load_image
from span_train.contract.settings import InputSettings
from span_train.data import cache
from span_train.data.cache import image_cache

Write = Callable[..., Path]
SMALL = InputSettings(side_px=32)


@pytest.fixture
def paths(write_image: Write) -> list[Path]:
    """Five different images of different sizes."""
    return [write_image(f"photos/{n}.png", n, (20 + n, 30)) for n in range(5)]


def test_every_image_is_kept_as_fit_gives_it(paths: list[Path], tmp_path: Path) -> None:
    squares = image_cache(paths, SMALL, tmp_path / "cache")
    assert squares.shape == (5, 32, 32, 3)
    assert squares.dtype == np.uint8
    for path, square in zip(paths, squares, strict=True):
        assert np.array_equal(square, fit(load_image(path), 32)[0])


def test_it_is_used_again_without_decoding(
    paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = np.array(image_cache(paths, SMALL, tmp_path / "cache"))
    monkeypatch.setattr(cache, "load_image", lambda *_, **__: pytest.fail("decoded again"))
    assert np.array_equal(image_cache(paths, SMALL, tmp_path / "cache"), first)


def test_a_changed_image_order_or_setting_is_decoded_again(
    paths: list[Path], tmp_path: Path, write_image: Write
) -> None:
    first = np.array(image_cache(paths, SMALL, tmp_path / "cache"))
    turned = image_cache(paths[::-1], SMALL, tmp_path / "cache")
    assert np.array_equal(turned, first[::-1])
    letterbox = InputSettings(side_px=32, fit="letterbox")
    assert not np.array_equal(image_cache(paths, letterbox, tmp_path / "cache"), first)
    write_image("photos/0.png", seed=99)
    assert not np.array_equal(image_cache(paths, SMALL, tmp_path / "cache")[0], first[0])


def test_a_cut_file_is_made_anew(paths: list[Path], tmp_path: Path) -> None:
    first = np.array(image_cache(paths, SMALL, tmp_path / "cache"))
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(kept.read_bytes()[:500])
    assert np.array_equal(image_cache(paths, SMALL, tmp_path / "cache"), first)


def test_a_failure_leaves_nothing_behind(paths: list[Path], tmp_path: Path) -> None:
    paths[3].write_text("no image any more")
    with pytest.raises(ImageError, match=r"3\.png: a text file"):
        image_cache(paths, SMALL, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_named(paths: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file.cache: cannot keep .* MB of images there"):
        image_cache(paths, SMALL, tmp_path / "file" / "cache")


def test_no_image_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no image to keep"):
        image_cache((), SMALL, tmp_path)
