"""What is wrong with a process that feeds the store, in words, and what to do about it."""

from typing import Any

from inspect_app.reports.say import Say, plain
from inspect_app.store.line_health import FULL_BELOW_BYTES, FeedHealth

Trouble = tuple[str, str]


def troubles(feed: FeedHealth, tr: Say = plain) -> list[Trouble]:
    """(what is wrong, what to do), the worst first; empty where all is well."""
    told, found = feed.told, []
    if feed.is_silent:
        found.append(
            (
                tr("No sign of life for {seconds} s", seconds=tr.number(feed.silent_s)),
                tr("Look whether the process, its machine and the network run."),
            )
        )
    state = _of_state(str(told.get("state")), tr)
    if state is not None:
        found.append(state)
    return found + _of_files(told, tr)


def _of_state(state: str, tr: Say) -> Trouble | None:
    if state == "store refuses":
        return (
            tr("The store refuses writing: it is down, or its disk is full"),
            tr("Images wait in their folder and are caught up with; bring the store back."),
        )
    if state == "folder is missing":
        return (
            tr("The watched folder is gone"),
            tr("Bring the share or the folder back; the watch waits for it."),
        )
    if state == "stopped":
        return tr("It was stopped"), tr("Start inspect watch again.")
    return None


def _of_files(told: dict[str, Any], tr: Say) -> list[Trouble]:
    found = []
    error = told.get("last_error") or {}
    if error.get("present"):
        found.append((str(error.get("text", "")), tr("It is tried again until it works.")))
    if told.get("bundle_on_disk") in ("changed", "missing"):
        found.append(
            (
                tr("The bundle was changed or removed on the disk; the loaded one goes on"),
                tr("Start the watch again to use what lies there, or put the bundle back."),
            )
        )
    if told.get("stuck"):
        found.append(
            (
                tr("{n} inspected files cannot be moved away", n=told["stuck"]),
                tr("Let the watch write to the folder; nothing is inspected twice."),
            )
        )
    free = told.get("free_bytes")
    if isinstance(free, int) and free < FULL_BELOW_BYTES:
        found.append(
            (
                tr(
                    "Only {room} GiB are free where pictures are kept",
                    room=tr.number(free / 2**30, 1),
                ),
                tr("Free the disk, or run inspect store-clean."),
            )
        )
    return found
