"""List and read images in object storage (s3://, gs://) and other places with an address."""

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import SplitResult, quote, unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

from span_train.contract.errors import ImageError, InputError
from span_train.contract.image import IMAGE_SUFFIXES
from span_train.contract.image_bytes import check_size

_ADDRESS = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_IN_BUCKETS = ("s3", "gs", "gcs")


def is_remote(place: str) -> bool:
    """Whether a place is an address like `s3://bucket/photos` rather than a path."""
    return _ADDRESS.match(place) is not None


def list_remote(root: str) -> Iterator[str]:
    """The addresses of all images below an address, sorted by name within each folder.

    A folder is listed in one piece: where one holds millions of images, a list file weighs less.

    Raises:
        InputError: The storage is unknown, refuses, or holds no image there.
    """
    address = _split(root)
    storage, path = _storage(address), _path(address)
    try:
        found = storage.get_file_info(path)
    except (OSError, pa.ArrowException) as problem:
        raise _unreachable(root, problem) from None
    if found.type == fs.FileType.File:
        yield root
        return
    empty = True
    for below in _below(storage, path, root):
        empty = False
        name = quote(below.removeprefix(path.rstrip("/")).lstrip("/"))
        yield address._replace(path=f"{address.path.rstrip('/')}/{name}").geturl()
    if empty:
        known = ", ".join(sorted(IMAGE_SUFFIXES))
        raise InputError(f"{root}: holds no image; expected files ending in {known}.")


def read_remote(place: str, max_pixels: int) -> bytes:
    """The bytes of an image in object storage.

    Raises:
        ImageError: It cannot be read, or is larger than an image of `max_pixels` can be.
    """
    try:
        address = _split(place)
        with _storage(address).open_input_file(_path(address)) as file:
            check_size(place, file.size(), max_pixels)
            return bytes(file.read())
    except (OSError, pa.ArrowException, InputError) as problem:
        if isinstance(problem, ImageError):
            raise
        raise ImageError(f"{place}: cannot be read ({_first_line(problem)}).") from None


def _split(place: str) -> SplitResult:
    address = urlsplit(place)
    if "@" in address.netloc:
        raise InputError(
            f"{address.scheme}://...@{address.hostname}: carries a password, which would stand in "
            "every row; give it by the environment, as the storage's own tools take it."
        )
    return address


def _path(address: SplitResult) -> str:
    bucket = address.netloc if address.scheme in _IN_BUCKETS else ""
    return (bucket + unquote(address.path)).rstrip("/")


def _storage(address: SplitResult) -> fs.FileSystem:
    return _open_storage(address._replace(path="/").geturl(), os.getpid())


@lru_cache(maxsize=16)
def _open_storage(root: str, _process: int) -> fs.FileSystem:
    """One client a storage and process, for it keeps its connections."""
    try:
        storage, _ = fs.FileSystem.from_uri(root)
    except (ValueError, OSError, pa.ArrowException) as problem:
        raise _unreachable(root, problem) from None
    return storage


def _below(storage: fs.FileSystem, folder: str, root: str) -> Iterator[str]:
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            found = storage.get_file_info(fs.FileSelector(here))
        except (OSError, pa.ArrowException) as problem:
            raise _unreachable(root, problem) from None
        folders = []
        for entry in sorted(found, key=lambda entry: entry.base_name):
            if entry.base_name.startswith("."):
                continue
            if entry.type == fs.FileType.Directory:
                folders.append(entry.path)
            elif os.path.splitext(entry.base_name)[1].lower() in IMAGE_SUFFIXES:
                yield entry.path
        waiting += reversed(folders)


def _unreachable(root: str, problem: Exception) -> InputError:
    return InputError(
        f"{root}: cannot be listed ({_first_line(problem)}); check the address and this user's "
        "credentials."
    )


def _first_line(problem: Exception) -> str:
    return (str(problem).strip() or type(problem).__name__).splitlines()[0]
