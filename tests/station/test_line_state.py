"""Whether the line runs, as the station tells from the files of its watches."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inspect_app.station.pieces.line_state import line_state
from inspect_app.watch.heartbeat import Health, Heartbeat

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def tell(assets: Path, name: str = "a", **changes: Any) -> None:
    """A watch's file: alive a second ago, its last image five seconds ago."""
    told = {
        "state": "watching",
        "folder": "/line3/images",
        "beat_at": (NOW - timedelta(seconds=1)).isoformat(),
        "started_at": (NOW - timedelta(hours=2)).isoformat(),
        "last_image": {"name": "a.png", "stored_at": (NOW - timedelta(seconds=5)).isoformat()},
    }
    (assets / "watch").mkdir(exist_ok=True)
    (assets / "watch" / f"{name}.json").write_text(json.dumps(told | changes))


def image(seconds_ago: float) -> dict[str, str]:
    """The last image, so long ago."""
    return {"name": "a", "stored_at": (NOW - timedelta(seconds=seconds_ago)).isoformat()}


def test_without_a_watch_nothing_is_said(tmp_path: Path) -> None:
    assert line_state(tmp_path, NOW) == ""


def test_a_line_that_runs_says_nothing(tmp_path: Path) -> None:
    tell(tmp_path)
    assert line_state(tmp_path, NOW) == ""


@pytest.mark.parametrize(
    ("seconds_ago", "said"),
    [(29.9, None), (31, "No image for 30 s"), (119, "110 s"), (185, "No image for 3 min")],
)
def test_a_line_without_images_says_for_how_long(
    tmp_path: Path, seconds_ago: float, said: str | None
) -> None:
    tell(tmp_path, last_image=image(seconds_ago))
    found = line_state(tmp_path, NOW)
    assert (said in found) if said else (found == "")


def test_a_watch_that_never_had_an_image_counts_from_its_start(tmp_path: Path) -> None:
    tell(tmp_path, last_image=None)
    assert "No image for 120 min" in line_state(tmp_path, NOW)


@pytest.mark.parametrize(
    "changes",
    [{"state": "stopped"}, {"beat_at": (NOW - timedelta(seconds=11)).isoformat()}],
)
def test_a_watch_that_ended_or_was_killed_is_a_stopped_line(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    tell(tmp_path, **changes)
    assert "Line stopped" in line_state(tmp_path, NOW)
    tell(tmp_path, "b")
    assert line_state(tmp_path, NOW) == ""  # another watch goes on


def test_what_a_watch_waits_for_is_said_and_never_markup(tmp_path: Path) -> None:
    tell(tmp_path, state="folder is missing", folder="/l/<b>3")
    assert "Image folder is missing" in line_state(tmp_path, NOW)
    assert "/l/&lt;b&gt;3" in line_state(tmp_path, NOW)
    tell(tmp_path, state="store refuses")
    assert "The store takes no images" in line_state(tmp_path, NOW)


@pytest.mark.parametrize("content", ["", "{", "[]", "7", '{"beat_at": 3}', '{"beat_at": "x"}'])
def test_a_file_of_something_else_is_left_out(tmp_path: Path, content: str) -> None:
    tell(tmp_path)
    (tmp_path / "watch" / "z.json").write_text(content)
    assert line_state(tmp_path, NOW) == ""


def test_it_reads_what_a_watch_really_writes(tmp_path: Path) -> None:
    health = Health("/l", "b" * 64, "relay", "cpu", datetime.now(UTC).isoformat(), "watching")
    Heartbeat(tmp_path, health).beat(at_once=True)
    now = datetime.now(UTC)
    assert line_state(tmp_path, now) == ""
    assert "Line stopped" in line_state(tmp_path, now + timedelta(seconds=40))
