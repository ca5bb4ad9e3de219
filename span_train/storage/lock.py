"""Let one process at a time write something; the lock of a process that was killed is free."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Some network disks know no locks; what is written there is still whole, only perhaps twice.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class Taken(Exception):
    """Another process holds the lock."""


@contextmanager
def locked(file: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the lock of this name; gives whether the disk knows locks at all.

    Args:
        file: Made where needed and removed at the end.
        wait: For another process to finish, or raise at once.

    Raises:
        Taken: Another process holds it, and `wait` is False.
        OSError: The file cannot be written.
    """
    handle, knows_locks = _open(file, wait)
    try:
        yield knows_locks
    finally:
        file.unlink(missing_ok=True)
        os.close(handle)


def _open(file: Path, wait: bool) -> tuple[int, bool]:
    while True:
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError as problem:
            if problem.errno in _NO_LOCKS:
                return handle, False
            os.close(handle)
            if isinstance(problem, BlockingIOError):
                raise Taken(str(file)) from None
            raise
        if _still_there(file, handle):
            return handle, True
        os.close(handle)  # its last holder has removed it meanwhile


def _still_there(file: Path, handle: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
