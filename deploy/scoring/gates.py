"""Compare what a scoring run came to with the limits a pipeline set, in sentences."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Gates:
    """Limits between 0 and 1; None sets none.

    Attributes:
        fail, recheck: Shares of the images that got a verdict.
        unreadable: Share of all images.
    """

    fail: float | None = None
    recheck: float | None = None
    unreadable: float | None = None

    def missed(self, counts: Mapping[str, int]) -> tuple[str, ...]:
        """A sentence for each limit that the counts exceed, or cannot show to be kept."""
        return tuple(self._sentences(counts))

    def _sentences(self, counts: Mapping[str, int]) -> Iterator[str]:
        images = sum(counts.values())
        judged = images - counts["unreadable"]
        for name, limit, of in (
            ("fail", self.fail, judged),
            ("recheck", self.recheck, judged),
            ("unreadable", self.unreadable, images),
        ):
            if limit is None:
                continue
            if not of:
                yield f"no image got a verdict, which shows no {name} rate of at most {limit:.2%}"
            elif counts[name] > limit * of:
                yield (
                    f"{counts[name]} of {of} images ({counts[name] / of:.2%}) are {name}, "
                    f"the limit is {limit:.2%}"
                )
