"""Read and fit images on several threads, a bounded number ahead, and give them back in order."""

import hashlib
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from deploy.runtime.inspector import FittedImage, Inspector
from span_train.contract.errors import ImageError
from span_train.contract.image import RGB, load_image


@dataclass(frozen=True)
class Decoded:
    """One file after reading.

    Attributes:
        path: The file.
        sha256: Of its bytes; None where it cannot be opened.
        fitted: What the graph takes; None for an unreadable file.
        image: The original (H, W, 3) uint8 RGB, where it is asked for.
        problem: Why it is unreadable; empty where it is not.
    """

    path: Path
    sha256: str | None
    fitted: FittedImage | None = field(repr=False)
    image: RGB | None = field(repr=False)
    problem: str = ""


def decode_in_order(
    paths: Iterable[Path], inspector: Inspector, threads: int, ahead: int, keep_images: bool
) -> Generator[Decoded]:
    """Read files on `threads` threads, at most `ahead` of them beyond the one given back.

    Args:
        inspector: Says how images are read and fitted.
        keep_images: Give the original pixels too; they weigh far more than what is fitted.
    """
    waiting = iter(paths)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
    running: deque[Future[Decoded]] = deque()
    try:
        while True:
            for path in islice(waiting, ahead - len(running)):
                running.append(pool.submit(_decode, path, inspector, keep_images))
            if not running:
                return
            yield running.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def in_batches(
    decoded: Iterable[Decoded], size: int, most_files: int = 1024, most_bytes: int = 512 << 20
) -> Iterator[list[Decoded]]:
    """Gather files until `size` of them are readable, so that the graph runs on full batches.

    A batch ends early when it holds `most_files` files, or `most_bytes` of original pixels.
    """
    batch: list[Decoded] = []
    readable = held_bytes = 0
    for file in decoded:
        batch.append(file)
        readable += file.fitted is not None
        held_bytes += 0 if file.image is None else file.image.nbytes
        if readable == size or len(batch) >= most_files or held_bytes >= most_bytes:
            yield batch
            batch, readable, held_bytes = [], 0, 0
    if batch:
        yield batch


def _decode(path: Path, inspector: Inspector, keep_image: bool) -> Decoded:
    contract = inspector.bundle.manifest.input
    digest = None
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        image = load_image(path, window=contract.window, max_pixels=contract.max_pixels)
        return Decoded(path, digest, inspector.fit(image), image if keep_image else None)
    except ImageError as problem:
        reason = str(problem)
    except OSError as problem:
        reason = f"{path}: cannot be read ({problem.strerror})."
    except Exception as problem:  # damaged files raise almost anything, and never stop a run
        reason = f"{path}: cannot be decoded ({type(problem).__name__}: {problem})."
    return Decoded(path, digest, None, None, reason)
