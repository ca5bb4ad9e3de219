"""No physical part and no content lies on both sides of a split, and nothing is lost on the way."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from span_train.contract.errors import InputError, LabelError, SettingsError
from span_train.contract.settings import LineSettings, settings_from_dict
from span_train.data.splits import LineImages, gather_images

Write = Callable[..., Path]
SPLITS = ("train", "calibration", "test")


@pytest.fixture
def line_of(tmp_path: Path, write_image: Write) -> Callable[..., LineSettings]:
    """40 different images, the first `labelled` of them labelled; every fourth is defective."""
    for number in range(40):
        write_image(f"photos/P{number // 2:02d}_{number:02d}.png", number)

    def settings(rows: str | None = None, **more: object) -> LineSettings:
        raw: dict[str, object] = {"name": "line", "images": ["photos"], **more}
        if rows is not None:
            (tmp_path / "labels.csv").write_text(rows, encoding="utf-8")
            raw["labels"] = "labels.csv"
        return settings_from_dict(raw, tmp_path, "line.yaml")

    return settings


def name(number: int) -> str:
    return f"photos/P{number // 2:02d}_{number:02d}.png"


def rows_of(numbers: range, columns: str = "image_path,label", more: str = "") -> str:
    lines = [f"{name(n)},{'bent' if n % 4 == 3 else 'good'}{more}" for n in numbers]
    return "\n".join([columns, *lines]) + "\n"


def names(images: LineImages, split: str) -> set[str]:
    return {image.path.name for image in getattr(images, split)}


def test_without_labels_everything_is_learnt_from(line_of: Callable[..., LineSettings]) -> None:
    images = gather_images(line_of())
    assert len(images.unlabelled) == 40
    assert not images.train + images.calibration + images.test
    assert "no labels" in images.remarks[-1]


def test_each_class_is_dealt_out_by_its_share(line_of: Callable[..., LineSettings]) -> None:
    shares = {"train": 0.5, "calibration": 0.25}
    images = gather_images(line_of(rows_of(range(32)), splits=shares))
    counts = {
        split: [sum(image.label == label for image in getattr(images, split)) for label in labels]
        for labels in [("good", "bent")]
        for split in SPLITS
    }
    assert counts == {"train": [12, 4], "calibration": [6, 2], "test": [6, 2]}


def test_the_seed_decides_and_the_place_of_the_folder_does_not(
    line_of: Callable[..., LineSettings], tmp_path: Path
) -> None:
    settings = line_of(rows_of(range(32)))
    images = gather_images(settings)
    assert gather_images(settings).digest() == images.digest()
    other = gather_images(line_of(rows_of(range(32)), splits={"seed": 1}))
    assert other.digest() != images.digest()
    moved = tmp_path / "moved"
    shutil.copytree(tmp_path / "photos", moved / "photos")
    shutil.copy(tmp_path / "labels.csv", moved)
    raw = {"name": "line", "images": ["photos"], "labels": "labels.csv"}
    assert gather_images(settings_from_dict(raw, moved, "x")).digest() == images.digest()


def test_calibration_and_test_images_are_never_learnt_from(
    line_of: Callable[..., LineSettings],
) -> None:
    images = gather_images(line_of(rows_of(range(32))))
    held = names(images, "calibration") | names(images, "test")
    learnt = {path.name for path in images.unlabelled}
    assert not held & learnt
    assert names(images, "train") <= learnt
    assert len(learnt) + len(held) == 40


def test_a_copy_of_a_test_image_is_not_learnt_from(
    line_of: Callable[..., LineSettings], tmp_path: Path
) -> None:
    shutil.copy(tmp_path / name(0), tmp_path / "photos" / "copy.png")
    images = gather_images(
        line_of(rows_of(range(4), "image_path,label,split", ",test"), good_class="good")
    )
    assert "copy.png" not in {path.name for path in images.unlabelled}
    assert len(images.unlabelled) == 36


@pytest.mark.parametrize("seed", range(4))
def test_images_of_one_part_stay_together(line_of: Callable[..., LineSettings], seed: int) -> None:
    pattern = {"group_pattern": r"^(P\d+)_", "seed": seed}
    images = gather_images(line_of(rows_of(range(0, 39, 3)), splits=pattern))
    parts = {split: {n[:3] for n in names(images, split)} for split in SPLITS}
    learnt = {path.name[:3] for path in images.unlabelled}
    assert not parts["train"] & parts["calibration"]
    assert not parts["train"] & parts["test"]
    assert not parts["calibration"] & parts["test"]
    assert not learnt & (parts["calibration"] | parts["test"])


def test_equal_images_stay_together(line_of: Callable[..., LineSettings], tmp_path: Path) -> None:
    rows = rows_of(range(20))
    for number in range(0, 20, 2):
        shutil.copy(tmp_path / name(number), tmp_path / f"photos/copy_{number}.png")
        rows += f"photos/copy_{number}.png,good\n"
    images = gather_images(line_of(rows))
    contents = [{images.hashes[i.path] for i in getattr(images, split)} for split in SPLITS]
    assert len(set.union(*contents)) == sum(map(len, contents)) == 20


def test_groups_join_over_equal_images(
    line_of: Callable[..., LineSettings], tmp_path: Path
) -> None:
    """A in group 1 equals B in group 2, so both groups are one unit."""
    shutil.copy(tmp_path / name(0), tmp_path / "photos" / "copy.png")
    rows = "image_path,label,group,split\n"
    rows += f"{name(0)},good,one,train\n{name(1)},good,one,train\n"
    rows += f"photos/copy.png,good,two,train\n{name(2)},good,two,test\n"
    with pytest.raises(LabelError, match=r"1 parts .* lie in two splits"):
        gather_images(line_of(rows))


def test_the_labels_own_splits_win(line_of: Callable[..., LineSettings]) -> None:
    rows = "image_path,label,split\n"
    rows += f"{name(0)},good,train\n{name(2)},good,calibration\n{name(4)},bent,test\n"
    images = gather_images(line_of(rows))
    assert names(images, "calibration") == {Path(name(2)).name}
    assert "the train split has no defective image" in images.remarks
    assert "the test split has no good image" in images.remarks


def test_a_group_in_two_splits_is_refused(line_of: Callable[..., LineSettings]) -> None:
    rows = "image_path,label,group,split\n"
    rows += f"{name(0)},good,P0,train\n{name(1)},good,P0,test\n"
    with pytest.raises(LabelError, match=r"P00_00\.png \(train\), .*P00_01\.png \(test\)"):
        gather_images(line_of(rows))


def test_a_half_filled_split_column_is_refused(line_of: Callable[..., LineSettings]) -> None:
    rows = f"image_path,label,split\n{name(0)},good,train\n{name(1)},good,\n"
    with pytest.raises(LabelError, match="1 of 2 rows have no split"):
        gather_images(line_of(rows))


def test_unreadable_files_are_left_out_and_listed(
    line_of: Callable[..., LineSettings], tmp_path: Path
) -> None:
    (tmp_path / name(0)).write_bytes((tmp_path / name(0)).read_bytes()[:60])
    (tmp_path / "photos" / "notes.png").write_text("no image")
    images = gather_images(line_of(rows_of(range(8))))
    assert [path.name for path, _ in images.unreadable] == ["P00_00.png", "notes.png"]
    labelled = names(images, "train") | names(images, "calibration") | names(images, "test")
    assert len(labelled) == 7
    assert "2 files cannot be read and are left out" in images.remarks


def test_nothing_left_to_learn_from_is_an_error(
    line_of: Callable[..., LineSettings],
) -> None:
    rows = rows_of(range(40), "image_path,label,split", ",test")
    with pytest.raises(InputError, match="no image is left to learn from"):
        gather_images(line_of(rows))


@pytest.mark.parametrize(
    ("pattern", "expected"), [("(P", "is no regex"), (r"P\d+", "has no group")]
)
def test_a_pattern_that_names_no_part_is_refused(
    line_of: Callable[..., LineSettings], pattern: str, expected: str
) -> None:
    with pytest.raises(SettingsError, match=expected):
        gather_images(line_of(splits={"group_pattern": pattern}))
