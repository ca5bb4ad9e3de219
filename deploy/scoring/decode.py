"""Read, hash and fit one image file; a bad file becomes a sentence that says what is wrong."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from deploy.runtime.inspector import FittedImage, Inspector
from deploy.scoring.remote import is_remote, read_remote
from span_train.contract.errors import ImageError
from span_train.contract.image import RGB
from span_train.contract.image_bytes import read_image_bytes

Waiting = tuple[int, str]


@dataclass(frozen=True)
class Decoded:
    """One file after reading.

    Attributes:
        position: Its place in the scoring run, from 0.
        place: Its path, or its address in object storage.
        sha256: Of the bytes that were decoded; None where there are none.
        fitted: What the graph takes; None for an unreadable file.
        image: The original (H, W, 3) uint8 RGB, where it is asked for.
        problem: Why it is unreadable; empty where it is not.
    """

    position: int
    place: str
    sha256: str | None
    fitted: FittedImage | None = field(repr=False)
    image: RGB | None = field(repr=False)
    problem: str = ""


def decode(waiting: Waiting, inspector: Inspector, keep_image: bool) -> Decoded:
    """Read a file once, so that the bytes that are hashed are those that are decoded.

    Args:
        waiting: Position and place of the file.
        inspector: Says how images are read and fitted.
        keep_image: Give the original pixels too; they weigh far more than what is fitted.
    """
    position, place = waiting
    digest = None
    try:
        content = _content(place, inspector.bundle.manifest.input.max_pixels)
        digest = hashlib.sha256(content).hexdigest()
        image = inspector.decode(content, place)
        fitted = inspector.fit(image)
        return Decoded(position, place, digest, fitted, image if keep_image else None)
    except ImageError as problem:
        reason = str(problem)
    except Exception as problem:  # whatever a file does, the run goes on
        reason = f"{place}: cannot be decoded ({type(problem).__name__}: {problem})."
    return Decoded(position, place, digest, None, None, reason)


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


def _content(place: str, max_pixels: int) -> bytes:
    return (
        read_remote(place, max_pixels) if is_remote(place) else read_image_bytes(place, max_pixels)
    )
