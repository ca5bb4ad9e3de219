"""Which part of the layout speaks most for a defect."""

from collections.abc import Mapping


def strongest_part(contributions: Mapping[str, float]) -> str | None:
    """The part, or `elsewhere`, that adds most to z; None where nothing that has a place adds any.

    Args:
        contributions: What each part, `elsewhere` and `free` add to z.
    """
    placed = {name: value for name, value in contributions.items() if name != "free" and value > 0}
    return max(placed, key=lambda name: placed[name]) if placed else None
