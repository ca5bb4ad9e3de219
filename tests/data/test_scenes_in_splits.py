"""Copies of one scene, moved and lit anew, stay on one side of a split where that is asked."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from span_train.contract.settings import LineSettings, settings_from_dict
from span_train.data.splits import gather_images

COPIED = (0, 5, 9, 14)


@pytest.fixture
def line_of(plates: Path, tmp_path: Path) -> Callable[..., LineSettings]:
    """24 plates, and copies of four of them, moved by two pixels and brighter."""
    photos = Path(shutil.copytree(plates, tmp_path / "photos"))
    for number in COPIED:
        plate = np.array(Image.open(photos / f"plate{number:02}.png"))
        moved = np.roll(plate, 2, axis=1).astype(np.int16) + 6
        copied = Image.fromarray(moved.clip(0, 255).astype(np.uint8))
        copied.save(photos / f"copy{number:02}.png")

    def settings(rows: dict[str, str], look_alikes: str = "together") -> LineSettings:
        splits = "," if all(rows.values()) else ""
        lines = [f"photos/{name}.png,good{splits}{split}" for name, split in rows.items()]
        columns = "image_path,label" + (",split" if splits else "")
        (tmp_path / "labels.csv").write_text("\n".join([columns, *lines]))
        raw: dict[str, object] = {"name": "plates", "images": ["photos"], "labels": "labels.csv"}
        raw |= {"splits": {"look_alikes": look_alikes}}
        return settings_from_dict(raw, tmp_path, "line.yaml")

    return settings


def every_name() -> dict[str, str]:
    plates = [f"plate{number:02}" for number in range(24)]
    return dict.fromkeys([*plates, *(f"copy{number:02}" for number in COPIED)], "")


def test_a_plate_and_its_copy_are_dealt_into_one_split_as_one_part(
    line_of: Callable[..., LineSettings],
) -> None:
    images = gather_images(line_of(every_name()))
    split_of = {
        image.path.stem: (split, image.group)
        for split in ("train", "calibration", "test")
        for image in getattr(images, split)
    }
    assert len(split_of) == 28
    for number in COPIED:
        split, group = split_of[f"plate{number:02}"]
        assert split_of[f"copy{number:02}"] == (split, group)
        assert group is not None
        assert group.startswith("scene ")
    assert split_of["plate01"][1] is None
    assert images.torn == ()


def test_the_unlabelled_copy_of_a_test_plate_is_not_learnt_from(
    line_of: Callable[..., LineSettings],
) -> None:
    rows = {"plate00": "test", "plate05": "train", "plate01": "calibration"}
    together, apart = line_of(rows), line_of(rows, "ignore")
    assert {p.stem for p in gather_images(apart).unlabelled} >= {"copy00", "copy05"}
    learnt = {path.stem for path in gather_images(together).unlabelled}
    assert "copy00" not in learnt
    assert {"copy05", "plate05", "copy09"} <= learnt


def test_look_alikes_that_the_labels_tear_apart_are_named(
    line_of: Callable[..., LineSettings],
) -> None:
    rows = {"plate00": "test", "copy00": "train", "plate05": "train", "copy05": "train"}
    (torn,) = gather_images(line_of(rows)).torn
    assert "copy00.png (train)" in torn
    assert "plate00.png (test)" in torn
    assert gather_images(line_of(rows, "ignore")).torn == ()
