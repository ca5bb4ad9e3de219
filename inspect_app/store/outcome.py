"""Which inspections came out as asked for: by verdict, or as unreadable."""

from sqlalchemy import ColumnElement, true

from inspect_app.store.records import Outcome
from inspect_app.store.schema import inspections


def has_outcome(outcome: Outcome | None) -> ColumnElement[bool]:
    """The condition in SQL; None is every inspection. Each outcome has an index of its own."""
    if outcome is None:
        return true()
    if outcome == "unreadable":
        return inspections.c.status == "unreadable"
    return inspections.c.verdict == outcome
