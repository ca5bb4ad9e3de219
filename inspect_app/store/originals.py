"""Which original images the store keeps for the next training, and as what they are kept."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from inspect_app.store.pictures import encode_png

if TYPE_CHECKING:  # deploy.runtime loads ONNX Runtime, which reading a store must not need
    from deploy.scoring.results import ScoredImage

_SUFFIX_OF_START = {
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"BM": ".bmp",
    b"II*\x00": ".tif",
    b"MM\x00*": ".tif",
    b"RIFF": ".webp",
}


def chosen_for_blind_review(sha256: str | None, seed: str, share: float) -> bool:
    """Whether a pass is to be looked at again: the same answer for the same content and store."""
    if sha256 is None:
        return False
    digest = hashlib.sha256(f"{seed}:{sha256}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def original_of(scored: "ScoredImage") -> bytes | None:
    """The bytes that were judged; where only pixels are at hand, these as PNG."""
    if scored.content is not None:
        return scored.content
    return None if scored.image is None else encode_png(scored.image)


def original_at(source: str, sha256: str | None) -> bytes | None:
    """The bytes of the file an inspection came from, if it still lies there unchanged."""
    path = Path(source)
    try:
        if sha256 is None or not path.is_file():
            return None
        content = path.read_bytes()
    except (OSError, ValueError):
        return None
    return content if hashlib.sha256(content).hexdigest() == sha256 else None


def suffix_of(content: bytes, name: str) -> str:
    """How a file with this content should end: by its first bytes, else as its name did."""
    for start, suffix in _SUFFIX_OF_START.items():
        if content.startswith(start):
            return suffix
    return Path(name).suffix.lower()
