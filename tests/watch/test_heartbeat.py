"""The file that tells how a watch is."""

import json
from pathlib import Path

from inspect_app.store.line_health import feeds_of
from inspect_app.watch.heartbeat import Health, Heartbeat, lock_beside


def health(folder: str = "/line/hot folder") -> Health:
    return Health(folder, "b" * 64, "pump-v4 (bbbbbbbb)", "cpu", "2031-03-01T06:00:00.000+00:00")


def test_a_beat_writes_a_whole_file_with_all_there_is_to_know(tmp_path: Path) -> None:
    beat = Heartbeat(tmp_path, health())
    beat.health.waiting = 7
    beat.beat()
    told = json.loads(beat.file.read_text())
    assert (told["state"], told["waiting"], told["provider"]) == ("starting", 7, "cpu")
    assert told["free_bytes"] > 0
    assert [path.name for path in beat.file.parent.iterdir()] == [beat.file.name]


def test_a_beat_that_comes_too_soon_writes_nothing_unless_it_must(tmp_path: Path) -> None:
    beat = Heartbeat(tmp_path, health())
    beat.beat()
    beat.file.unlink()
    beat.beat()
    assert not beat.file.exists()
    beat.beat(at_once=True)
    assert beat.file.exists()


def test_the_draft_that_a_killed_watch_leaves_is_no_second_watch(tmp_path: Path) -> None:
    beat = Heartbeat(tmp_path, health())
    beat.beat()
    beat.file.with_name(f".{beat.file.name}").write_text(beat.file.read_text())
    assert [one.told["feed"] for one in feeds_of(tmp_path)] == [beat.health.feed]


def test_a_place_that_refuses_writing_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "watch").write_text("a file where the folder should be")
    Heartbeat(tmp_path, health()).beat()
    Heartbeat(tmp_path / "watch" / "below", health()).beat()
    assert (tmp_path / "watch").read_text() == "a file where the folder should be"


def test_each_folder_has_a_file_of_its_own(tmp_path: Path) -> None:
    first, second = (Heartbeat(tmp_path, health(folder)) for folder in ("/a/hot", "/b/hot"))
    assert first.file != second.file
    assert first.file == Heartbeat(tmp_path, health("/a/hot")).file
    assert lock_beside(tmp_path, "/a/hot").stem == first.file.stem


def test_odd_names_make_plain_file_names(tmp_path: Path) -> None:
    name = Heartbeat(tmp_path, health("/line/../säge\\xff <b>")).file.name
    assert name.isascii()
    assert "/" not in name
    assert "<" not in name
