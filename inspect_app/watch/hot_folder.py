"""The folder that is watched: who may watch it, what lies in it, and whether it is still there."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.scoring.file_lock import lock_file, lock_folder
from inspect_app.watch.finished_files import FileMark
from span_train.contract.errors import InputError
from span_train.contract.image import IMAGE_SUFFIXES

TAKEN = ".inspect-taken"
_NO_LOCKS = {errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EACCES}


@dataclass(frozen=True)
class Listed:
    """What lies in the folder.

    Attributes:
        images: Finished or not, by key, the oldest first.
        others: How many files are no images by their names, and wait for nobody.
    """

    images: dict[str, FileMark]
    others: int


class HotFolder:
    """A folder of one process, held by a lock that ends with the process."""

    def __init__(self, path: Path) -> None:
        """Take the folder at `path`."""
        self.path = Path(os.path.abspath(path))

    def may_be_image(self, name: str) -> bool:
        """Whether a file may be an image by its name; hidden and passing names are left alone."""
        return not _is_passing(name) and os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES

    def source(self, key: str) -> str:
        """Where a file came to lie when it arrived, whether it is half taken by now or not."""
        return str(self.path / Path(key).name)

    def identity(self) -> tuple[int, int] | None:
        """Which folder lies at the path now; None while there is none, as on a lost share."""
        try:
            about = os.stat(self.path)
        except OSError:
            return None
        return (about.st_dev, about.st_ino) if stat.S_ISDIR(about.st_mode) else None

    @contextmanager
    def held(self, beside: Path) -> Iterator[None]:
        """Hold the folder for this process.

        Args:
            beside: The lock where the folder's own file system has none.

        Raises:
            InputError: Another process watches it, or it cannot be opened.
        """
        with ExitStack() as stack:
            try:
                stack.callback(os.close, lock_folder(self.path))
            except BlockingIOError:
                raise self._is_held() from None
            except OSError as problem:
                if problem.errno not in _NO_LOCKS:
                    raise InputError(
                        f"{self.path}: cannot be opened ({problem.strerror}); give a folder that "
                        "this user may read."
                    ) from None
                self._lock_beside(stack, beside)
            yield

    def listed(self) -> Listed:
        """Look through the folder, and through what an interrupted process left half taken.

        Raises:
            OSError: It cannot be listed now.
        """
        found: dict[str, FileMark] = {}
        others = 0
        with os.scandir(self.path) as entries:
            for entry in entries:
                if self.may_be_image(entry.name):
                    _note(found, entry.name, entry)
                elif not _is_passing(entry.name) and entry.is_file(follow_symlinks=False):
                    others += 1
        for left in sorted((self.path / TAKEN).glob("*/*")):
            _note(found, str(left.relative_to(self.path)), left)
        # Only among files that a look finds at once; all others keep the order in which they came.
        oldest_first = sorted(found.items(), key=lambda one: (one[1].time_ns, one[0]))
        return Listed(dict(oldest_first), others)

    def mark(self, key: str) -> FileMark | None:
        """The state of one file; None where there is no plain file of this name now."""
        try:
            return _mark(os.lstat(self.path / key))
        except OSError:
            return None

    def _lock_beside(self, stack: ExitStack, beside: Path) -> None:
        beside.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock_file(stack.enter_context(beside.open("ab")))
        except BlockingIOError:
            raise self._is_held() from None

    def _is_held(self) -> InputError:
        return InputError(
            f"{self.path}: another `inspect watch` has this folder; stop that one first."
        )


def _is_passing(name: str) -> bool:
    return name.startswith((".", "~"))


def _note(found: dict[str, FileMark], key: str, file: "os.DirEntry[str] | Path") -> None:
    with suppress(FileNotFoundError):  # taken away since it was listed
        about = file.lstat() if isinstance(file, Path) else file.stat(follow_symlinks=False)
        if mark := _mark(about):
            found[key] = mark


def _mark(about: os.stat_result) -> FileMark | None:
    plain = stat.S_ISREG(about.st_mode)
    return FileMark(about.st_size, about.st_mtime_ns) if plain else None
