import os
from pathlib import Path

import pytest

from deploy.scoring.listing import list_images, score_roots
from span_train.contract.errors import InputError


def test_images_come_in_order_of_their_names_folder_by_folder(part_folder: Path) -> None:
    names = [path.name for path in list_images(part_folder)]
    assert names == [f"part_{number:02d}.png" for number in range(12)]


def test_hidden_files_and_other_kinds_are_left_out(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", ".hidden.png", "notes.txt", ".cache/c.png", "deep/er/d.tiff"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    found = [path.relative_to(tmp_path).as_posix() for path in list_images(tmp_path)]
    assert found == ["a.jpg", "b.PNG", "deep/er/d.tiff"]


def test_a_link_that_leads_nowhere_is_listed_and_a_linked_folder_is_not(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "gone.png").symlink_to(tmp_path / "nothing")
    (tmp_path / "images" / "again").symlink_to(tmp_path / "images", target_is_directory=True)
    assert [path.name for path in list_images(tmp_path / "images")] == ["gone.png"]


def test_an_empty_folder_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match=r"holds no image; expected files ending in \.bmp"):
        list(list_images(tmp_path))


def test_folders_inside_each_other_are_scored_once(part_folder: Path) -> None:
    inside = part_folder / "monday"
    one_file = inside / "part_00.png"
    assert score_roots([inside, part_folder, one_file, part_folder / "."]) == (part_folder,)
    assert score_roots([one_file]) == (one_file,)
    assert list(list_images(one_file)) == [one_file]


def test_a_missing_folder_and_a_foreign_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing: does not exist"):
        score_roots([tmp_path / "nothing"])
    (tmp_path / "results.csv").touch()
    with pytest.raises(InputError, match=r"results\.csv: is no folder and no image"):
        score_roots([tmp_path / "results.csv"])
