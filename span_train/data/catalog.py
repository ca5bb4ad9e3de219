"""Find the images of a line, tell equal files apart from different ones, and spot damaged files."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from span_train.contract.errors import ImageError, InputError
from span_train.contract.image import IMAGE_SUFFIXES, load_image
from span_train.contract.settings import InputSettings

_READERS = 4
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Survey:
    """What a look at every file found.

    Attributes:
        hashes: sha256 of each readable file's content.
        unreadable: (path, reason) of each file that cannot be used.
    """

    hashes: dict[Path, str]
    unreadable: tuple[tuple[Path, str], ...]


def find_images(folders: Sequence[Path]) -> tuple[Path, ...]:
    """All image files below some folders, sorted by path and without repeats.

    Hidden files and folders are left out.

    Raises:
        InputError: A folder is missing, is no folder, or holds no image.
    """
    found: set[Path] = set()
    for folder in folders:
        if not folder.is_dir():
            what = "is a file" if folder.exists() else "does not exist"
            raise InputError(f"{folder}: {what}, expected a folder of images.")
        images = {path for path in folder.rglob("*") if _is_image_name(path, folder)}
        if not images:
            known = ", ".join(sorted(IMAGE_SUFFIXES))
            raise InputError(f"{folder}: holds no image; expected files ending in {known}.")
        found |= images
    return tuple(sorted(found))


def content_hash(path: Path) -> str:
    """The sha256 of a file's bytes, as hexadecimal text.

    Raises:
        ImageError: The file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        raise ImageError(f"{path}: cannot be read ({problem.strerror}).") from None


def content_hashes(paths: Sequence[Path]) -> list[str]:
    """The sha256 of each file, in order."""
    return _in_threads(content_hash, paths)


def survey(paths: Iterable[Path], settings: InputSettings) -> Survey:
    """Decode every file once and hash those that can be read; damaged files stop nothing."""
    each = sorted(set(paths))
    reasons = _in_threads(lambda path: why_unreadable(path, settings), each)
    readable = [path for path, reason in zip(each, reasons, strict=True) if reason is None]
    hashes = dict(zip(readable, content_hashes(readable), strict=True))
    bad = [(path, reason) for path, reason in zip(each, reasons, strict=True) if reason]
    return Survey(hashes, tuple(bad))


def why_unreadable(path: Path, settings: InputSettings) -> str | None:
    """Why an image cannot be used, or None where it can."""
    try:
        load_image(path, window=settings.window, max_pixels=settings.max_pixels)
    except ImageError as problem:
        return str(problem)
    return None


def _is_image_name(path: Path, folder: Path) -> bool:
    hidden = any(step.startswith(".") for step in path.relative_to(folder).parts)
    return path.suffix.lower() in IMAGE_SUFFIXES and not hidden and path.is_file()


def _in_threads(do: Callable[[Path], _Result], paths: Sequence[Path]) -> list[_Result]:
    with ThreadPoolExecutor(_READERS) as readers:
        return list(readers.map(do, paths))
