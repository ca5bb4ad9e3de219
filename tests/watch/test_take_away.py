"""Files leave the folder whole, once, and over no other file."""

import errno
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from inspect_app.watch.finished_files import FileMark
from inspect_app.watch.hot_folder import TAKEN, HotFolder
from inspect_app.watch.take_away import After, TakeAway, move_beside

TODAY = date(2031, 3, 1)


@pytest.fixture
def hot(tmp_path: Path) -> Path:
    folder = tmp_path / "hot"
    folder.mkdir()
    return folder


def leaving(hot: Path, after: After = "move") -> TakeAway:
    beside = hot.with_name("done"), hot.with_name("bad")
    return TakeAway(HotFolder(hot), after, *beside)


def put(path: Path, text: str = "a picture", time_ns: int = 10**18) -> FileMark:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, ns=(time_ns, time_ns))
    return FileMark(len(text), time_ns)


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_file_is_moved_into_the_folder_of_its_day(hot: Path) -> None:
    mark = put(hot / "a.png")
    assert leaving(hot).take("a.png", mark, True, TODAY)
    assert files(hot.parent) == {"done/2031-03-01/a.png": "a picture"}
    assert list(hot.iterdir()) == []


def test_an_unreadable_file_goes_to_quarantine_even_where_files_are_deleted(hot: Path) -> None:
    marks = {name: put(hot / name) for name in ("a.png", "b.png")}
    leaving(hot, "delete").take("a.png", marks["a.png"], True, TODAY)
    leaving(hot, "delete").take("b.png", marks["b.png"], False, TODAY)
    assert files(hot.parent) == {"bad/2031-03-01/b.png": "a picture"}


def test_no_file_is_overwritten(hot: Path) -> None:
    for text in ("first", "second", "third"):
        leaving(hot).take("a.png", put(hot / "a.png", text), True, TODAY)
    assert files(hot.with_name("done") / "2031-03-01") == {
        "a.png": "first",
        "a-2.png": "second",
        "a-3.png": "third",
    }


def test_the_same_content_at_another_time_is_another_file(hot: Path) -> None:
    for time_ns in (10**18, 2 * 10**18):
        leaving(hot).take("a.png", put(hot / "a.png", time_ns=time_ns), True, TODAY)
    assert len(files(hot.with_name("done"))) == 2


def test_a_file_that_took_the_place_of_the_inspected_one_is_not_lost(hot: Path) -> None:
    inspected = put(hot / "a.png", "inspected")
    put(hot / "a.png", "another one", 2 * 10**18)
    assert not leaving(hot).take("a.png", inspected, True, TODAY)
    listed = HotFolder(hot).listed().images
    assert [Path(key).name for key in listed] == ["a.png"]
    (key,) = listed
    assert key.startswith(TAKEN)
    assert HotFolder(hot).source(key) == str(hot / "a.png")
    assert leaving(hot).take(key, listed[key], True, TODAY)
    assert files(hot.parent) == {"done/2031-03-01/a.png": "another one"}
    assert list(hot.iterdir()) == []


def test_a_move_that_was_cut_off_ends_with_one_file(tmp_path: Path) -> None:
    source, target = tmp_path / "a.png", tmp_path / "done" / "a.png"
    put(source)
    target.parent.mkdir()
    os.link(source, target)  # killed here
    assert move_beside(source, target.parent) == target
    assert files(tmp_path) == {"done/a.png": "a picture"}


@pytest.mark.parametrize("refused", [errno.EPERM, errno.EXDEV])
def test_without_hard_links_a_file_is_renamed_or_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: int
) -> None:
    source = tmp_path / "hot" / "a.png"

    def refuse(*_: object) -> None:
        raise OSError(refused, os.strerror(refused))

    monkeypatch.setattr("inspect_app.watch.take_away.os.link", refuse)
    if refused == errno.EXDEV:
        rename = Path.rename
        monkeypatch.setattr(
            Path, "rename", lambda path, to: refuse() if path == source else rename(path, to)
        )
    put(source, "first")
    move_beside(source, tmp_path / "done")
    put(source, "second", 2 * 10**18)
    assert move_beside(source, tmp_path / "done").name == "a-2.png"
    assert files(tmp_path) == {"done/a.png": "first", "done/a-2.png": "second"}
    assert (tmp_path / "done" / "a-2.png").stat().st_mtime_ns == 2 * 10**18


def test_a_copy_that_was_cut_off_before_the_source_was_removed_ends_with_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr("inspect_app.watch.take_away.os.link", refuse)
    put(tmp_path / "a.png")
    put(tmp_path / "done" / "a.png")  # killed here
    move_beside(tmp_path / "a.png", tmp_path / "done")
    assert files(tmp_path) == {"done/a.png": "a picture"}


def test_a_file_that_cannot_be_moved_stays_and_says_why(
    hot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = put(hot / "a.png")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr("inspect_app.watch.take_away.os.link", full)
    with pytest.raises(OSError, match="no space"):
        leaving(hot).take("a.png", mark, True, TODAY)
    assert list(files(hot).values()) == ["a picture"]


def test_a_folder_that_refuses_renaming_is_left_as_it_was(
    hot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = put(hot / "a.png")
    refuse: Callable[..., None] = lambda *_: (_ for _ in ()).throw(OSError(errno.EROFS, "read"))  # noqa: E731
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="read"):
        leaving(hot).take("a.png", mark, True, TODAY)
    assert files(hot.parent) == {"hot/a.png": "a picture"}
    assert not (hot / TAKEN).exists()


def test_what_a_kill_left_empty_is_tidied(hot: Path) -> None:
    (hot / TAKEN / "0011").mkdir(parents=True)
    leaving(hot).tidy()
    assert list(hot.iterdir()) == []
