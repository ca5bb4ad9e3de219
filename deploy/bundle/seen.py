"""Which images a bundle has seen, so that none of them proves it right a second time.

Only the first 16 hexadecimal digits of each image's sha256 are kept: enough to know an image again,
and far from enough to draw it.
"""

import json
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from deploy.bundle.manifest import SEEN
from deploy.bundle.read import Bundle, read_file
from span_train.contract.errors import BundleError

_DIGITS = 16


def _as_set(value: object) -> object:
    return frozenset(value) if isinstance(value, list) else value


Marks = Annotated[
    frozenset[Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]], BeforeValidator(_as_set)
]


class SeenImages(BaseModel):
    """The contents of `seen.json`.

    Attributes:
        learnt: Marks of the images that the network learnt from, labelled or not.
        judged: Marks of the images that thresholds were chosen on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Literal[1] = 1
    learnt: Marks = frozenset()
    judged: Marks = frozenset()

    @classmethod
    def of_hashes(cls, learnt: Iterable[str], judged: Iterable[str]) -> "SeenImages":
        """From whole sha256, as hexadecimal text."""
        return cls(
            learnt=frozenset(digest[:_DIGITS] for digest in learnt),
            judged=frozenset(digest[:_DIGITS] for digest in judged),
        )

    def has_learnt_from(self, digest: str) -> bool:
        """Whether the network learnt from the image with this sha256."""
        return digest[:_DIGITS] in self.learnt

    def was_judged_on(self, digest: str) -> bool:
        """Whether thresholds were chosen on the image with this sha256."""
        return digest[:_DIGITS] in self.judged

    def with_judged(self, hashes: Iterable[str]) -> "SeenImages":
        """These, and further images that thresholds were chosen on."""
        more = frozenset(digest[:_DIGITS] for digest in hashes)
        return self.model_copy(update={"judged": self.judged | more})

    def as_bytes(self) -> bytes:
        """The exact bytes of `seen.json`; the same images give the same bytes."""
        ordered = {"version": self.version, "learnt": sorted(self.learnt)}
        return (json.dumps({**ordered, "judged": sorted(self.judged)}) + "\n").encode()


def read_seen(bundle: Bundle) -> SeenImages | None:
    """Which images a bundle has seen; None where it was exported without that knowledge.

    Raises:
        BundleError: The file changed since the bundle was opened, or is no such list.
    """
    if SEEN not in bundle.manifest.files:
        return None
    try:
        return SeenImages.model_validate_json(read_file(bundle, SEEN))
    except ValidationError as problem:
        reason = problem.errors()[0]["msg"]
        raise BundleError(
            f"{bundle.folder / SEEN}: is no list of images ({reason}); export again."
        ) from None
