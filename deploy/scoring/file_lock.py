"""A lock on an open file that the operating system frees when its process dies, however it dies."""

import sys
from typing import IO

if sys.platform == "win32":
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

else:
    import fcntl

    def lock_file(file: IO[bytes]) -> None:
        """Lock an open file for this process.

        Raises:
            BlockingIOError: Another process holds it.
        """
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
