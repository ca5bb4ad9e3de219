"""The verdict on a part that was photographed several times: that of its worst image."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, select

from inspect_app.store.records import DecisionName, Outcome
from inspect_app.store.schema import inspections

_WORST_FIRST: tuple[DecisionName, ...] = ("fail", "recheck", "pass")


def part_verdict(outcomes: Iterable[Outcome]) -> DecisionName:
    """The worst of a part's outcomes; an image that could not be read asks for a recheck.

    Raises:
        ValueError: There is no outcome: a part that was never seen has no verdict.
    """
    found = {"recheck" if outcome == "unreadable" else outcome for outcome in outcomes}
    for verdict in _WORST_FIRST:
        if verdict in found:
            return verdict
    raise ValueError("a part without any image has no verdict.")


def part_verdict_then(connection: Connection, image: Mapping[str, Any]) -> DecisionName | None:
    """The verdict on a part by all its images up to this one; None for an image of no known part.

    A part is known by its id within its line and lot. What came later changes nothing here, so the
    answer stays the same for ever.

    Args:
        image: Columns of an inspection: id, part_id, line and lot.
    """
    if image["part_id"] is None:
        return None
    same_part = (inspections.c[name].is_not_distinct_from(image[name]) for name in ("lot", "line"))
    query = select(inspections.c.verdict).where(
        inspections.c.part_id == image["part_id"], inspections.c.id <= image["id"], *same_part
    )
    found = connection.execute(query).scalars()
    return part_verdict(verdict or "unreadable" for verdict in found)
