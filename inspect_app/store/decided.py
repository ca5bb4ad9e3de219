"""What the operators made of each inspection: one label, a disagreement, or still open."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inspect_app.store.records import ROLES


@dataclass(frozen=True)
class Opinion:
    """One decision, as far as labels need it."""

    operator: str
    role: str
    decision: str
    reason: str


@dataclass(frozen=True)
class DecidedImage:
    """One inspection with all its decisions, oldest first.

    Attributes:
        part: Columns of the inspection.
        original_asset: The kept original; None where there is none.
    """

    part: Mapping[str, Any]
    original_asset: str | None
    opinions: tuple[Opinion, ...]

    @property
    def counting(self) -> tuple[Opinion, ...]:
        """The last opinion of each who decided, among those of the highest role.

        So a reviewer settles what operators disagree about, and an engineer what reviewers do.
        """
        rank = max(ROLES.index(opinion.role) for opinion in self.opinions)
        last = {
            opinion.operator: opinion for opinion in self.opinions if opinion.role == ROLES[rank]
        }
        return tuple(last.values())

    @property
    def agreed(self) -> Opinion | None:
        """What they agree on; None where they disagree."""
        counting = self.counting
        return counting[-1] if len({one.decision for one in counting}) == 1 else None

    def told(self) -> str:
        """Who decided what, for people."""
        return "; ".join(f"{one.operator} ({one.role}): {one.decision}" for one in self.counting)


def class_of(opinion: Opinion, part: Mapping[str, Any], classes: Sequence[str]) -> str | None:
    """The class a decision stands for; None where the part is still to be rechecked.

    A failed part gets the defect type its operator named as the reason; else the only type there
    is; else the one the line found, which the operator saw when agreeing; else `defect`.

    Args:
        classes: Those of the bundle, the good one first.
    """
    if opinion.decision == "recheck":
        return None
    good, *types = classes
    if opinion.decision == "pass":
        return good
    named = {name.casefold(): name for name in types}.get(opinion.reason.casefold())
    if named is not None:
        return named
    if len(types) == 1:
        return types[0]
    found = part["defect_type"]
    return found if part["verdict"] == "fail" and found in types else "defect"


def equal_content(images: Iterable[DecidedImage]) -> list[list[DecidedImage]]:
    """Images gathered by content, in order of the first of each."""
    gathered: dict[Any, list[DecidedImage]] = {}
    for image in images:
        gathered.setdefault(image.part["sha256"] or image.part["id"], []).append(image)
    return list(gathered.values())
