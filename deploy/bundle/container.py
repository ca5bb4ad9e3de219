"""Read a bundle's files where they lie, in a folder or in a zip; nothing is ever unpacked."""

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.bundle.manifest import MANIFEST, SIGNATURE, stays_inside
from span_train.contract.errors import BundleError

COPY_AGAIN = "copy the whole bundle again from where it was exported"
# Far above any bundle, and low enough that a hostile one cannot fill the line PC's memory.
MOST_FILES = 4096
MOST_BYTES = 4 << 30
# Weights and pictures hardly shrink in a zip; a zip that grows by more than this is a bomb.
_MOST_GROWTH = 20
_SMALL_BYTES = 64 << 20
_ENCRYPTED = 0x1
_ZIP_MISTAKES = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True)
class BundleFiles:
    """The files of a bundle, by their names relative to it.

    Attributes:
        path: The folder, or the zip.
        names: Every file there is; each is a plain file and lies inside.
    """

    path: Path
    names: frozenset[str]
    _read: Callable[[str], bytes]

    def read(self, name: str) -> bytes:
        """The content of one of the files.

        Raises:
            BundleError: It cannot be read.
        """
        try:
            return self._read(name)
        except OSError as problem:
            reason: object = problem.strerror or problem
        except _ZIP_MISTAKES as problem:
            reason = problem
        raise BundleError(f"{self.path / name}: cannot be read ({reason}); {COPY_AGAIN}.")


@contextmanager
def bundle_files(path: Path) -> Iterator[BundleFiles]:
    """Open the folder or the zip of a bundle for reading.

    Raises:
        BundleError: It is neither; or it holds a link, a name that leads outside, two files of one
            name, or more than a bundle can hold. The message names the file.
    """
    if path.is_dir():
        yield _of_folder(path)
    elif path.is_file():
        with _opened(path) as archive:
            yield _of_zip(path, archive)
    else:
        what = "is no plain file" if path.exists() else "does not exist"
        raise BundleError(
            f"{path}: {what}, expected a bundle's folder or its zip; give the one to use."
        )


def _of_folder(folder: Path) -> BundleFiles:
    sizes: dict[str, int] = {}
    for place, folders, files in os.walk(folder):
        for name in (*files, *folders):
            path = Path(place) / name
            mode, size_bytes = _lstat(path)
            if stat.S_ISREG(mode):
                sizes[path.relative_to(folder).as_posix()] = size_bytes
            elif not stat.S_ISDIR(mode):
                raise BundleError(
                    f"{path}: a {_kind(mode)}, but a bundle holds only plain files; {COPY_AGAIN}."
                )
        _check_amount(folder, len(sizes), sum(sizes.values()), MOST_BYTES)
    return BundleFiles(folder, frozenset(sizes), lambda name: (folder / name).read_bytes())


def _lstat(path: Path) -> tuple[int, int]:
    try:
        found = path.lstat()
    except OSError as problem:
        raise BundleError(f"{path}: cannot be read ({problem.strerror}); {COPY_AGAIN}.") from None
    return found.st_mode, found.st_size


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except OSError as problem:
        raise BundleError(f"{path}: cannot be read ({problem.strerror}).") from None
    except _ZIP_MISTAKES as problem:
        raise BundleError(
            f"{path}: no zip that can be read ({problem}), expected a bundle's folder or its zip; "
            f"{COPY_AGAIN}."
        ) from None
    with archive:
        yield archive


def _of_zip(path: Path, archive: zipfile.ZipFile) -> BundleFiles:
    entries = archive.infolist()
    declared_bytes = sum(entry.file_size for entry in entries)
    most_bytes = min(MOST_BYTES, _SMALL_BYTES + _MOST_GROWTH * path.stat().st_size)
    _check_amount(path, len(entries), declared_bytes, most_bytes)
    files = _plain_files(path, entries)

    def read(name: str) -> bytes:
        with archive.open(files[name]) as file:
            return file.read(files[name].file_size + 1)  # never more, whatever the entry holds

    return BundleFiles(path, frozenset(files), read)


def _plain_files(path: Path, entries: Iterable[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    files: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        name = entry.orig_filename
        reason = _refused(entry) or ("there twice" if name in files else "")
        if reason:
            raise BundleError(f"{path}: the entry {name!r} is {reason}; do not use this bundle.")
        if not entry.is_dir():
            files[name] = entry
    return files


def _refused(entry: zipfile.ZipInfo) -> str:
    """Why an entry has no place in a bundle; empty where it has."""
    name, mode = entry.orig_filename.removesuffix("/"), entry.external_attr >> 16
    if not (stays_inside(name) or name in (MANIFEST, SIGNATURE)):
        return "a name that may lead outside"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return f"a {_kind(mode)}, where only plain files are allowed"
    if entry.flag_bits & _ENCRYPTED:
        return "encrypted"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "packed in an unusual way"
    return ""


def _check_amount(path: Path, files: int, amount_bytes: int, most_bytes: int) -> None:
    if files > MOST_FILES:
        raise BundleError(f"{path}: more than {MOST_FILES} files; this is no bundle.")
    if amount_bytes > most_bytes:
        raise BundleError(
            f"{path}: {amount_bytes:,} bytes of content, and at most {most_bytes:,} are read from "
            "such a bundle; do not use it."
        )


def _kind(mode: int) -> str:
    return "link" if stat.S_ISLNK(mode) else "special file"
