import os
import sys
import traceback
from pathlib import Path

import pytest

from deploy.scoring.listing import FoldersToScore, list_images
from span_train.contract.errors import InputError


def test_images_come_in_order_of_their_names_folder_by_folder(part_folder: Path) -> None:
    names = [Path(place).name for place in list_images(part_folder)]
    assert names == [f"part_{number:02d}.png" for number in range(12)]


def test_hidden_files_and_other_kinds_are_left_out(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", ".hidden.png", "notes.txt", ".cache/c.png", "deep/er/d.tiff"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    found = [Path(place).relative_to(tmp_path).as_posix() for place in list_images(tmp_path)]
    assert found == ["a.jpg", "b.PNG", "deep/er/d.tiff"]


def test_a_link_that_leads_nowhere_is_listed_and_a_linked_folder_is_not(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "gone.png").symlink_to(tmp_path / "nothing")
    (tmp_path / "images" / "again").symlink_to(tmp_path / "images", target_is_directory=True)
    found = [Path(place).name for place in list_images(tmp_path / "images")]
    assert found == ["gone.png"]


def test_an_empty_folder_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match=r"holds no image; expected files ending in \.bmp"):
        list(list_images(tmp_path))


def listed(*inputs: Path | str) -> list[str]:
    return list(FoldersToScore(inputs))


def test_folders_inside_each_other_are_scored_once(part_folder: Path) -> None:
    inside = part_folder / "monday"
    one_file = inside / "part_00.png"
    given = FoldersToScore([inside, part_folder, one_file, part_folder / "."])
    assert given.told == (str(part_folder),)
    assert list(given) == listed(part_folder)
    assert listed(one_file) == [str(one_file)]


def test_a_missing_folder_and_a_foreign_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing: does not exist"):
        FoldersToScore([tmp_path / "nothing"])
    (tmp_path / "results.csv").touch()
    with pytest.raises(InputError, match=r"results\.csv: is no folder and no image"):
        FoldersToScore([tmp_path / "results.csv"])


@pytest.mark.parametrize(
    ("pattern", "numbers"),
    [
        ("**/*.png", range(12)),
        ("*day/part_0*.png", range(10)),
        ("monday/*.png", range(6)),
        ("monday/part_0[1-3].png", (1, 2, 3)),
        ("**/part_?7.png", (7,)),
        ("tuesday/**", range(6, 12)),
    ],
)
def test_a_pattern_chooses_images(part_folder: Path, pattern: str, numbers: range) -> None:
    names = [Path(place).name for place in listed(part_folder / pattern)]
    assert names == [f"part_{number:02d}.png" for number in numbers]


def test_patterns_that_overlap_give_each_image_once(part_folder: Path) -> None:
    found = listed(part_folder / "*/*_0?.png", part_folder / "**/*.png", part_folder / "monday")
    assert len(found) == len(set(found)) == 12


def test_a_pattern_that_fits_nothing_is_named(part_folder: Path) -> None:
    with pytest.raises(InputError, match=r"\*\.jpg: fits no image; write \*\*"):
        listed(part_folder / "*.jpg")
    with pytest.raises(InputError, match="there is no folder"):
        listed(part_folder / "sunday" / "*.png")


def test_a_file_with_a_star_in_its_name_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "a*.png").touch()
    (tmp_path / "ab.png").touch()
    assert listed(tmp_path / "a*.png") == [str(tmp_path / "a*.png")]


def test_a_folder_of_very_many_names_is_sorted_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number * 7919 % 1000:03d} line\n\udcff.png" for number in range(100)]
    for name in names:
        (tmp_path / name).touch()
    monkeypatch.setattr("deploy.scoring.listing._NAMES_IN_MEMORY", 7)
    assert listed(tmp_path) == [str(tmp_path / name) for name in sorted(names)]


def test_folders_that_lie_very_deep_are_listed(tmp_path: Path) -> None:
    deep = str(tmp_path)
    for _ in range(200):
        deep += "/d"
        os.mkdir(deep)
    Path(deep, "a.png").touch()
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(traceback.extract_stack()) + 100)
    try:
        found = listed(tmp_path)
    finally:
        sys.setrecursionlimit(before)
    assert found == [f"{deep}/a.png"]


def test_folders_linked_in_a_ring_are_walked_once(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one.png").touch()
    (tmp_path / "a" / "b" / "back").symlink_to(tmp_path / "a", target_is_directory=True)
    (tmp_path / "a" / "self.png").symlink_to("self.png")
    assert [Path(place).name for place in listed(tmp_path)] == ["one.png", "self.png"]
    assert listed(tmp_path / "**" / "one.png") == [str(tmp_path / "a" / "one.png")]
