"""Whether the line runs: as its watches tell, each in its file beside the store."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inspect_app.station.pieces.language import local_time, number, tr
from inspect_app.station.pieces.wording import text
from inspect_app.watch.heartbeat import HEARTBEATS

LOST_AFTER_S = 10.0  # a watch beats about once a second
QUIET_AFTER_S = 30.0


def line_state(assets: Path, now: datetime) -> str:
    """HTML that says what is wrong with the line; empty while all is well, or nobody watches.

    Args:
        assets: The store's folder of files.
    """
    watches = list(_heartbeats(assets / HEARTBEATS))
    if not watches:
        return ""
    running = [watch for watch in watches if _is_running(watch, now)]
    if not running:
        last = max(_moment(watch, "beat_at") for watch in watches)
        return _band("stopped", tr("Line stopped"), tr("since {when}", when=local_time(last)))
    for watch in running:
        if watch.get("state") == "folder is missing":
            return _band("stopped", tr("Image folder is missing"), text(str(watch.get("folder"))))
        if watch.get("state") == "store refuses":
            return _band("stopped", tr("The store takes no images"), "")
    newest = max(_newest_image(watch) for watch in running)
    quiet_s = (now - newest).total_seconds()
    if quiet_s < QUIET_AFTER_S:
        return ""
    return _band("quiet", _no_image(quiet_s), tr("since {when}", when=local_time(newest)))


def _no_image(quiet_s: float) -> str:
    if quiet_s < 120:
        return tr("No image for {n} s", n=number(quiet_s // 10 * 10, 0))
    return tr("No image for {n} min", n=number(quiet_s // 60, 0))


def _band(kind: str, title: str, more: str) -> str:
    said = f"<b>{title}</b><span>{more}</span>"
    return f'<section class="line-state {kind}" role="status">{said}</section>'


def _heartbeats(folder: Path) -> Iterable[Mapping[str, Any]]:
    for path in sorted(folder.glob("*.json")):
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            _moment(told, "beat_at")
            _newest_image(told)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # a file of something else, or gone just now
        yield told


def _is_running(watch: Mapping[str, Any], now: datetime) -> bool:
    age_s = (now - _moment(watch, "beat_at")).total_seconds()
    return watch.get("state") != "stopped" and age_s < LOST_AFTER_S


def _newest_image(watch: Mapping[str, Any]) -> datetime:
    """When it stored an image; when it was started, before the first one."""
    image = watch.get("last_image")
    return _moment(image, "stored_at") if image else _moment(watch, "started_at")


def _moment(told: Mapping[str, Any], name: str) -> datetime:
    moment = datetime.fromisoformat(told[name])
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
