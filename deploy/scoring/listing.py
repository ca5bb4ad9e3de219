"""List the images to score one after the other, without holding a whole archive in memory."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from span_train.contract.errors import InputError
from span_train.contract.image import IMAGE_SUFFIXES


def score_roots(inputs: Sequence[Path]) -> tuple[Path, ...]:
    """The folders and files to score as absolute paths, sorted, none lying inside another.

    Raises:
        InputError: One does not exist, or is a file that is no image by its name.
    """
    roots = {Path(os.path.abspath(path.expanduser())) for path in inputs}
    for root in sorted(roots):
        if not root.exists():
            raise InputError(f"{root}: does not exist; give a folder of images.")
        if not root.is_dir() and root.suffix.lower() not in IMAGE_SUFFIXES:
            raise InputError(f"{root}: is no folder and no image; give a folder of images.")
    return tuple(sorted(root for root in roots if not roots & set(root.parents)))


def list_images(root: Path) -> Iterator[Path]:
    """All image files below a folder, sorted by name within each folder; or the file itself.

    Hidden files and folders, links to folders, and anything that is no plain file are left out.

    Raises:
        InputError: A folder cannot be listed, or there is no image at all.
    """
    if not root.is_dir():
        yield root
        return
    empty = True
    for path in _below(root):
        empty = False
        yield path
    if empty:
        known = ", ".join(sorted(IMAGE_SUFFIXES))
        raise InputError(f"{root}: holds no image; expected files ending in {known}.")


def _below(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as problem:
        raise InputError(
            f"{folder}: cannot be listed ({problem.strerror}); give this user the right to read it."
        ) from None
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _below(Path(entry.path))
        elif os.path.splitext(entry.name)[1].lower() in IMAGE_SUFFIXES and _worth_a_row(entry):
            yield Path(entry.path)


def _worth_a_row(entry: "os.DirEntry[str]") -> bool:
    """A file, or a link that leads nowhere: that one gets a row as unreadable."""
    try:
        return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))
    except OSError:
        return True
