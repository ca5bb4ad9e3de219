"""The folder itself: changes that are told of or not, and a share that goes and comes back."""

import errno
import shutil
import time

import pytest

from inspect_app.watch.folder_events import FolderEvents
from span_train.contract.errors import InputError
from tests.watch.conftest import Line, WritePart, drop, wait_until


def test_without_events_the_folder_is_looked_at(line: Line, write_part: WritePart) -> None:
    with line.watched(poll_s=0.1):
        drop(line, write_part, "a.png")
        wait_until(lambda: line.beside() == ["a.png"])
        assert line.health.events == "polling"


def test_a_system_without_events_to_spare_is_polled_and_that_is_said(
    line: Line, write_part: WritePart, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(_events: FolderEvents) -> FolderEvents:
        raise OSError(errno.ENOSPC, "no watches left")

    monkeypatch.setattr(FolderEvents, "__enter__", none_left)
    with line.watched():
        drop(line, write_part, "a.png")
        wait_until(lambda: line.beside() == ["a.png"])
    assert "looked through every second" in line.said[0]


def test_a_folder_that_vanishes_while_it_is_being_listened_to_is_no_lack_of_events(
    line: Line, write_part: WritePart, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter, tried = FolderEvents.__enter__, []

    def gone_meanwhile(events: FolderEvents) -> FolderEvents:
        tried.append(events)
        if len(tried) == 1:
            line.hot.rename(line.hot.with_name("unmounted"))
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        return enter(events)

    monkeypatch.setattr(FolderEvents, "__enter__", gone_meanwhile)
    with line.watched():
        wait_until(lambda: line.health.state == "folder is missing")
        line.hot.with_name("unmounted").rename(line.hot)
        drop(line, write_part, "a.png")
        wait_until(lambda: line.beside() == ["a.png"])
        assert line.health.events == "inotify"
    assert line.said == [
        f"{line.hot}: is missing; waiting for it.",
        f"{line.hot}: is there again.",
    ]


def test_events_that_come_back_are_told_of(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    enter, tried = FolderEvents.__enter__, []

    def none_left_once(events: FolderEvents) -> FolderEvents:
        tried.append(events)
        if len(tried) == 1:
            raise OSError(errno.ENOSPC, "no watches left")
        return enter(events)

    monkeypatch.setattr(FolderEvents, "__enter__", none_left_once)
    with line.watched():
        wait_until(lambda: bool(line.said))
        line.hot.rename(line.hot.with_name("unmounted"))
        line.hot.mkdir()
        wait_until(lambda: line.health.events == "inotify")
    assert line.said[-1] == f"{line.hot}: changes are told of again."
    assert line.health.last_error is not None
    assert not line.health.last_error["present"]


def test_a_lost_event_loses_no_file(
    line: Line, write_part: WritePart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FolderEvents, "on_any_event", lambda *_: None)
    with line.watched():
        drop(line, write_part, "a.png")
        wait_until(lambda: line.beside() == ["a.png"])
        assert line.health.events == "inotify"


def test_a_folder_that_vanishes_is_waited_for(line: Line, write_part: WritePart) -> None:
    with line.watched():
        shutil.rmtree(line.hot)
        wait_until(lambda: line.health.state == "folder is missing")
        line.hot.mkdir()
        drop(line, write_part, "a.png")
        wait_until(lambda: line.beside() == ["a.png"])
        wait_until(lambda: line.health.state == "watching")
    assert line.said == [
        f"{line.hot}: is missing; waiting for it.",
        f"{line.hot}: is there again.",
    ]


def test_a_folder_in_the_place_of_the_watched_one_is_watched(
    line: Line, write_part: WritePart
) -> None:
    with line.watched(look_s=60.0):
        time.sleep(0.3)
        line.hot.rename(line.hot.with_name("unmounted"))
        line.hot.mkdir()
        drop(line, write_part, "a.png")
        wait_until(lambda: line.beside() == ["a.png"])


def test_a_second_watch_of_the_folder_is_refused(line: Line) -> None:
    with line.watched():
        wait_until(lambda: line.health.state == "watching")
        with pytest.raises(InputError, match="another `inspect watch` has this folder"):
            second(line)


def second(line: Line) -> None:
    other = Line.__new__(Line)
    other.__dict__.update(line.__dict__, said=[])
    with other.watched():
        time.sleep(0.5)
