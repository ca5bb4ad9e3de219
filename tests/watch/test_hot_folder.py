"""What lies in the watched folder, and who may watch it."""

import errno
import os
from pathlib import Path

import pytest

from inspect_app.watch.hot_folder import TAKEN, HotFolder
from span_train.contract.errors import InputError


def write(path: Path, time_s: int = 1_000) -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(b"x")
    os.utime(path, (time_s, time_s))


def test_images_are_listed_the_oldest_first_and_others_counted(tmp_path: Path) -> None:
    for name, time_s in (("b.png", 3), ("a.JPG", 2), ("c.bmp", 1), ("d.png", 1)):
        write(tmp_path / name, time_s)
    for name in ("notes.txt", "a.png.part"):
        write(tmp_path / name)
    listed = HotFolder(tmp_path).listed()
    assert list(listed.images) == ["c.bmp", "d.png", "a.JPG", "b.png"]
    assert listed.others == 2


def test_passing_names_folders_links_and_pipes_are_left_alone(tmp_path: Path) -> None:
    for name in (".a.png", "~a.png"):
        write(tmp_path / name)
    write(tmp_path / "folder.png" / "inside.png")
    write(tmp_path.with_name("elsewhere.png"))
    (tmp_path / "link.png").symlink_to(tmp_path.with_name("elsewhere.png"))
    os.mkfifo(tmp_path / "pipe.png")
    listed = HotFolder(tmp_path).listed()
    assert listed.images == {}
    assert listed.others == 0
    for name in ("folder.png", "link.png", "pipe.png", "nothing.png"):
        assert HotFolder(tmp_path).mark(name) is None


def test_what_was_half_taken_is_listed_under_the_name_it_came_with(tmp_path: Path) -> None:
    write(tmp_path / TAKEN / "0a" / "a.png")
    (key,) = HotFolder(tmp_path).listed().images
    assert key == f"{TAKEN}/0a/a.png"
    assert HotFolder(tmp_path).source(key) == str(tmp_path / "a.png")


def test_a_second_watch_of_a_folder_is_refused_and_a_later_one_is_not(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with (
        HotFolder(tmp_path).held(lock),
        pytest.raises(InputError, match="another `inspect watch` has this folder"),
        HotFolder(tmp_path / ".").held(lock),
    ):
        pass
    with HotFolder(tmp_path).held(lock):
        assert not lock.exists()


def test_where_folders_cannot_be_locked_a_file_beside_the_store_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(_folder: Path) -> int:
        raise OSError(errno.EOPNOTSUPP, "no locks")

    monkeypatch.setattr("inspect_app.watch.hot_folder.lock_folder", unsupported)
    lock = tmp_path / "assets" / "watch" / "lock"
    with (
        HotFolder(tmp_path).held(lock),
        pytest.raises(InputError, match="another `inspect watch`"),
        HotFolder(tmp_path).held(lock),
    ):
        pass


def test_a_folder_that_is_no_folder_has_no_identity(tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    assert HotFolder(tmp_path / "a.png").identity() is None
    assert HotFolder(tmp_path / "nothing").identity() is None
    assert HotFolder(tmp_path).identity() is not None
    with (
        pytest.raises(InputError, match="cannot be opened"),
        HotFolder(tmp_path / "x").held(tmp_path / "lock"),
    ):
        pass
