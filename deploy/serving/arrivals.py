"""One image that a cell has sent: named, hashed, read and fitted."""

import hashlib
from dataclasses import dataclass

from deploy.runtime.inspector import Inspector
from deploy.scoring.decode import Decoded, decode_content
from deploy.scoring.results import ScoredImage


@dataclass(frozen=True)
class Arrival:
    """An image after reading.

    Attributes:
        source: The cell or camera that sent it.
        name: The sender's name for it, or the start of its sha256.
        file: As scoring knows a file that it has read. It lies in no folder: its place is
            `http:SOURCE/NAME`.
    """

    source: str
    name: str
    file: Decoded


@dataclass(frozen=True)
class Found:
    """An arrival, and what was found in it: the same row that scoring a file makes."""

    arrival: Arrival
    scored: ScoredImage


def read_arrival(
    content: bytes, position: int, source: str, name: str, inspector: Inspector, keep_image: bool
) -> Arrival:
    """Decode and fit the bytes of an image; whatever is wrong with them becomes its problem.

    Args:
        position: Its place among all arrivals, from 0.
        name: May be empty; the start of the sha256 then takes its place.
        keep_image: Keep the original pixels too; they weigh far more than what is fitted.
    """
    name = name or hashlib.sha256(content).hexdigest()[:16]
    place = f"http:{source}/{name}"
    return Arrival(source, name, decode_content(content, position, place, inspector, keep_image))
