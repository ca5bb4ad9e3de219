"""Locks that the operating system frees when their process dies, however it dies."""

import os
import sys
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import errno
    import msvcrt

    def lock_file(file: IO[bytes]) -> None:
        """Lock an open file for this process.

        Raises:
            BlockingIOError: Another process holds it.
        """
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            raise BlockingIOError("held by another process") from None

    def lock_folder(folder: Path) -> int:
        """Folders cannot be locked here.

        Raises:
            OSError: Always.
        """
        raise OSError(errno.ENOSYS, "folders cannot be locked", str(folder))

else:
    import fcntl

    def lock_file(file: IO[bytes]) -> None:
        """Lock an open file for this process.

        Raises:
            BlockingIOError: Another process holds it.
        """
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def lock_folder(folder: Path) -> int:
        """Lock a folder itself, so that nothing need be written into it.

        Returns:
            The open descriptor; closing it ends the lock.

        Raises:
            BlockingIOError: Another process holds it.
            OSError: It cannot be opened, or its file system has no locks on folders.
        """
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor
