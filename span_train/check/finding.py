"""What a check found, said so that someone can act on it."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["ok", "warning", "problem"]
MOST_NAMED = 200


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        about: Which check: `files`, `sizes`, `duplicates`, `pose`, `products`, `light`, `labels`,
            `classes` or `layout`.
        level: `ok`; `warning` where a person should look; `problem` where it misleads or stops a
            training.
        found: What was found, as a sentence.
        advice: What to do, or nothing.
        images: Files it is about, as shown; at most 200.
    """

    about: str
    level: Level
    found: str
    advice: str = ""
    images: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The finding as plain values; at most 200 images."""
        return asdict(self) | {"images": list(self.images[:MOST_NAMED])}
