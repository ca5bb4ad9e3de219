"""The lines of the label-budget study: nothing of a test split is learnt from."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from budget_lines import line_of
from PIL import Image

from span_train.contract.errors import InputError
from span_train.contract.settings import read_settings
from span_train.data.demo_data import ELPV_SIZES
from span_train.data.splits import gather_images


def draw(folder: Path, count: int, first: int) -> None:
    folder.mkdir(parents=True)
    for number in range(first, first + count):
        pixels = np.random.default_rng(number).integers(0, 255, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    at = tmp_path / "data"
    for place, count, first in (
        ("casting/train/good", 12, 0),
        ("casting/train/defect", 12, 20),
        ("casting/test/good", 4, 40),
        ("casting/test/defect", 3, 60),
        ("metal_nut/good", 10, 80),
        ("metal_nut/bent", 4, 100),
        ("metal_nut/scratch", 4, 120),
    ):
        draw(at / place, count, first)
    return at


def counted(line: Path) -> dict[str, list[int]]:
    images = gather_images(read_settings(line))
    unlabelled, test = set(images.unlabelled), {image.path for image in images.test}
    assert not unlabelled & test
    assert unlabelled == {image.path for image in images.train}
    return {
        split: [
            sum((image.label == "good") == good for image in getattr(images, split))
            for good in (True, False)
        ]
        for split in ("train", "test")
    }


def test_castings_keep_their_test_split_and_are_one_in_five_defective(
    data: Path, tmp_path: Path
) -> None:
    shutil.copy(data / "casting" / "test" / "good" / "40.png", data / "casting" / "train" / "good")
    line = line_of("casting", tmp_path / "lines", data)
    assert counted(line) == {"train": [12, 3], "test": [4, 3]}
    assert line_of("casting", tmp_path / "lines", tmp_path / "nowhere") == line  # it is kept


def test_half_of_the_nuts_of_each_class_is_tested(data: Path, tmp_path: Path) -> None:
    line = line_of("metal_nut", tmp_path / "lines", data)
    assert counted(line) == {"train": [5, 4], "test": [5, 4]}
    settings = read_settings(line)
    assert settings.input.align == "ecc"
    learnt_from = {image.resolve() for image in gather_images(settings).unlabelled}
    assert settings.input.reference in learnt_from


def test_missing_images_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"casting: no images; give .* with --data"):
        line_of("casting", tmp_path / "lines", tmp_path)


@pytest.mark.slow
def test_the_demos_test_cells_stay_and_all_clear_cells_get_a_label(tmp_path: Path) -> None:
    pytest.importorskip("elpv_dataset.__about__", reason="the demo extra is not installed")
    images = gather_images(read_settings(line_of("mono", tmp_path, tmp_path)))
    assert len(images.test) == sum(ELPV_SIZES["test"])
    assert len(images.calibration) == sum(ELPV_SIZES["calibration"])
    defective = sum(image.label == "defective" for image in images.train)
    assert defective >= 80
    assert len(images.train) - defective >= 80
    held = {image.group for image in (*images.test, *images.calibration)}
    assert not held & {image.group for image in images.train}
