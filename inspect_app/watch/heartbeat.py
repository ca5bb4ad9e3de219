"""Tell everyone who looks how the watch is: a small file, written anew about once a second."""

import hashlib
import json
import os
import shutil
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

State = Literal["starting", "watching", "store refuses", "folder is missing", "stopped"]
BEAT_S = 1.0
HEARTBEATS = "watch"


@dataclass
class Health:
    """What there is to know of one watch; *Line health* shows it.

    Attributes:
        state: What it is doing. Whether it lives shows by the age of `beat_at`.
        offered: Bundles that it may be asked to go on with, each with id and name.
        bundle_on_disk: `changed` or `missing` where another bundle lies there than the loaded one.
        waiting: Files in the folder that are not in the store yet.
        stuck: Files that are in the store, but could not be moved or deleted.
        others: Files that are no images by their names.
        unnamed: Images since the start whose names did not fit the pattern.
        last_image: Name, outcome, when it was stored, and milliseconds from its last change to
            the store.
        last_error: What went wrong last, when, and whether it still does.
    """

    folder: str
    bundle_id: str
    bundle: str
    provider: str
    started_at: str
    state: State = "starting"
    bundle_on_disk: Literal["same", "changed", "missing"] = "same"
    events: Literal["inotify", "polling"] = "polling"
    waiting: int = 0
    stuck: int = 0
    others: int = 0
    unnamed: int = 0
    inspected: int = 0
    unreadable: int = 0
    last_image: dict[str, Any] | None = None
    last_error: dict[str, Any] | None = field(default=None)
    offered: list[dict[str, str]] = field(default_factory=list)

    @property
    def feed(self) -> str:
        """By which the store knows this watch: the name of its file, without suffix."""
        return feed_name(self.folder)


class Heartbeat:
    """The file of one watch: `<assets>/watch/<host>-<folder>-<hash>.json`."""

    def __init__(self, assets: Path, health: Health) -> None:
        """Tell of `health`; whoever holds it changes it."""
        self.health = health
        self.file = assets / HEARTBEATS / f"{health.feed}.json"
        self._told_at_s = -BEAT_S

    def beat(self, at_once: bool = False) -> None:
        """Write the file, if it is time; where it cannot be written, its age tells of that."""
        if not at_once and time.monotonic() - self._told_at_s < BEAT_S:
            return
        self._told_at_s = time.monotonic()
        with suppress(OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
        told = asdict(self.health) | {
            "feed": self.health.feed,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "beat_at": now_text(),
            "free_bytes": self._free_bytes(),
        }
        self._write(json.dumps(told, ensure_ascii=False, indent=1).encode())

    def _write(self, text: bytes) -> None:
        """Whole, by a draft; on a full disk into the room that the file has already."""
        draft = self.file.with_name(f".{self.file.name}")
        try:
            draft.write_bytes(text)
            draft.replace(self.file)
        except OSError:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            with suppress(OSError), self.file.open("r+b") as file:
                length = file.seek(0, os.SEEK_END)
                file.seek(0)
                file.write(text.ljust(length))

    def _free_bytes(self) -> int | None:
        try:
            return shutil.disk_usage(self.file.parent).free
        except OSError:
            return None


def lock_beside(assets: Path, folder: str) -> Path:
    """The lock of a watched folder whose own file system has no locks."""
    return assets / HEARTBEATS / f"{feed_name(folder)}.lock"


def now_text() -> str:
    """This moment in UTC, as text."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def feed_name(folder: str) -> str:
    """The name of a watched folder's own files, on this machine."""
    host = socket.gethostname()
    digest = hashlib.sha256(f"{host}\0{folder}".encode("utf-8", "backslashreplace")).hexdigest()
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in Path(folder).name)[:40]
    return f"{host}-{plain}-{digest[:8]}"
