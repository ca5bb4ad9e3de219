"""Write files so that after a crash or a power cut they are whole, the old one or the new one."""

import os
from collections.abc import Callable
from pathlib import Path


def write_durably(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `path`, bring it to the disk, then put it in its place.

    Args:
        path: What is replaced, once all of it is on the disk.
        write: Fills the file it is given; when it fails, nothing is left behind.

    Raises:
        OSError: The file cannot be written.
    """
    unfinished = path.with_name(path.name + ".partial")
    try:
        write(unfinished)
        sync(unfinished)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
