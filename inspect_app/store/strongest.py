"""What speaks most for a defect, of all that adds to z."""

from collections.abc import Mapping


def strongest(contributions: Mapping[str, float]) -> str | None:
    """What adds most to z; None where nothing adds any.

    Args:
        contributions: What each part, `elsewhere` and `free` add to z.
    """
    name = max(contributions, key=lambda each: contributions[each], default=None)
    return name if name is not None and contributions[name] > 0 else None


def strongest_part(contributions: Mapping[str, float]) -> str | None:
    """The same of what has a place: of the parts and `elsewhere`."""
    return strongest({name: value for name, value in contributions.items() if name != "free"})
