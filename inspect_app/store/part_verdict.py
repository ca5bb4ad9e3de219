"""The verdict on a part that was photographed several times: that of its worst image."""

from collections.abc import Iterable

from inspect_app.store.records import DecisionName, Outcome

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
