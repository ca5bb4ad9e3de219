"""The whole loop on drawn parts, with a real store, in a thread."""

import errno
import hashlib
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from deploy.runtime.inspector import Inspector
from deploy.scoring.results import ScoredImage
from inspect_app.store.writer import StoreWriter
from inspect_app.watch.stop_request import StopRequest
from span_train.contract.errors import StoreError
from tests.watch.conftest import Line, WritePart, drop, wait_until


class Refusing:
    """A store that refuses a number of times before it takes what it is given."""

    def __init__(self, store: StoreWriter, times: int) -> None:
        self.store, self.left = store, times

    def add(self, scored: list[ScoredImage]) -> int:
        if self.left:
            self.left -= 1
            raise StoreError("the disk is full.")
        return self.store.add(scored)

    def watched_files(self, folder: str) -> set[tuple[str, int]]:
        return self.store.watched_files(folder)


def test_files_are_inspected_stored_with_their_maps_and_moved(
    line: Line, write_part: WritePart
) -> None:
    with line.watched():
        for number in range(5):
            drop(line, write_part, f"{number}.png", number, defect=number == 3)
        wait_until(lambda: line.beside() == [f"{number}.png" for number in range(5)])
    rows = line.rows()
    assert sorted(row.file_name for row in rows) == [f"{number}.png" for number in range(5)]
    assert all(row.source == str(line.hot / row.file_name) for row in rows)
    assert all((line.assets / str(row.picture_asset)).is_file() for row in rows)
    assert all((line.assets / str(row.maps_asset)).is_file() for row in rows)
    assert line.left() == []
    assert line.health.inspected == 5


def test_what_lay_there_before_the_start_is_inspected_the_oldest_first(
    line: Line, write_part: WritePart
) -> None:
    for number, name in enumerate(("c.png", "a.png", "b.png")):
        path = drop(line, write_part, name, number)
        os.utime(path, (1_000 + number, 1_000 + number))
    with line.watched():
        wait_until(lambda: line.left() == [])
    assert line.names() == ["c.png", "a.png", "b.png"]


