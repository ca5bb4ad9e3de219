"""What is wrong with the line is told in words, with what to do."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inspect_app.reports.trouble_words import troubles
from inspect_app.store.line_health import feeds_of, free_bytes

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)


def heartbeat(assets: Path, age_s: float = 1.0, **told: Any) -> None:
    """A heartbeat file of that age."""
    (assets / "watch").mkdir(exist_ok=True)
    beat_at = (NOW - timedelta(seconds=age_s)).isoformat()
    content = {"state": "watching", "beat_at": beat_at, "free_bytes": 50 << 30, **told}
    (assets / "watch" / "one.json").write_text(json.dumps(content), encoding="utf-8")


def test_a_process_that_is_well_has_no_trouble(tmp_path: Path) -> None:
    heartbeat(tmp_path)
    (feed,) = feeds_of(tmp_path, NOW)
    assert feed.silent_s == pytest.approx(1.0)
    assert troubles(feed) == []


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"age_s": 60.0}, "No sign of life for 60 s"),
        ({"state": "store refuses"}, "The store refuses writing"),
        ({"state": "folder is missing"}, "The watched folder is gone"),
        ({"state": "stopped", "age_s": 999.0}, "It was stopped"),
        ({"bundle_on_disk": "changed"}, "The bundle was changed"),
        ({"stuck": 3}, "3 inspected files cannot be moved away"),
        ({"free_bytes": 1 << 20}, "Only 0.0 GiB are free"),
        ({"last_error": {"text": "a.png: may not be opened", "present": True}}, "a.png: may not"),
    ],
)
def test_each_trouble_is_named_alone(tmp_path: Path, told: dict[str, Any], words: str) -> None:
    heartbeat(tmp_path, **told)
    (feed,) = feeds_of(tmp_path, NOW)
    ((what, todo),) = troubles(feed)
    assert what.startswith(words)
    assert todo


def test_an_error_that_is_over_is_no_trouble(tmp_path: Path) -> None:
    heartbeat(tmp_path, last_error={"text": "was", "present": False})
    assert troubles(feeds_of(tmp_path, NOW)[0]) == []


def test_what_is_no_heartbeat_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "watch").mkdir()
    for number, content in enumerate(("", "{", "[]", '{"beat_at": 3}')):
        (tmp_path / "watch" / f"{number}.json").write_text(content, encoding="utf-8")
    assert feeds_of(tmp_path, NOW) == []
    assert feeds_of(tmp_path / "none", NOW) == []


def test_room_is_told_where_there_is_a_folder(tmp_path: Path) -> None:
    assert free_bytes(tmp_path)
    assert free_bytes(tmp_path / "none") is None
