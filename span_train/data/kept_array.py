"""Keep a large array of bytes in one file that is whole or not there, made once however many ask.

Several processes may share a folder of such files, at once: one makes the file, the others wait.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from span_train.contract.errors import InputError
from span_train.storage.durable import sync
from span_train.storage.lock import Taken, locked

Bytes = npt.NDArray[np.uint8]
_UNFINISHED = ".unfinished-"


def kept_file(
    folder: Path, kind: str, key: str, shape: tuple[int, ...], fill: Callable[[Bytes], None]
) -> Path:
    """Make sure that an array lies in ``<kind>-<key>.npy``, and tell where.

    It is written under another name and renamed when complete; what killed processes left behind
    is removed.

    Args:
        folder: Where the file lies; made when missing.
        kind: What the array holds, for people who look into the folder.
        key: A hash of everything the array follows from; a file of that key is used again.
        shape: Of the array, uint8.
        fill: Writes every value of the array it is given.

    Raises:
        InputError: The folder cannot be written to.
    """
    file = folder / f"{kind}-{key}.npy"
    if _is_whole(file, shape):
        return file
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(_lock(folder, key), wait=True) as knows_locks:
            if not _is_whole(file, shape):  # another process may have made it meanwhile
                if knows_locks:
                    _remove_unfinished(folder, key)
                _write(file, key, shape, fill)
    except OSError as problem:
        raise InputError(
            f"{folder}: cannot keep {np.prod(shape) / 1e6:.0f} MB of {kind} there "
            f"({problem.strerror}); choose a folder with room that you may write to, as "
            "pretrain.cache."
        ) from None
    return file


def open_kept(file: Path) -> Bytes:
    """The array as a read-only memory map, uint8.

    Raises:
        InputError: The file is not there, or not whole.
    """
    try:
        kept: Bytes = np.load(file, mmap_mode="r")
    except (OSError, ValueError, EOFError) as problem:
        raise InputError(
            f"{file}: cannot be read ({problem}); processes on several machines need a --out, or a "
            "pretrain.cache, that all of them can see."
        ) from None
    return kept


def _lock(folder: Path, key: str) -> Path:
    return folder / f".lock-{key}"


def _is_whole(file: Path, shape: tuple[int, ...]) -> bool:
    try:
        kept: Bytes = np.load(file, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return False
    return kept.shape == shape and kept.dtype == np.uint8


def _remove_unfinished(folder: Path, own_key: str) -> None:
    """Remove what killed processes left: files whose lock nobody holds."""
    for left in folder.glob(f"{_UNFINISHED}*"):
        key = left.name.removeprefix(_UNFINISHED).partition("-")[0]
        if key == own_key:
            left.unlink(missing_ok=True)
            continue
        try:
            with locked(_lock(folder, key), wait=False):
                left.unlink(missing_ok=True)
        except Taken:
            continue


def _write(file: Path, key: str, shape: tuple[int, ...], fill: Callable[[Bytes], None]) -> None:
    unfinished = file.with_name(f"{_UNFINISHED}{key}-{secrets.token_hex(4)}.npy")
    handle = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        array = np.lib.format.open_memmap(unfinished, "w+", np.uint8, shape)
        # Without room reserved, writing to a map on a full disk would kill this process.
        os.posix_fallocate(handle, 0, unfinished.stat().st_size)
        fill(array)
        array.flush()
        os.fsync(handle)
        unfinished.replace(file)
        sync(file.parent)
    finally:
        os.close(handle)
        unfinished.unlink(missing_ok=True)
