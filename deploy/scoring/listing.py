"""List the images to score one after the other, without holding a whole archive in memory."""

import heapq
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from deploy.scoring.remote import is_remote, list_remote
from span_train.contract.errors import InputError
from span_train.contract.image import IMAGE_SUFFIXES

_NAMES_IN_MEMORY = 65_536
_MAGIC = frozenset("*?[")
_EMPTY = "holds no image; expected files ending in"


class FoldersToScore:
    """All images below some folders, among them files, patterns and addresses; each image once.

    Attributes:
        told: The folders as absolute paths, sorted, none lying inside another.
    """

    def __init__(self, inputs: Sequence[Path | str]) -> None:
        """Take folders, image files, patterns like ``day*/**/*.png``, and storage addresses.

        Raises:
            InputError: One does not exist, or is a file that is no image by its name.
        """
        texts = {os.fspath(one) for one in inputs}
        self._remote = sorted(text for text in texts if is_remote(text))
        paths = {
            Path(os.path.abspath(Path(text).expanduser())) for text in texts if not is_remote(text)
        }
        self._patterns = sorted(path for path in paths if _is_pattern(path))
        roots = paths - set(self._patterns)
        _check_roots(sorted(roots))
        self._roots = sorted(root for root in roots if not roots & set(root.parents))
        self.told = tuple(map(str, [*self._roots, *self._patterns, *self._remote]))

    def __iter__(self) -> Iterator[str]:
        """The images, folder by folder.

        Raises:
            InputError: A folder cannot be listed, or there is no image in it at all.
        """
        for root in self._roots:
            yield from list_images(root)
        for number, pattern in enumerate(self._patterns):
            earlier = self._patterns[:number]
            yield from (one for one in _matching(pattern) if not self._given(one, earlier))
        for address in self._remote:
            yield from list_remote(address)

    def _given(self, image: str, earlier: Sequence[Path]) -> bool:
        path = PurePath(image)
        below_root = any(root == path or root in path.parents for root in self._roots)
        return below_root or any(_fits(path.parts, pattern.parts) for pattern in earlier)


def list_images(root: Path) -> Iterator[str]:
    """All image files below a folder, sorted by name within each folder; or the file itself.

    Hidden files and folders, links to folders, and anything that is no plain file are left out.

    Raises:
        InputError: A folder cannot be listed, or there is no image at all.
    """
    if not root.is_dir():
        yield str(root)
        return
    empty = True
    for path in _below(str(root)):
        empty = False
        yield path
    if empty:
        raise InputError(f"{root}: {_EMPTY} {', '.join(sorted(IMAGE_SUFFIXES))}.")


def _is_pattern(path: Path) -> bool:
    return bool(_MAGIC & set(str(path))) and not os.path.lexists(path)


def _check_roots(roots: Sequence[Path]) -> None:
    for root in roots:
        if not root.exists():
            raise InputError(f"{root}: does not exist; give a folder of images.")
        if not root.is_dir() and root.suffix.lower() not in IMAGE_SUFFIXES:
            raise InputError(f"{root}: is no folder and no image; give a folder of images.")


def _matching(pattern: Path) -> Iterator[str]:
    """Images whose path fits a pattern; ``**`` stands for any folders, none among them."""
    parts = pattern.parts
    plain = next(number for number, part in enumerate(parts) if _MAGIC & set(part))
    base = Path(*parts[:plain])
    if not base.is_dir():
        raise InputError(f"{pattern}: there is no folder {base}; check the pattern.")
    empty = True
    for path in _below(str(base), parts):
        if _fits(PurePath(path).parts, parts):
            empty = False
            yield path
    if empty:
        raise InputError(f"{pattern}: fits no image; write ** for folders at any depth.")


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_fits(parts[skipped:], pattern[1:]) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])


def _may_lead_to(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a folder can hold something that fits, so that others need not be looked into."""
    for part, wanted in zip(parts, pattern, strict=False):
        if wanted == "**":
            return True
        if not fnmatchcase(part, wanted):
            return False
    return len(parts) < len(pattern)


def _below(folder: str, pattern: Sequence[str] = ("**",)) -> Iterator[str]:
    """Image files below a folder, in the order of their paths, however deep they lie."""
    levels = [(folder, _sorted_names(folder))]
    while levels:
        here, names = levels[-1]
        name = next(names, None)
        if name is None:
            levels.pop()
        elif not name.endswith("/"):
            yield os.path.join(here, name)
        elif _may_lead_to(PurePath(inner := os.path.join(here, name[:-1])).parts, pattern):
            levels.append((inner, _sorted_names(inner)))


def _sorted_names(folder: str) -> Iterator[str]:
    """Names of images and, with a slash at their end, of folders; many wait on disk, not here."""
    runs: list[Iterator[str]] = []
    names: list[str] = []
    try:
        with os.scandir(folder) as found:
            for entry in found:
                if name := _worth_listing(entry):
                    names.append(name)
                if len(names) == _NAMES_IN_MEMORY:
                    runs.append(_on_disk(sorted(names)))
                    names = []
    except OSError as problem:
        raise InputError(
            f"{folder}: cannot be listed ({problem.strerror}); give this user the right to read it."
        ) from None
    return heapq.merge(*runs, sorted(names))


def _worth_listing(entry: "os.DirEntry[str]") -> str:
    """An image, or a link that leads nowhere: that one gets a row as unreadable."""
    if entry.name.startswith("."):
        return ""
    if entry.is_dir(follow_symlinks=False):
        return f"{entry.name}/"
    if os.path.splitext(entry.name)[1].lower() not in IMAGE_SUFFIXES:
        return ""
    try:
        plain = entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))
    except OSError:
        plain = True
    return entry.name if plain else ""


def _on_disk(names: Sequence[str]) -> Iterator[str]:
    file = tempfile.TemporaryFile("w+", encoding="ascii")  # noqa: SIM115 - closed when all is read
    for name in names:
        file.write(json.dumps(name) + "\n")
    file.seek(0)

    def read_back() -> Iterator[str]:
        with file:
            for line in file:
                yield json.loads(line)

    return read_back()