def test_a_file_is_not_taken_while_it_is_being_written(line: Line, write_part: WritePart) -> None:
    content = write_part(line.hot.with_name("whole.png")).read_bytes()
    with line.watched(settle_s=0.3, patience_s=1.0), (line.hot / "slow.png").open("wb") as file:
        for first in range(0, len(content), len(content) // 8):
            file.write(content[first : first + len(content) // 8])
            file.flush()
            time.sleep(0.1)
            assert line.rows() == []
        file.close()
        wait_until(lambda: line.names() == ["slow.png"])
    assert line.rows()[0].sha256 == hashlib.sha256(content).hexdigest()


def test_a_sender_that_pauses_in_the_middle_is_waited_for(
    line: Line, write_part: WritePart
) -> None:
    content = write_part(line.hot.with_name("whole.png")).read_bytes()
    with line.watched(patience_s=3.0):
        (line.hot / "slow.png").write_bytes(content[:200])
        time.sleep(0.5)  # far longer than a file rests that can be decoded
        (line.hot / "slow.png").write_bytes(content)
        wait_until(lambda: line.names() == ["slow.png"])
    assert line.rows()[0].status == "ok"


def test_an_unreadable_file_gets_its_row_and_goes_to_quarantine(line: Line) -> None:
    with line.watched():
        (line.hot / "bad.png").write_bytes(b"no image")
        wait_until(lambda: line.beside("unreadable") == ["bad.png"])
    (row,) = line.rows()
    assert (row.outcome, row.status, row.verdict) == ("unreadable", "unreadable", None)
    assert "bad.png" in row.reason
    assert line.health.unreadable == 1
    assert line.health.last_image is not None
    assert line.health.last_image["outcome"] == "unreadable"


def test_the_same_content_under_another_name_is_an_inspection_of_its_own(
    line: Line, write_part: WritePart
) -> None:
    with line.watched():
        for name in ("one.png", "two.png"):
            drop(line, write_part, name, 7)
            wait_until(lambda name=name: name in line.beside())
    first, second = line.rows()
    assert first.sha256 == second.sha256
    assert (first.duplicate_of, second.duplicate_of) == (None, first.id)


@pytest.mark.parametrize("seeds", [(1, 2), (1, 1)])
def test_the_same_name_again_is_the_next_arrival(
    line: Line, write_part: WritePart, seeds: tuple[int, int]
) -> None:
    with line.watched():
        for count, seed in enumerate(seeds, start=1):
            drop(line, write_part, "latest.png", seed)
            wait_until(lambda count=count: len(line.beside()) == count)
    assert line.names() == ["latest.png", "latest.png"]
    assert line.beside() == ["latest-2.png", "latest.png"]


def test_kept_files_stay_and_a_restart_does_not_read_them_again(
    line: Line, write_part: WritePart, monkeypatch: pytest.MonkeyPatch
) -> None:
    with line.watched("keep"):
        for number in range(3):
            drop(line, write_part, f"{number}.png", number)
        wait_until(lambda: len(line.rows()) == 3)
    read: list[str] = []
    original = Inspector.decode

    def noted(inspector: Inspector, content: bytes, where: str) -> Any:
        read.append(Path(where).name)
        return original(inspector, content, where)

    monkeypatch.setattr(Inspector, "decode", noted)
    with line.watched("keep"):
        drop(line, write_part, "0.png", 50)
        drop(line, write_part, "new.png", 51)
        wait_until(lambda: len(line.rows()) == 5)
        time.sleep(0.5)  # a look or two
    assert sorted(read) == ["0.png", "new.png"]
    assert line.left() == ["0.png", "1.png", "2.png", "new.png"]


def test_deleted_files_are_gone(line: Line, write_part: WritePart) -> None:
    with line.watched("delete"):
        drop(line, write_part, "a.png")
        wait_until(lambda: line.left() == [] and len(line.rows()) == 1)
    assert line.beside() == []


def test_five_hundred_files_at_once_are_inspected_once_each(
    line: Line, write_part: WritePart
) -> None:
    one = write_part(line.hot.with_name("one.png")).read_bytes()
    with line.watched(max_batch=64):
        for number in range(500):
            (line.hot / f"{number:03d}.png").write_bytes(one + b"%d" % number)
        wait_until(lambda: line.left() == [], 120)
    assert sorted(line.names()) == [f"{number:03d}.png" for number in range(500)]


def test_a_store_that_refuses_is_waited_for_and_catches_up(
    line: Line, write_part: WritePart
) -> None:
    with line.watched(through=lambda store: Refusing(store, 2)):
        drop(line, write_part, "a.png", 1)
        wait_until(lambda: line.health.state == "store refuses")
        assert line.health.last_error is not None
        assert line.health.last_error["present"]
        assert line.left() == ["a.png"]
        drop(line, write_part, "b.png", 2)
        wait_until(lambda: line.beside() == ["a.png", "b.png"])
    assert line.names() == ["a.png", "b.png"]
    assert line.said == [
        "the disk is full. Nothing is lost; it is tried again.",
        "The store takes inspections again.",
    ]
    assert not line.health.last_error["present"]


def test_asked_to_stop_while_the_store_refuses_it_stops_and_leaves_the_files(
    line: Line, write_part: WritePart
) -> None:
    with line.watched(through=lambda store: Refusing(store, 10**9)):
        drop(line, write_part, "a.png", 1)
        wait_until(lambda: line.health.state == "store refuses")
    assert line.left() == ["a.png"]
    assert line.health.state == "stopped"
    with line.watched():
        wait_until(lambda: line.beside() == ["a.png"])
    assert line.names() == ["a.png"]


def test_a_stored_file_that_cannot_be_moved_is_not_inspected_again(
    line: Line, write_part: WritePart, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def read_only(path: Path, to: Path) -> Path:
        if path.parent == line.hot:
            raise OSError(errno.EROFS, "Read-only file system")
        return rename(path, to)

    with line.watched():
        monkeypatch.setattr(Path, "rename", read_only)
        drop(line, write_part, "a.png")
        wait_until(lambda: line.health.stuck == 1)
        inspected = line.health.inspected
        time.sleep(0.5)  # a look or two
        assert (line.health.inspected, line.left()) == (inspected, ["a.png"])
        monkeypatch.setattr(Path, "rename", rename)
        wait_until(lambda: line.health.stuck == 0)
    assert line.beside() == ["a.png"]
    assert line.names() == ["a.png"]
    assert "is stored, but cannot be taken away" in line.said[0]
    assert line.said[-1].endswith("files can be taken away again.")


def test_a_file_that_may_not_be_opened_is_tried_again_and_holds_up_nobody(
    line: Line, write_part: WritePart, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_bytes = Path.read_bytes

    def forbidden(path: Path) -> bytes:
        if path.name == "locked.png":
            raise PermissionError(errno.EACCES, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    with line.watched():
        drop(line, write_part, "locked.png", 1)
        drop(line, write_part, "b.png", 2)
        wait_until(lambda: line.beside() == ["b.png"])
        assert line.names() == ["b.png"]
        monkeypatch.setattr(Path, "read_bytes", read_bytes)
        wait_until(lambda: line.beside() == ["b.png", "locked.png"])
        wait_until(lambda: len(line.said) == 2)
    assert line.said[1].endswith("every file can be read again.")
    assert "locked.png: cannot be read (Permission denied). It is tried again." in line.said[0]


def test_a_clock_that_is_set_back_changes_neither_order_nor_count(
    line: Line, write_part: WritePart
) -> None:
    with line.watched():
        for number, time_s in enumerate((2_000_000_000, 1_000_000_000, 4_000_000_000)):
            draft = write_part(line.hot.with_name("draft") / f"{number}.png", number)
            os.utime(draft, (time_s, time_s))
            draft.rename(line.hot / draft.name)
            wait_until(lambda number=number: f"{number}.png" in line.beside())
    rows = line.rows()
    assert [row.file_name for row in rows] == ["0.png", "1.png", "2.png"]
    assert [row.file_time_us for row in rows] == [2 * 10**15, 10**15, 4 * 10**15]
    assert all(row.arrived_at <= row.inspected_at for row in rows)


def test_a_bundle_that_is_exchanged_is_not_taken_up_and_that_is_said(
    line: Line, write_part: WritePart, own_bundle: Path
) -> None:
    inspector = Inspector.open(own_bundle, "cpu", threads=1)
    with line.watched(inspector=inspector):
        wait_until(lambda: line.health.state == "watching")
        manifest = own_bundle / "manifest.json"
        before = manifest.read_bytes()
        manifest.write_bytes(before + b" ")
        wait_until(lambda: line.health.bundle_on_disk == "changed")
        drop(line, write_part, "a.png")
        wait_until(lambda: line.beside() == ["a.png"])
        shutil.move(own_bundle, own_bundle.with_name("gone"))
        wait_until(lambda: line.health.bundle_on_disk == "missing")
        shutil.move(own_bundle.with_name("gone"), own_bundle)
        manifest.write_bytes(before)
        wait_until(lambda: line.health.bundle_on_disk == "same")
    assert line.rows()[0].bundle_id == inspector.bundle.bundle_id
    assert "goes on as it was loaded" in line.said[0]


def test_names_say_part_camera_lot_and_line(line: Line, write_part: WritePart) -> None:
    with line.watched(pattern=r"(?P<lot>L\d)_(?P<part_id>\d+)_(?P<camera>\w+)"):
        drop(line, write_part, "L7_0042_top.png", 1)
        drop(line, write_part, "odd.png", 2)
        wait_until(lambda: len(line.beside()) == 2)
    fits, odd = sorted(line.rows(), key=lambda row: row.file_name)
    assert (fits.lot, fits.part_id, fits.camera, fits.line) == ("L7", "0042", "top", None)
    assert (odd.lot, odd.part_id) == (None, None)
    assert line.health.unnamed == 1


def test_the_heartbeat_tells_what_there_is_to_know(line: Line, write_part: WritePart) -> None:
    with line.watched():
        drop(line, write_part, "a.png")
        (line.hot / "notes.txt").write_text("not for the line")
        wait_until(lambda: line.health.others == 1 and line.beside() == ["a.png"])
    (file,) = (line.assets / "watch").glob("[!.]*.json")
    told = json.loads(file.read_text())
    assert told["state"] == "stopped"
    assert told["last_image"]["name"] == "a.png"
    assert told["last_image"]["ms_to_store"] > 0
    assert (told["inspected"], told["waiting"], told["others"]) == (1, 0, 1)
    assert told["pid"] == os.getpid()


def test_a_request_to_stop_before_anything_came_ends_it(line: Line) -> None:
    with line.watched() as stop:
        assert isinstance(stop, StopRequest)
    assert line.rows() == []
