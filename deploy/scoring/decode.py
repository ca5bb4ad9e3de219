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
        content: The bytes that were decoded, where the original is asked for.
    """

    position: int
    place: str
    sha256: str | None
    fitted: FittedImage | None = field(repr=False)
    image: RGB | None = field(repr=False)
    problem: str = ""
    content: bytes | None = field(default=None, repr=False)


def decode(waiting: Waiting, inspector: Inspector, keep_image: bool) -> Decoded:
    """Read a file once, so that the bytes that are hashed are those that are decoded.

    Args:
        waiting: Position and place of the file.
        inspector: Says how images are read and fitted.
        keep_image: Give the original pixels too; they weigh far more than what is fitted.
    """
    position, place = waiting
    try:
        content = _content(place, inspector.bundle.manifest.input.max_pixels)
    except ImageError as problem:
        return Decoded(position, place, None, None, None, str(problem))
    except Exception as problem:  # whatever a file does, the run goes on
        return Decoded(position, place, None, None, None, _odd(place, problem))
    return decode_content(content, position, place, inspector, keep_image)


def decode_content(
    content: bytes, position: int, place: str, inspector: Inspector, keep_image: bool
) -> Decoded:
    """As `decode`, for the bytes of an image file; `place` names it in messages and rows."""
    digest = hashlib.sha256(content).hexdigest()
    try:
        image = inspector.decode(content, place)
        fitted = inspector.fit(image)
        kept = (image, content) if keep_image else (None, None)
        return Decoded(position, place, digest, fitted, kept[0], content=kept[1])
    except ImageError as problem:
        reason = str(problem)
    except Exception as problem:  # damaged images raise almost anything, and never stop the line
        reason = _odd(place, problem)
    return Decoded(position, place, digest, None, None, reason)


def _odd(place: str, problem: Exception) -> str:
    return f"{place}: cannot be decoded ({type(problem).__name__}: {problem})."


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
