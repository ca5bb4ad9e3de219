"""One image that a cell has sent: named, hashed, read and fitted."""

import hashlib
from dataclasses import dataclass

from deploy.runtime.inspector import Inspector
from deploy.scoring.decode import Decoded
from deploy.scoring.results import ScoredImage
from span_train.contract.errors import ImageError


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
    sha256 = hashlib.sha256(content).hexdigest()
    name = name or sha256[:16]
    place = f"http:{source}/{name}"
    try:
        image = inspector.decode(content, place)
        fitted, problem = inspector.fit(image), ""
    except ImageError as damage:
        image, fitted, problem = None, None, str(damage)
    except Exception as damage:  # damaged images raise almost anything, and never stop a server
        reason = f"{type(damage).__name__}: {damage}"
        image, fitted, problem = None, None, f"{place}: cannot be decoded ({reason})."
    kept = image if keep_image else None
    return Arrival(source, name, Decoded(position, place, sha256, fitted, kept, problem))
