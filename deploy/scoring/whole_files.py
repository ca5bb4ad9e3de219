"""Write files that have their name only when they are whole, so that a cut never looks complete."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import IO, TYPE_CHECKING

from span_train.contract.errors import InputError

if TYPE_CHECKING:  # the station draws overlays, and needs no runtime
    from deploy.scoring.results import ScoredImage


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file under a passing name; it gets its own when it is complete and on disk."""
    passing = path.with_name(f"{_passing(path)}{secrets.token_hex(4)}")
    try:
        with passing.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        passing.replace(path)
    finally:
        with suppress(OSError):
            passing.unlink(missing_ok=True)


def clear_leftovers(path: Path) -> None:
    """Remove what killed processes left of a file; no other may be writing it now."""
    for left in path.parent.glob(f"{escape(_passing(path))}{'[0-9a-f]' * 8}"):
        left.unlink(missing_ok=True)


def check_writable(folder: Path) -> None:
    """Make a folder where it is missing, and make sure that files can be written into it.

    Raises:
        InputError: It cannot be made or written to.
    """
    probe = folder / f".writable-{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as problem:
        raise InputError(
            f"{folder}: cannot be written to ({problem.strerror}); choose another place."
        ) from None


def write_for_image(folder: Path, scored: "ScoredImage", suffix: str, content: bytes) -> None:
    """Write a file that belongs to an image, named by its position, name and verdict.

    Raises:
        InputError: It cannot be written.
    """
    stem = Path(scored.row.path).stem.encode("utf-8")[:100].decode("utf-8", "ignore")
    path = folder / f"{scored.position:07d}_{stem}_{scored.row.verdict}{suffix}"
    passing = path.with_name(f".{path.name}")  # always the same: a kill leaves no heap of them
    try:
        passing.write_bytes(content)
        passing.replace(path)
    except OSError as problem:
        passing.unlink(missing_ok=True)
        raise InputError(
            f"{path}: cannot be written ({problem.strerror}); make room and start again."
        ) from None


def _passing(path: Path) -> str:
    return f".{path.name[:200]}."
