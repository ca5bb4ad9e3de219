"""Take an inspected file out of the watched folder: move, delete or keep it; never overwrite one.

A file is first renamed into a folder of its own, `.inspect-taken`, and looked at again: where the
camera has meanwhile put another file in its place, that one is an arrival of its own and not lost.
Whatever lies there after a crash is treated like any other arrival; the store knows which of them
it has.
"""

import errno
import filecmp
import itertools
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from deploy.scoring.whole_files import clear_leftovers, whole_file
from inspect_app.watch.finished_files import FileMark
from inspect_app.watch.hot_folder import TAKEN, HotFolder

After = Literal["move", "keep", "delete"]
_NO_HARD_LINKS = {
    errno.EXDEV,
    errno.EPERM,
    errno.EACCES,
    errno.EMLINK,
    errno.ENOSYS,
    errno.EOPNOTSUPP,
}


@dataclass(frozen=True)
class TakeAway:
    """What becomes of inspected files.

    Attributes:
        folder: The watched one.
        after: What to do; with `keep`, nothing in the folder is ever touched.
        done: Where moved files go, by day.
        unreadable: Where unreadable ones go, by day; those are never deleted.
    """

    folder: HotFolder
    after: After
    done: Path
    unreadable: Path

    def take(self, key: str, mark: FileMark, readable: bool, today: date) -> bool:
        """Take one file away; False where another one has come in its place, which stays.

        Raises:
            OSError: It could not be taken; it lies in the folder or in `.inspect-taken` still.
        """
        held = self._held(key)
        if _mark(held) != mark:
            return False
        if self.after == "delete" and readable:
            held.unlink()
        else:
            move_beside(held, (self.done if readable else self.unreadable) / f"{today:%Y-%m-%d}")
        self._tidy(held.parent)
        return True

    def tidy(self) -> None:
        """Remove what an interrupted process left of `.inspect-taken`, if it is empty."""
        for left in (self.folder.path / TAKEN).glob("*"):
            self._tidy(left)

    def _held(self, key: str) -> Path:
        path = self.folder.path / key
        if Path(key).parts[0] == TAKEN:
            return path
        own = self.folder.path / TAKEN / secrets.token_hex(8)
        own.mkdir(parents=True)
        held = own / path.name
        try:
            path.rename(held)
        except OSError:
            self._tidy(own)
            raise
        return held

    def _tidy(self, own: Path) -> None:
        with suppress(OSError):  # not empty, or gone already
            own.rmdir()
            own.parent.rmdir()


def move_beside(source: Path, folder: Path) -> Path:
    """Move a file into a folder, as `name`, or as `name-2` where another file has that name.

    Cut off at any moment and done again, it ends with one file. Gives where it lies now.

    Raises:
        OSError: It cannot be moved; the source is still there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = next(name for name in _names(folder, source) if _put(source, name))
    source.unlink(missing_ok=True)  # a rename has taken it along already
    return target


def _names(folder: Path, source: Path) -> Iterator[Path]:
    yield folder / source.name
    for number in itertools.count(2):
        yield folder / f"{source.stem}-{number}{source.suffix}"


def _put(source: Path, target: Path) -> bool:
    """Put the source there too, unless another file is there."""
    try:
        os.link(source, target)
    except FileExistsError:
        return _is_the_same(source, target)
    except OSError as problem:
        if problem.errno not in _NO_HARD_LINKS:
            raise
        if os.path.lexists(target):
            return _is_the_same(source, target)
        _rename_or_copy(source, target)
    return True


def _is_the_same(source: Path, target: Path) -> bool:
    """Whether a move was cut off between putting the file there and taking it away here."""
    about, there = source.lstat(), target.lstat()
    if (about.st_size, about.st_mtime_ns // 1000) != (there.st_size, there.st_mtime_ns // 1000):
        return False
    return filecmp.cmp(source, target, shallow=False)


def _rename_or_copy(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError as problem:
        if problem.errno != errno.EXDEV:
            raise
        clear_leftovers(target)
        about = source.stat()
        with source.open("rb") as original, whole_file(target) as copy:
            shutil.copyfileobj(original, copy)
            copy.flush()
            os.utime(copy.fileno(), ns=(about.st_atime_ns, about.st_mtime_ns))


def _mark(file: Path) -> FileMark:
    about = file.lstat()
    return FileMark(about.st_size, about.st_mtime_ns)
