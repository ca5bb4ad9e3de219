"""What every process that feeds a store says of itself, and what stands behind it.

The processes write heartbeat files beside the pictures; nothing here asks a process.
"""

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HEARTBEATS = "watch"
SILENT_AFTER_S = 10.0
FULL_BELOW_BYTES = 1 << 30


@dataclass(frozen=True)
class FeedHealth:
    """One process, as its heartbeat file tells.

    Attributes:
        told: The file's content.
        silent_s: Seconds since it was written; a living process writes it every second.
    """

    told: dict[str, Any]
    silent_s: float

    @property
    def is_silent(self) -> bool:
        """Whether it stopped telling, without having said that it ends."""
        return self.silent_s > SILENT_AFTER_S and self.told.get("state") != "stopped"


def feeds_of(assets: Path, now: datetime | None = None) -> list[FeedHealth]:
    """All processes that ever told of themselves beside a store's pictures, by their folder."""
    moment, found = now or datetime.now(UTC), []
    for file in sorted((assets / HEARTBEATS).glob("[!.]*.json")):
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
            beat_at = datetime.fromisoformat(told["beat_at"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # half written on a full disk: the next beat tells
        if isinstance(told, dict):
            found.append(FeedHealth(told, (moment - beat_at).total_seconds()))
    return found


def free_bytes(assets: Path) -> int | None:
    """Room left where pictures are kept; None where that cannot be told."""
    try:
        return shutil.disk_usage(assets).free
    except OSError:
        return None
