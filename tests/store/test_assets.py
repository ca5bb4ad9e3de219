"""Pictures and maps beside the database: written whole, read back safely, mapped to the picture."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inspect_app.store.assets import Assets
from inspect_app.store.pictures import LONGEST_SIDE_PX
from span_train.contract.errors import StoreError
from span_train.contract.image import fit_geometry

KEY = "ab" + "0" * 62
MAPS = np.zeros((4, 4), np.float32), np.full((2, 4, 4), 1 / 16, np.float32)


@pytest.fixture
def assets(tmp_path: Path) -> Assets:
    """The folder beside a database that need not exist."""
    return Assets(tmp_path / "line.db.assets")


def test_files_lie_in_a_folder_named_after_the_database(assets: Assets, tmp_path: Path) -> None:
    names = assets.save_part(KEY, np.zeros((10, 20, 3), np.uint8), *MAPS)
    assert names == (f"ab/{KEY}.png", f"ab/{KEY}.npz")
    written = {path.name for path in (tmp_path / "line.db.assets" / "ab").iterdir()}
    assert written == {f"{KEY}.png", f"{KEY}.npz"}


@pytest.mark.parametrize(("height_px", "width_px"), [(900, 3000), (3000, 900), (1024, 500)])
def test_a_large_picture_is_kept_smaller_and_maps_still_fit_it(
    assets: Assets, height_px: int, width_px: int
) -> None:
    image = np.zeros((height_px, width_px, 3), np.uint8)
    image[height_px // 2 :, width_px // 2 :] = 255
    geometry = fit_geometry(height_px, width_px, 112, "letterbox")
    evidence_gg = np.zeros((14, 14), np.float32)
    row = int((0.75 * height_px * geometry.scale_y + geometry.offset_y_px) // 8)
    column = int((0.75 * width_px * geometry.scale_x + geometry.offset_x_px) // 8)
    evidence_gg[row, column] = 1
    picture, maps = assets.save_part(KEY, image, evidence_gg, MAPS[1])
    part = assets.load_part(picture, maps, geometry)
    assert max(part.picture.shape) <= LONGEST_SIDE_PX
    over = part.geometry.to_original(part.evidence_gg)
    assert over.shape == part.picture.shape[:2]
    y, x = np.unravel_index(int(np.argmax(over)), over.shape)
    assert part.picture[y, x].tolist() == [255, 255, 255]


def test_a_small_picture_keeps_its_pixels_and_colours(assets: Assets) -> None:
    image = np.random.default_rng(0).integers(0, 256, (7, 5, 3), np.uint8)
    names = assets.save_part(KEY, image, *MAPS)
    part = assets.load_part(*names, fit_geometry(7, 5, 112, "stretch"))
    np.testing.assert_array_equal(part.picture, image)


def test_a_missing_file_is_named(assets: Assets) -> None:
    with pytest.raises(StoreError, match=r"gone\.png: cannot be read"):
        assets.load_part("ab/gone.png", "ab/gone.npz", fit_geometry(7, 5, 112, "stretch"))


def test_damaged_files_are_named(assets: Assets) -> None:
    names = assets.save_part(KEY, np.zeros((7, 5, 3), np.uint8), *MAPS)
    geometry = fit_geometry(7, 5, 112, "stretch")
    (assets.folder / names[1]).write_bytes(b"PK\x03\x04 no maps")
    with pytest.raises(StoreError, match=r"npz: damaged"):
        assets.load_part(*names, geometry)
    (assets.folder / names[0]).write_bytes(b"no picture")
    with pytest.raises(StoreError, match=r"png: damaged"):
        assets.load_part(*names, geometry)


def test_pickled_maps_are_refused(assets: Assets) -> None:
    names = assets.save_part(KEY, np.zeros((7, 5, 3), np.uint8), *MAPS)
    with (assets.folder / names[1]).open("wb") as file:
        np.savez(file, evidence=np.array([{}], object), attention=MAPS[1])
    with pytest.raises(StoreError, match="damaged"):
        assets.load_part(*names, fit_geometry(7, 5, 112, "stretch"))


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd"])
def test_names_that_leave_the_folder_are_refused(assets: Assets, name: str) -> None:
    with pytest.raises(StoreError, match="leads outside"):
        assets.load_part(name, name, fit_geometry(7, 5, 112, "stretch"))


def test_a_file_is_never_seen_half_written(assets: Assets, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(StoreError, match=r"cannot be written .*No space left"):
        assets.save_part(KEY, np.zeros((7, 5, 3), np.uint8), *MAPS)
    assert list((assets.folder / "ab").iterdir()) == []


def test_layout_masks_come_back(assets: Assets) -> None:
    masks_khw = np.zeros((2, 8, 8), np.float32)
    masks_khw[1, 2:5] = 1
    np.testing.assert_array_equal(assets.load_layout(assets.save_layout("b", masks_khw)), masks_khw)


def test_geometry_of_a_small_picture_is_unchanged(assets: Assets) -> None:
    names = assets.save_part(KEY, np.zeros((7, 5, 3), np.uint8), *MAPS)
    geometry = replace(fit_geometry(7, 5, 112, "letterbox"))
    assert assets.load_part(*names, geometry).geometry == geometry
