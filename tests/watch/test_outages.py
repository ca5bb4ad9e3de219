"""What a line sees sooner or later: a full disk, a read-only folder, a database that is down."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from deploy.runtime.inspector import Inspector
from inspect_app.watch.heartbeat import Health, Heartbeat
from inspect_app.watch.wall_clock import WallClock
from tests.store.conftest import postgres, postgres_url
from tests.store.postgres_server import running
from tests.watch.conftest import Line, WritePart, wait_until

__all__ = ["postgres", "postgres_url"]  # fixtures


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[Path, str], None]]:
    """Put a small file system of its own on a folder, with some options."""
    places: list[Path] = []

    def mount(place: Path, options: str) -> None:
        place.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            pytest.skip("mounting a small tmpfs is not allowed here")
        places.append(place)

    yield mount
    for place in places:
        subprocess.run(["umount", "--lazy", str(place)], capture_output=True, check=False)
        assert not place.is_mount()


def fill(disk: Path) -> Path:
    """Leave no byte free."""
    other = disk / "other.bin"
    with suppress(OSError), other.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    assert os.statvfs(disk).f_bavail == 0
    return other


def told(line: Line) -> dict[str, Any]:
    """The heartbeat, as *Line health* reads it."""
    (file,) = (line.assets / "watch").glob("[!.]*.json")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def test_a_full_asset_disk_is_waited_for_and_told_of(
    line: Line, write_part: WritePart, mounted: Callable[[Path, str], None]
) -> None:
    mounted(line.assets, "size=512k")
    with line.watched():
        write_part(line.hot / "a.png", 1)
        wait_until(lambda: line.names() == ["a.png"])
        other = fill(line.assets)
        for number in range(3):
            write_part(line.hot / f"later-{number}.png", 10 + number)
        wait_until(lambda: told(line)["state"] == "store refuses")
        health = told(line)
        assert "No space left on device" in health["last_error"]["text"]
        assert health["last_error"]["present"]
        assert (health["free_bytes"], line.names()) == (0, ["a.png"])
        before = health["beat_at"]
        wait_until(lambda: told(line)["beat_at"] > before)
        other.unlink()
        wait_until(lambda: line.left() == [])
        wait_until(lambda: told(line)["state"] == "watching")
    assert line.names() == ["a.png", "later-0.png", "later-1.png", "later-2.png"]
    assert told(line)["last_error"]["present"] is False
    drafts = [path for path in line.assets.rglob(".*") if path.is_file()]
    assert drafts == [], "what did not fit was removed again"


def test_a_folder_that_becomes_read_only_keeps_its_files_and_they_are_stored_once(
    line: Line, write_part: WritePart, mounted: Callable[[Path, str], None]
) -> None:
    def remount(how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(line.hot)], check=True)

    mounted(line.hot, "size=4m")
    write_part(line.hot / "a.png")
    remount("ro")
    with line.watched():
        wait_until(lambda: line.health.stuck == 1 and told(line)["stuck"] == 1)
        assert "Read-only file system" in told(line)["last_error"]["text"]
        assert (line.names(), line.left()) == (["a.png"], ["a.png"])
        remount("rw")
        wait_until(lambda: line.left() == [])
        wait_until(lambda: told(line)["stuck"] == 0)
    assert line.names() == ["a.png"]
    assert line.beside() == ["a.png"]


def test_a_share_that_is_taken_away_and_comes_back_is_watched_again(
    line: Line, write_part: WritePart, mounted: Callable[[Path, str], None]
) -> None:
    mounted(line.hot, "size=4m")
    with line.watched(poll_s=0.1):
        wait_until(lambda: line.health.state == "watching")
        write_part(line.hot / "a.png", 1)
        wait_until(lambda: line.names() == ["a.png"])
        subprocess.run(["umount", "--lazy", str(line.hot)], check=True)
        line.hot.rmdir()
        wait_until(lambda: told(line)["state"] == "folder is missing")
        mounted(line.hot, "size=4m")
        write_part(line.hot / "b.png", 2)
        wait_until(lambda: line.names() == ["a.png", "b.png"])
        wait_until(lambda: told(line)["state"] == "watching")


@pytest.mark.slow
def test_a_database_that_is_down_for_a_while_gets_everything_afterwards(
    tmp_path: Path, inspector: Inspector, write_part: WritePart
) -> None:
    with running() as server:
        line = Line(tmp_path, inspector, server.new_database(tmp_path / "assets"))
        with line.watched():
            write_part(line.hot / "a.png", 1)
            wait_until(lambda: line.names() == ["a.png"])
            server.stop()
            for number in range(4):
                write_part(line.hot / f"later-{number}.png", 10 + number)
            wait_until(lambda: told(line)["state"] == "store refuses")
            assert "the database refused" in told(line)["last_error"]["text"]
            assert server.password not in json.dumps(told(line))
            time.sleep(1.0)
            server.start()
            wait_until(lambda: line.left() == [], 60)
        names = line.names()
    assert sorted(names) == ["a.png", *(f"later-{number}.png" for number in range(4))]


def test_a_clock_that_is_set_back_is_told_of(
    line: Line, write_part: WritePart, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def once(_clock: WallClock) -> str | None:
        asked.append(1)
        return "The clock was set back." if len(asked) == 2 else None

    monkeypatch.setattr(WallClock, "was_set", once)
    with line.watched():
        wait_until(lambda: bool(line.said))
        write_part(line.hot / "a.png")
        wait_until(lambda: line.names() == ["a.png"])
    assert line.said == ["The clock was set back."]
    error = told(line)["last_error"]
    assert (error["text"], error["present"]) == ("The clock was set back.", False)


def test_on_a_disk_without_a_byte_the_heartbeat_goes_on(
    tmp_path: Path, mounted: Callable[[Path, str], None]
) -> None:
    mounted(tmp_path / "assets", "size=128k")
    health = Health("/line/hot", "b" * 64, "pump-v4", "cpu", "2031-03-01T06:00:00.000+00:00")
    beat = Heartbeat(tmp_path / "assets", health)
    health.last_error = {"text": "a long one " * 20}
    beat.beat()
    fill(tmp_path / "assets")
    health.state, health.last_error = "store refuses", None
    beat.beat(at_once=True)
    assert json.loads(beat.file.read_text())["state"] == "store refuses"
    assert [path.name for path in beat.file.parent.iterdir()] == [beat.file.name]
