"""Hear from the operating system which files of a folder change, so that nobody waits for a look.

An event may be lost without harm: the folder is looked through again from time to time anyway.
"""

import os
import sys
import threading
from types import TracebackType
from typing import Protocol, Self

from watchdog.events import (
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)

from inspect_app.watch.finished_files import MOST_WAITING

_CHANGES: list[type[FileSystemEvent]] = [
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]
# A rename is told in two halves, and half a second passes by default before they count as a pair.
# Nothing here needs the pair: the second half alone says what came.
_PAIRED_WITHIN_S = 0.01


class Events(Protocol):
    """What tells of changes in a folder."""

    def take(self) -> dict[str, bool]:
        """Names that changed since it was asked last, and whether each was renamed in."""

    def wait(self, timeout_s: float) -> None:
        """Wait for the next change, but no longer than this."""


class FolderEvents(FileSystemEventHandler):
    """Changes in one folder, not below it; use it as a context manager."""

    def __init__(self, folder: str) -> None:
        """Prepare to listen to `folder`."""
        self._folder = folder
        self._names: dict[str, bool] = {}
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        """Listen.

        Raises:
            OSError: The operating system has no such events for this folder, or none to spare.
        """
        if sys.platform != "linux":
            raise OSError("only Linux tells when a file was renamed in")
        from watchdog.observers.inotify import InotifyObserver
        from watchdog.observers.inotify_move_event_grouper import InotifyMoveEventGrouper

        InotifyMoveEventGrouper.delay = _PAIRED_WITHIN_S
        self._observer = InotifyObserver(generate_full_events=True)
        self._observer.schedule(self, self._folder, event_filter=_CHANGES)
        self._observer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._observer.stop()
        self._observer.join()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Note the file; called from the observer's thread."""
        renamed_in = isinstance(event, FileMovedEvent)
        folder, name = os.path.split(os.fsdecode(event.dest_path if renamed_in else event.src_path))
        if event.is_directory or folder != self._folder:
            return
        with self._changed:
            if name in self._names or len(self._names) < MOST_WAITING:
                self._names[name] = renamed_in or self._names.get(name, False)
            self._changed.notify()

    def take(self) -> dict[str, bool]:
        """Names that changed since it was asked last, and whether each was renamed in."""
        with self._changed:
            names, self._names = self._names, {}
        return names

    def wait(self, timeout_s: float) -> None:
        """Wait for the next change, but no longer than this."""
        with self._changed:
            if not self._names:
                self._changed.wait(timeout_s)


class NoEvents:
    """Stands where nothing tells of changes, as on a network share: the folder is looked at."""

    def take(self) -> dict[str, bool]:
        """Nothing ever changed."""
        return {}

    def wait(self, timeout_s: float) -> None:
        """Sleep."""
        threading.Event().wait(timeout_s)
