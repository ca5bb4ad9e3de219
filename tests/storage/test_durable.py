"""A file is the old one or the new one, never half of one."""

from pathlib import Path

import pytest

from span_train.storage.durable import write_durably


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "one.txt"
    path.write_text("old")

    def write(unfinished: Path) -> None:
        unfinished.write_text("new")
        assert path.read_text() == "old"

    write_durably(path, write)
    assert path.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["one.txt"]


def test_a_write_that_fails_leaves_the_old_file_and_takes_no_room(tmp_path: Path) -> None:
    path = tmp_path / "one.txt"
    path.write_text("old")

    def full(unfinished: Path) -> None:
        unfinished.write_text("half")
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        write_durably(path, full)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["one.txt"]


def test_what_a_kill_left_behind_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "one.txt.partial").write_text("something long that was cut")
    write_durably(tmp_path / "one.txt", lambda file: file.write_text("new"))
    assert (tmp_path / "one.txt").read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["one.txt"]
